"""Who was forgotten, and forgetting one more: for administrators, who read no customer here."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config import clock
from crm import access, actors, forgetting, pull_list
from crm.actors import Actor
from crm.forms_forgetting import ForgetForm
from crm.models import Erasure
from crm.views import reader
from crm.views_confirmed import confirmed

ACT = "forget_customers"
PAGE = 50


@require_safe
def forgotten(request: HttpRequest) -> HttpResponse:
    """The newest first: references, codes and instants."""
    access.require(reader(request), ACT)
    rows = Erasure.objects.select_related("customer").order_by("-at", "-pk")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    names = actors.names(row.by for row in page)
    lines = [{"row": row, "who": names.get(row.by, "")} for row in page]
    told = {"page": page, "lines": lines, "page_at": clock.now()}
    return render(request, "crm/forgotten.html", told)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed(ACT)
def forget(request: HttpRequest) -> HttpResponse:
    """The reference is typed twice: it cannot be taken back."""
    form = ForgetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            gone = forgetting.forget(
                customer=data["reference"],
                ground=data["ground"],
                case=data["case"].strip(),
                by=Actor.person(reader(request)),
                at=clock.now(),
            )
        except forgetting.Refused as refusal:
            field = "reference" if refusal.field == "customer" else refusal.field
            form.add_error(field, str(refusal))
        else:
            pull_list.write_down(at=clock.now())
            words = _("%(names)s is forgotten. What arrives late goes by itself for 60 days.")
            messages.success(request, words % {"names": ", ".join(gone)})
            return redirect("forgotten")
    status = 422 if request.method == "POST" else 200
    return render(request, "crm/forget.html", {"form": form}, status=status)
