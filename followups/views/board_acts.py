"""What a supervisor does with the chosen rows of the board; what became of each is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from config import clock
from config.celery import nudge
from crm import access
from crm.actors import Actor
from crm.views import reader
from followups import amending, bulk
from followups.board import lists
from followups.bulk import Outcome
from followups.forms_board import AgreeForm, SendOnForm
from followups.forms_change import PassForm, keepers
from followups.models import Promise
from followups.views import boards

Act = Callable[[list[Promise], Any, Actor, datetime], Iterable[Outcome]]
# So many references stand in one message.
TOLD = 20


@require_POST
def hand_out(request: HttpRequest) -> HttpResponse:
    """The chosen rows go to a colleague."""
    people = keepers(reader(request).team_id)

    def act(chosen: list[Promise], form: Any, by: Actor, at: datetime) -> Iterable[Outcome]:
        owner, reason = form.cleaned_data["owner"], form.cleaned_data["reason"]
        left = amending.hand_out(chosen=chosen, owner=owner, reason=reason, by=by, at=at)
        why = {promise.pk: words for promise, words in left}
        gone = _("now with %(owner)s") % {"owner": owner}
        return [Outcome(row, row.pk not in why, why.get(row.pk, gone)) for row in chosen]

    return _do(request, "hand_out", PassForm(request.POST, people=people), act)


@require_POST
def send_on(request: HttpRequest) -> HttpResponse:
    """The chosen rows leave by their next way."""

    def act(chosen: list[Promise], form: Any, by: Actor, at: datetime) -> Iterable[Outcome]:
        return bulk.send_on(chosen=chosen, reason=form.cleaned_data["reason"], by=by, at=at)

    return _do(request, "send_on", SendOnForm(request.POST, address=request.get_full_path()), act)


@require_POST
def agree(request: HttpRequest) -> HttpResponse:
    """The chosen rows are due on another day, as the customers agreed."""

    def act(chosen: list[Promise], form: Any, by: Actor, at: datetime) -> Iterable[Outcome]:
        data = form.cleaned_data
        return bulk.agree(chosen=chosen, day=data["day"], reason=data["reason"], by=by, at=at)

    return _do(request, "agree", AgreeForm(request.POST, address=request.get_full_path()), act)


def _do(request: HttpRequest, name: str, form: forms.Form, act: Act) -> HttpResponse:
    user, at = reader(request), clock.now()
    access.require(user, "hand_out_promises")
    wanted = request.POST.getlist("promise")[: lists.PER_PAGE]
    if form.is_valid() and not wanted:
        form.add_error(None, _("Choose the promises first."))
    if not form.is_valid():
        return boards.page(request, at=at, sent={name: form}, picked={*wanted}, status=422)
    rows = Promise.objects.filter(team=user.team_id).exclude(team=None)
    rows = rows.select_related("customer", "owner", "team", "attempt", "text")
    chosen = list(rows.filter(reference__in=wanted).order_by("due_at", "pk"))
    _tell(request, act(chosen, form, Actor.person(user), at), len({*wanted}) - len(chosen))
    nudge("send")
    query = {key: value for key, value in request.GET.items() if key != "rows"}
    return redirect(f"{reverse('board')}?{urlencode(query)}" if query else reverse("board"))


def _tell(request: HttpRequest, outcomes: Iterable[Outcome], strange: int) -> None:
    """One message for each thing that became of some of them."""
    done: dict[tuple[bool, str], list[str]] = defaultdict(list)
    for outcome in outcomes:
        done[outcome.done, outcome.words].append(outcome.promise.reference)
    for (good, words), references in sorted(done.items(), reverse=True):
        told = ", ".join(references[:TOLD]) + (" …" if len(references) > TOLD else "")
        said = {"n": len(references), "words": words, "references": told}
        if good:
            messages.success(request, _("Done for %(n)s: %(words)s (%(references)s).") % said)
        else:
            messages.warning(request, _("Not done for %(n)s: %(words)s %(references)s.") % said)
    if strange:
        messages.warning(request, _("%(n)s are not your team's.") % {"n": strange})
