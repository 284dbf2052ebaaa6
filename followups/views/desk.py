"""The agent's home: whom to call next, what was promised, what waits for a decision; the bell."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from config.celery import nudge
from crm import access
from crm.actors import Actor
from crm.views import reader
from followups import items, journeys, notices, plans, queries
from followups.forms import AddressForm
from followups.models import Item
from followups.terms import Refused


@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    words = {
        "next": queries.next_to_call(user=user, at=at),
        "promises": queries.my_promises(user=user, at=at),
        "items": list(queries.items_of(user)[: queries.LONGEST_LIST]),
    }
    return render(request, "followups/desk.html", words)


def _item(request: HttpRequest, pk: int) -> Item:
    access.require(reader(request), "mend_promises")
    return get_object_or_404(queries.items_of(reader(request)), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """One thing to do: what happened, and where the document shall go instead."""
    row, at = _item(request, pk), clock.now()
    form = AddressForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _send_again(request, row, form):
        return redirect("sheet", reference=row.customer.reference)
    told = journeys.trouble(row.delivery, at=at) if row.promise else None
    words = {"item": row, "form": form, "trouble": told, "mends": row.kind != Item.Kind.ANSWER}
    return render(
        request, "followups/item.html", words, status=422 if request.method == "POST" else 200
    )


def _send_again(request: HttpRequest, row: Item, form: AddressForm) -> bool:
    if row.promise is None:
        form.add_error(None, _("Nothing is promised here, so there is nothing to send."))
        return False
    try:
        plans.resend(
            promise=row.promise,
            address=form.cleaned_data["address"],
            by=Actor.person(reader(request)),
            at=clock.now(),
        )
    except Refused as refusal:
        form.add_error("address", str(refusal))
        return False
    nudge("send")
    return True


@require_POST
def close_item(request: HttpRequest, pk: int) -> HttpResponse:
    """The answer was read. Anything else is settled by sending, not by a button."""
    row = _item(request, pk)
    if row.kind == Item.Kind.ANSWER:
        items.close(item=row, cause="read", by=Actor.person(reader(request)), at=clock.now())
    else:
        messages.warning(request, _("This stays until the document is on its way again."))
    return redirect("desk")


@require_http_methods(["GET", "HEAD", "POST"])
def notices_page(request: HttpRequest) -> HttpResponse:
    """The bell: what this person was told. Marked as read by a button, not by looking."""
    user = reader(request)
    if request.method == "POST":
        notices.read(user=user, at=clock.now())
        return redirect("notices")
    rows = [(row, notices.sentence(row)) for row in queries.notices_of(user)]
    return render(request, "followups/notices.html", {"rows": rows})
