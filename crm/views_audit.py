"""The audit, for administrators: who did what, when."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config import clock
from crm import access, audit_log
from crm.actors import Actor
from crm.audit_log import Page
from crm.chain import inspections
from crm.forms_audit import AuditForm
from crm.views import reader


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Newest first; what cannot be looked for finds nothing, and says why."""
    access.require(reader(request), "see_audit")
    form = AuditForm(request.GET)
    good = form.is_valid()
    page = audit_log.page(form.question()) if good else Page([], None)
    query = request.GET.copy()
    query.pop("before", None)
    words = {
        "form": form,
        "page": page,
        "query": query.urlencode(),
        "chain": inspections.state(),
        "page_at": clock.now(),
    }
    return render(request, "crm/audit.html", words, status=200 if good else 422)


@require_safe
def export(request: HttpRequest) -> HttpResponseBase:
    """The same as a file. That somebody took it stands in the audit from then on."""
    user = reader(request)
    access.require(user, "see_audit")
    form = AuditForm(request.GET)
    if not form.is_valid():
        return HttpResponse(form.errors.as_text(), content_type="text/plain", status=422)
    at = clock.now()
    lines = audit_log.export(
        form.question(), filters=request.GET.urlencode(), by=Actor.person(user), at=at
    )
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="audit-{at:%Y-%m-%d}.csv"'
    return answer
