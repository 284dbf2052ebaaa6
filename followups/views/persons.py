"""Two customers are one person: said by a supervisor, and taken back within 30 days."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from config import clock
from crm import access, merges, queries
from crm.actors import Actor
from crm.models import Customer
from crm.views import reader
from followups import persons
from followups.views.sheet import customer_of


class OtherForm(forms.Form):
    """Who else is this person? A reference, an external id or a number."""

    other = forms.CharField(
        label=gettext_lazy("Reference, external id or number of the other"), max_length=64
    )


@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest, reference: str) -> HttpResponse:
    """First both are shown side by side; the second press merges them."""
    at = clock.now()
    access.require(reader(request), "merge_customers")
    customer = customer_of(request, reference, at)
    form = OtherForm(request.POST or request.GET or None)
    other = _other(request, form, customer) if form.is_bound and form.is_valid() else None
    if request.method == "POST" and other:
        try:
            merges.merge(customer=other, into=customer, by=Actor.person(reader(request)), at=at)
        except merges.Refused as refusal:
            form.add_error("other", str(refusal))
        else:
            messages.success(request, _("They are one person now."))
            return redirect("sheet", reference=customer.reference)
    words = {"customer": customer, "other": other, "form": form, "both": [customer, other]}
    status = 422 if form.errors else 200
    return render(request, "followups/merge.html", words, status=status)


def _other(request: HttpRequest, form: OtherForm, customer: Customer) -> Customer | None:
    """The one customer that this names, of those whom the reader may open."""
    found = queries.exact(form.cleaned_data["other"], region=settings.DEFAULT_COUNTRY)
    mine = access.customers(reader(request), at=clock.now())
    rows = mine.filter(pk__in=[row.pk for row in found]).exclude(pk=customer.pk)
    others = list(rows.select_related("text", "team", "postal").prefetch_related("numbers"))
    if len(others) == 1:
        return others[0]
    form.add_error(
        "other",
        _("Several customers have this: write the reference.")
        if others
        else _("No other customer of your team has this reference, id or number."),
    )
    return None


@require_POST
def separate(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    at = clock.now()
    access.require(reader(request), "merge_customers")
    customer = customer_of(request, reference, at)
    rows = merges.standing(merges.group_of([customer.pk]))
    try:
        merge = get_object_or_404(rows, pk=pk)
        if persons.separate(merge=merge, by=Actor.person(reader(request)), at=at):
            messages.success(
                request, _("They are two again. Wishes of the time between stay on both.")
            )
    except merges.Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("sheet", reference=customer.reference)
