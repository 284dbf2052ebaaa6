"""The audit, for administrators: who did what, when."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config import clock
from crm import access, audit_log
from crm.audit_log import Page
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
    words = {"form": form, "page": page, "query": query.urlencode(), "page_at": clock.now()}
    return render(request, "crm/audit.html", words, status=200 if good else 422)
