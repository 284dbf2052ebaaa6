"""The dossier of a customer: for the supervisor of their team, who gives it to them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from config import clock
from crm import access
from crm.actors import Actor
from crm.views import reader
from crm.views_confirmed import confirmed
from followups import own_data_paper

KINDS = {"pdf": "application/pdf", "json": "application/json"}


@require_safe
@confirmed("export_customers")
def dossier(request: HttpRequest, reference: str, kind: str) -> HttpResponse:
    """Everything leaves the house: written down each time."""
    if kind not in KINDS:
        raise Http404
    user, at = reader(request), clock.now()
    customer = get_object_or_404(access.customers(user, at=at), reference=reference)
    made = own_data_paper.export(customer=customer, kind=kind, by=Actor.person(user), at=at)
    answer = HttpResponse(made, content_type=KINDS[kind])
    answer["Content-Disposition"] = f'attachment; filename="{customer.reference}.{kind}"'
    return answer
