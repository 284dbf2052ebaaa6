"""The agent's home: whom to call next, what was promised, what waits for a decision; the bell."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from config.celery import nudge
from crm import access, instants
from crm.actors import Actor
from crm.models import User
from crm.views import reader
from followups import (
    briefing,
    conflicts,
    items,
    next_calls,
    notice_words,
    notices,
    override_lists,
    plans,
    queries,
    signatures,
    telling,
    unfinished,
    writing,
)
from followups.forms import AnswerForm
from followups.forms_again import SendAgainForm
from followups.models import Item, Notice
from followups.terms import NotOpen, Refused

TO_DECIDE = {"override_asked", "override_to_sign"}
# What a customer said is read and acted upon outside; nothing is sent for it.
TO_READ = (Item.Kind.ANSWER, Item.Kind.ACCEPTED)


@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    user, at = reader(request), clock.now()
    access.require(user, "log_calls")
    before = unfinished.of(user, at=at)
    held = before.held if before else None
    words = {
        "next": next_calls.next_to_call(user=user, at=at, held=held.customer_id if held else None),
        "held": held,
        "before": None if held else before,
        "promises": queries.my_promises(user=user, at=at),
        "waiting": override_lists.waiting(user=user, at=at),
        "items": queries.my_items(user=user, at=at),
    }
    return render(request, "followups/desk.html", words)


def _item(request: HttpRequest, pk: int, at: datetime) -> Item:
    access.require(reader(request), "mend_promises")
    return get_object_or_404(queries.items_of(reader(request), at=at), pk=pk)


@require_http_methods(["GET", "HEAD", "POST"])
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """One thing to do: what happened, and where the document shall go, or the answer itself."""
    at = clock.now()
    row = _item(request, pk, at)
    writes = row.kind == Item.Kind.ANSWER_TO_WRITE
    form = _form(request, row, at=at)
    if request.method == "POST" and form.is_valid():
        if isinstance(form, SendAgainForm):
            done = _send_again(request, row, form)
        else:
            done = _answer(request, row, form)
        if done:
            nudge("send")
            return redirect("sheet", reference=row.customer.reference)
    reads = row.kind in TO_READ
    decides = row.kind == Item.Kind.CONFLICT
    mends = row.promise is not None and not (writes or reads or decides)
    words = {
        "decides": decides,
        "item": row,
        "form": form,
        "trouble": telling.trouble(row.delivery, at=at) if mends else None,
        "writes": writes,
        "reads": reads,
        "question": writing.question(row.promise) if writes and row.promise else "",
    }
    return render(
        request, "followups/item.html", words, status=422 if request.method == "POST" else 200
    )


def _form(request: HttpRequest, row: Item, *, at: datetime) -> AnswerForm | SendAgainForm:
    if row.kind == Item.Kind.ANSWER_TO_WRITE:
        return AnswerForm(request.POST or None, request.FILES or None)
    return SendAgainForm(request.POST or None, item=row, at=at)


def _answer(request: HttpRequest, row: Item, form: forms.Form) -> bool:
    """The answer goes the way that was promised."""
    if row.promise is None:
        return False
    pdf = form.cleaned_data["pdf"]
    try:
        writing.answer_with(
            promise=row.promise,
            text=form.cleaned_data["text"],
            title=pdf.name if pdf else "",
            pdf=pdf.read() if pdf else b"",
            by=Actor.person(reader(request)),
            at=clock.now(),
        )
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    return True


def _send_again(request: HttpRequest, row: Item, form: SendAgainForm) -> bool:
    if row.promise is None:
        form.add_error(None, _("Nothing is promised here, so there is nothing to send."))
        return False
    channel, address = form.where()
    try:
        plans.resend(
            promise=row.promise,
            address=address,
            channel=channel,
            by=Actor.person(reader(request)),
            at=clock.now(),
        )
    except Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    return True


@require_POST
def close_item(request: HttpRequest, pk: int) -> HttpResponse:
    """What the customer said was read. Anything else is settled by sending, not by a button."""
    at = clock.now()
    row = _item(request, pk, at)
    if row.kind in TO_READ:
        items.close(item=row, cause="read", by=Actor.person(reader(request)), at=at)
    else:
        messages.warning(request, _("This stays until the document is on its way again."))
    return redirect("desk")


@require_POST
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """A promised call that the customer does not want: a letter instead, or nothing."""
    by, at = Actor.person(reader(request)), clock.now()
    row = _item(request, pk, at)
    if row.kind != Item.Kind.CONFLICT:
        raise Http404
    try:
        if request.POST.get("choice") == "write":
            conflicts.write_instead(item=row, by=by, at=at)
            messages.success(request, _("The answer is yours to write: it stands on your desk."))
        else:
            conflicts.let_go(item=row, by=by, at=at)
            messages.success(request, _("The promise is withdrawn. Nobody calls."))
    except (Refused, NotOpen) as refusal:
        messages.warning(request, str(refusal))
        return redirect("item", pk=pk)
    return redirect("desk")


@require_http_methods(["GET", "HEAD", "POST"])
def notices_page(request: HttpRequest) -> HttpResponse:
    """The bell: what this person was told. Marked as read by a button, not by looking."""
    user, at = reader(request), clock.now()
    if request.method == "POST":
        notices.read(user=user, at=at)
        return redirect("notices")
    found = queries.notices_of(user)
    days = [
        (instants.heading(day, now=at), [_line(row, user) for row in rows])
        for day, rows in groupby(found, key=lambda row: instants.house(row.at).date())
    ]
    words = {"days": days, "notices": found, "unread": queries.unread(user)}
    return render(request, "followups/notices.html", words)


def _line(notice: Notice, user: User) -> tuple[Notice, str, str]:
    return notice, notice_words.sentence(notice), _leads_to(notice, user)


def _leads_to(notice: Notice, user: User) -> str:
    """The address at which something can be done about it; empty when there is none."""
    if notice.kind in TO_DECIDE:
        return reverse("override", args=[notice.data["override"]])
    if notice.promise and notice.kind in signatures.KINDS.values():
        return reverse("promise", args=[notice.promise.reference])
    if notice.kind == briefing.DIGEST and access.may(user, "see_board"):
        return reverse("board")
    if "finding" in notice.data:
        return reverse("house")
    if notice.kind == "poison":
        return f"{reverse('dead_letters')}?kind=promise"
    if "endpoint" in notice.data:
        return reverse("webhook", args=[notice.data["endpoint"]])
    about = notice_words.about(notice) if access.may(user, "see_customers") else ""
    return reverse("sheet", args=[about]) if about else ""
