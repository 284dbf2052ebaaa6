"""Policies, the pages that need the gate's answers: the dry run over yesterday, the activation."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config import clock
from crm import access, actors, figures, instants, policies, policy_versions
from crm.actors import Actor
from crm.forms_policies import ActivationForm, instant
from crm.models import Customer, PolicyVersion, User
from crm.policies import Policy
from crm.policy_versions import Overtaken, Refused
from crm.rulebooks import DRAFT, Book
from crm.views import reader
from crm.views_policies import drafted, found
from followups import dry_runs


@require_safe
def dry_run(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """What the draft would have answered yesterday; once it is activated, what was shown then."""
    user, at = reader(request), clock.now()
    access.require(user, "see_policies")
    book = found(name, version, at=at)
    if (row := book.row) is None:
        raise Http404
    writes = access.may(user, "write_policies") and book.state == DRAFT
    form = _form(request, row, at) if writes else None
    return render(request, "followups/dry_run.html", _words(book, row, form, user, at))


@require_POST
def compare(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Lets the dry run run; with a busy day it takes some seconds."""
    user, at = reader(request), clock.now()
    access.require(user, "write_policies")
    _book, row = drafted(name, version, at=at)
    answers = dry_runs.run(row, at=at)
    by = Actor.person(user)
    if policy_versions.keep_comparison(draft=row, found=answers, by=by, at=clock.now()) is None:
        messages.warning(request, _("The draft was changed meanwhile: let it run again."))
    return redirect("policy_dry_run", name, version)


@require_POST
def activate(request: HttpRequest, name: str, version: str) -> HttpResponse:
    user, at = reader(request), clock.now()
    access.require(user, "write_policies")
    book, row = drafted(name, version, at=at)
    form = _form(request, row, at)
    if form.is_valid() and _activated(form, row, user, at):
        day = instants.day(form.cleaned_data["effective_from"])
        done = _("%(label)s is activated, in force from %(day)s.")
        messages.info(request, done % {"label": book.label, "day": day})
        return redirect("policy", name, version)
    words = _words(book, row, form, user, at)
    return render(request, "followups/dry_run.html", words, status=422)


def _form(request: HttpRequest, row: PolicyVersion, at: datetime) -> ActivationForm:
    seen = row.compared_at.isoformat() if row.compared_at else ""
    return ActivationForm(
        request.POST or None,
        today=instants.house(at).date(),
        seen=seen,
        label=str(row),
        action=reverse("activate_policy", args=[row.name, row.version]),
    )


def _activated(form: ActivationForm, row: PolicyVersion, user: User, at: datetime) -> bool:
    seen = instant(form.cleaned_data["seen"])
    try:
        if seen is None:
            raise Overtaken
        policy_versions.activate(
            draft=row,
            seen_at=seen,
            effective_from=form.cleaned_data["effective_from"],
            by=Actor.person(user),
            at=at,
        )
    except Refused as refused:
        form.refuse(refused)
        return False
    except Overtaken:
        form.add_error(
            None, _("The draft or its dry run is another by now: look at it, then activate it.")
        )
        return False
    return True


def _words(
    book: Book, row: PolicyVersion, form: ActivationForm | None, user: User, at: datetime
) -> dict[str, Any]:
    now = _beside(row, at)
    return {
        "book": book,
        "row": row,
        "now": now,
        "changes": figures.changes(now.rules, book.rules),
        "run": _run(row.compared, user, at) if row.compared else None,
        "form": form,
        "names": actors.names([row.compared_by]),
    }


def _beside(row: PolicyVersion, at: datetime) -> Policy:
    """What the draft would follow; of one that was activated, what it was compared with."""
    if row.activated_at and row.compared:
        return policies.exactly(row.compared["against"])
    return policy_versions.stands_for(row, at=at)


def _run(told: dict[str, Any], user: User, at: datetime) -> dict[str, Any]:
    """What was told, in words; sheets are linked for those who may open them."""
    denied, allowed = told["denied"], told["allowed"]
    same = told["same_allow"] + told["same_deny"]
    return {
        **told,
        "on": date.fromisoformat(told["day"]),
        "same": same,
        "denied": [(_reason(code), n) for code, n in denied.items()],
        "allowed": [(_reason(code), n) for code, n in allowed.items()],
        "denied_sum": sum(denied.values()),
        "allowed_sum": sum(allowed.values()),
        "replayed": same + sum(denied.values()) + sum(allowed.values()),
        "sampled": told["looked"] < told["total"],
        "examples": _examples(told["examples"], user, at),
    }


def _examples(told: list[dict[str, Any]], user: User, at: datetime) -> list[dict[str, Any]]:
    ids = {person for one in told for person in one["people"]}
    rows = Customer.objects.in_bulk(ids)
    opened = set(access.customers(user, at=at).filter(pk__in=ids).values_list("pk", flat=True))
    return [
        {
            "at": datetime.fromisoformat(one["at"]),
            "customers": [(rows[pk], pk in opened) for pk in one["people"] if pk in rows],
            "before": _reason(one["before"]),
            "after": _reason(one["after"]),
        }
        for one in told
    ]


def _reason(code: str) -> str:
    """What speaks against a call; empty: nothing does."""
    return str(dry_runs.DECIDED[code]) if code else _("may be called")
