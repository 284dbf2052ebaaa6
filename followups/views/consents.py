"""The consent ledger on the sheet: write one down, or withdraw it at once."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config import clock
from crm import access, consents
from crm.actors import Actor
from crm.models import Consent
from crm.views import reader
from followups.forms_consent import ConsentForm
from followups.views.sheet import customer_of

FIELDS = {"given_at": "given_on", "until_at": "until"}


@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, reference: str) -> HttpResponse:
    """One form; a refusal of the ledger stands beside the field that it is about."""
    at = clock.now()
    customer = customer_of(request, reference, at)
    access.require(reader(request), "record_consents")
    form = ConsentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            by = Actor.person(reader(request))
            consents.record(customer=customer, given=form.given(at=at), by=by, at=at)
        except consents.Refused as refusal:
            form.add_error(FIELDS.get(refusal.field, refusal.field), str(refusal))
        else:
            messages.success(request, _("The consent is on file."))
            return redirect("sheet", reference=customer.reference)
    words = {"customer": customer, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/consent.html", words, status=status)


@require_POST
def withdraw(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    at = clock.now()
    customer = customer_of(request, reference, at)
    access.require(reader(request), "record_consents")
    row = get_object_or_404(Consent, pk=pk, customer=customer)
    if consents.withdraw(consent=row, by=Actor.person(reader(request)), at=at):
        messages.success(request, _("The consent is withdrawn. It stays on file with its end."))
    else:
        messages.info(request, _("This consent had ended already."))
    return redirect("sheet", reference=customer.reference)
