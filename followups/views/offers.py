"""A customer's offers: what there is, what the customer holds of it, a new version, taking back."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from crm import access
from crm.actors import Actor
from crm.models import Customer
from crm.views import reader
from followups import menu, proposals
from followups.forms_offer import PlanForm, UploadForm
from followups.terms import Refused
from followups.views.sheet import customer_of
from offers import catalogue, documents, drafts
from offers.comparison import sentence
from offers.models import Document, Offer, OfferVersion


def _own(request: HttpRequest, reference: str) -> tuple[Customer, datetime]:
    at = clock.now()
    access.require(reader(request), "log_calls")
    return customer_of(request, reference, at), at


def _offer(customer: Customer, reference: str) -> Offer:
    return get_object_or_404(Offer, customer=customer, reference=reference)


@require_safe
def offers(request: HttpRequest, reference: str) -> HttpResponse:
    """Every offer and document on file, and the forms that add one."""
    customer, at = _own(request, reference)
    return _listed(request, customer, at)


def _listed(
    request: HttpRequest,
    customer: Customer,
    at: datetime,
    *,
    plan: PlanForm | None = None,
    upload: UploadForm | None = None,
) -> HttpResponse:
    held = proposals.of(customer)
    found = menu.of(customer, holdings=held, user=reader(request), at=at)
    words = {
        "customer": customer,
        "offers": held,
        "uploads": found.documents,
        "today": found.today,
        "form": plan or PlanForm(menu=found, language=customer.language),
        "upload": upload or UploadForm(),
    }
    return render(request, "followups/offers.html", words, status=422 if plan or upload else 200)


@require_POST
def draft(request: HttpRequest, reference: str) -> HttpResponse:
    """A new offer, before or after a call. It is sent when it is promised."""
    customer, at = _own(request, reference)
    found = menu.of(customer, holdings=(), user=reader(request), at=at)
    form = PlanForm(request.POST, menu=found, language=customer.language)
    if not form.is_valid():
        return _listed(request, customer, at, plan=form)
    version = _drafted(request, customer, form, at=at)
    return redirect("offer", reference=customer.reference, offer=version.offer.reference)


def _drafted(
    request: HttpRequest,
    customer: Customer,
    form: PlanForm,
    *,
    at: datetime,
    offer: Offer | None = None,
) -> OfferVersion:
    proposal = catalogue.proposal_of(form.chosen(), language=customer.language, at=at)
    by = Actor.person(reader(request))
    return drafts.draft(customer=customer, proposal=proposal, by=by, at=at, offer=offer)


@require_POST
def upload(request: HttpRequest, reference: str) -> HttpResponse:
    """A PDF on file, ready to be promised."""
    customer, at = _own(request, reference)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _listed(request, customer, at, upload=form)
    try:
        documents.upload(
            customer=customer,
            title=form.cleaned_data["title"],
            pdf=form.cleaned_data["pdf"].read(),
            language=customer.language,
            by=Actor.person(reader(request)),
            at=at,
        )
    except documents.NotADocument as error:
        form.add_error("pdf", str(error))
        return _listed(request, customer, at, upload=form)
    return redirect("offers", reference=customer.reference)


@require_http_methods(["GET", "HEAD", "POST"])
def offer(request: HttpRequest, reference: str, offer: str) -> HttpResponse:
    """One offer by version. A change (POST) is a new version of it; the old ones stay."""
    customer, at = _own(request, reference)
    row = _offer(customer, offer)
    held = proposals.of(customer, offer=row)
    found = menu.of(customer, holdings=held, user=reader(request), at=at)
    language, before = customer.language, held[0].version
    form = PlanForm(request.POST or None, menu=found, language=language, before=before)
    if request.method == "POST" and row.withdrawn_at:
        form.add_error(None, _("This offer was withdrawn; draft a new one."))
    elif request.method == "POST" and form.is_valid():
        _drafted(request, customer, form, at=at, offer=row)
        return redirect("offer", reference=customer.reference, offer=row.reference)
    figures = held[0].figures
    words = {
        "customer": customer,
        "offer": row,
        "held": held,
        "form": form,
        "figures": figures,
        "sentence": sentence(figures, customer.language) if figures else "",
        "today": found.today,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/offer.html", words, status=status)


@require_POST
def withdraw(request: HttpRequest, reference: str, offer: str) -> HttpResponse:
    """We do not stand by it any more; refused in words while a promise for it is open."""
    customer, at = _own(request, reference)
    row = _offer(customer, offer)
    try:
        proposals.withdraw(offer=row, by=Actor.person(reader(request)), at=at)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("offer", reference=customer.reference, offer=row.reference)


@require_safe
def preview(request: HttpRequest, reference: str, offer: str, number: int) -> HttpResponse:
    """The document in the customer's language, as it is or as it would be written out."""
    customer, _at = _own(request, reference)
    rows = OfferVersion.objects.filter(offer=_offer(customer, offer)).select_related("offer")
    version = get_object_or_404(rows.prefetch_related("lines"), number=number)
    pdf = documents.preview(version=version, language=customer.language)
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{version.offer.reference}-{number}.pdf"'
    return response


@require_safe
def document(request: HttpRequest, pk: int) -> HttpResponse:
    """The PDF that the customer has, as a download."""
    user, at = reader(request), clock.now()
    access.require(user, "see_customers")
    rows = Document.objects.filter(customer__in=access.customers(user, at=at))
    row = get_object_or_404(rows, pk=pk)
    response = HttpResponse(bytes(row.pdf), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="document-{row.pk}.pdf"'
    return response
