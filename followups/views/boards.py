"""The supervisor's home: six numbers, their plots and rows; the wallboard; what was avoided."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from config import clock
from crm import access
from crm.models import User
from crm.views import reader
from followups import findings, override_lists, suppliers
from followups.board import avoided as denied
from followups.board import counts, drawn, lists, numbers, rollups
from followups.board import wanted as wanting
from followups.board.wanted import Wanted
from followups.forms_board import AgreeForm, FilterForm, SendOnForm
from followups.forms_change import PassForm, keepers
from offers import intake

OVERRIDES = "overrides"
CALLS = {"in_spite": suppliers.in_spite, "unasked": suppliers.unasked}
# How many of the newest broken promises are read from six metres away.
ON_THE_WALL = 6


def asked_for(request: HttpRequest) -> tuple[Wanted, str]:
    """The filters in the address, and which rows are shown."""
    user = reader(request)
    access.require(user, "see_board")
    shown = request.GET.get("rows", "broken")
    known = shown in lists.LISTS or shown == OVERRIDES
    return wanting.read(request.GET, user=user), shown if known else "broken"


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    return page(request, at=clock.now())


def page(
    request: HttpRequest,
    *,
    at: datetime,
    sent: dict[str, forms.Form] | None = None,
    picked: Collection[str] = (),
    status: int = 200,
) -> HttpResponse:
    """The board; `sent` are forms that were refused, with the rows that were picked for them."""
    user = reader(request)
    wanted, shown = asked_for(request)
    with counts.patiently():
        words = _figures(wanted, at)
        words |= _rows(wanted, shown, _page_number(request), at)
    words |= {
        "asked": wanted,
        "shown": shown,
        "filter": FilterForm(wanted, user),
        "waiting": override_lists.waiting(user=user, at=at),
        "silent": suppliers.silent(whose=wanted.whose, at=at),
        "house": _house(user),
        "acts": _acts(user, wanted, sent or {}) if shown == "broken" else {},
        "opened": [*(sent or {})],
        "picked": picked,
    }
    return render(request, "followups/board.html", words, status=status)


def _page_number(request: HttpRequest) -> int:
    asked = request.GET.get("page", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1


def _house(user: User) -> dict[str, Any]:
    """For operations, whose first page this is: whether Kept itself needs somebody."""
    if not access.may(user, "see_house"):
        return {}
    return {"wrong": findings.open_now().count(), "deaf": intake.expected() == "none"}


def _figures(wanted: Wanted, at: datetime) -> dict[str, Any]:
    now = counts.open_now(wanted, at=at)
    days, spread = counts.by_day(wanted, at=at), counts.spread(wanted, at=at)
    redundant = counts.redundant(wanted, at=at)
    age = rollups.age(at=at)
    return {
        "numbers": numbers.six(wanted, now=now, days=days, spread=spread, redundant=redundant),
        "plots": drawn.all_of(now=now, days=days, spread=spread, redundant=redundant),
        "age": int(age.total_seconds()) if age is not None else None,
        "old": age is None or age > rollups.OLD,
    }


def _rows(wanted: Wanted, shown: str, number: int, at: datetime) -> dict[str, Any]:
    aside = {"overrides": override_lists.count(teams=wanted.whose.teams, at=at)}
    aside["in_spite"], aside["unasked"] = suppliers.numbers(whose=wanted.whose, at=at)
    if shown == OVERRIDES:
        rows = override_lists.week(teams=wanted.whose.teams, at=at)
        return {"rows": rows, "aside": aside}
    found = lists.shown(shown, wanted=wanted, at=at, page=number)
    return {
        "list": found,
        "rows": found.rows,
        "total": found.total,
        "aside": aside,
        "title": lists.TITLES[shown],
        "empty": lists.EMPTY[shown],
    }


def address(name: str, wanted: Wanted) -> str:
    """Where a form of the board goes; the filters stay in the address."""
    return f"{reverse(name)}?{wanted.address()}"


def _acts(user: User, wanted: Wanted, sent: dict[str, forms.Form]) -> dict[str, forms.Form]:
    """What the reader may do with the rows that are chosen."""
    if not access.may(user, "hand_out_promises"):
        return {}
    blank = {
        "hand_out": PassForm(people=keepers(user.team_id)),
        "send_on": SendOnForm(address=address("send_on", wanted)),
        "agree": AgreeForm(address=address("agree_many", wanted)),
    }
    return blank | sent


@require_safe
def wall(request: HttpRequest) -> HttpResponse:
    """For a screen on the wall; asks again by itself. No names, only references."""
    at, (wanted, _shown) = clock.now(), asked_for(request)
    with counts.patiently():
        words = _figures(wanted, at)
        newest = lists.newest_broken(wanted=wanted, at=at, most=ON_THE_WALL)
    words |= {"asked": wanted, "rows": newest, "at": at}
    name = "followups/_wall.html" if getattr(request, "htmx", False) else "followups/wall.html"
    return render(request, name, words)


@require_safe
def avoided(request: HttpRequest) -> HttpResponse:
    """The calls that the gate spared people, and those that were made in spite or unasked."""
    at, (wanted, _shown) = clock.now(), asked_for(request)
    shown = request.GET.get("rows", "")
    with counts.patiently():
        in_spite, unasked = suppliers.numbers(whose=wanted.whose, at=at)
        made = CALLS[shown](whose=wanted.whose, at=at) if shown in CALLS else None
        words: dict[str, Any] = {
            "found": denied.find(wanted, at=at),
            "made": made,
            "rows": made.rows if made else (),
            "in_spite": in_spite,
            "unasked": unasked,
        }
    words |= {
        "asked": wanted,
        "shown": shown if shown in CALLS else "",
        "filter": FilterForm(wanted, reader(request)).only("team", "campaign", "days"),
        "most": denied.LONGEST_LIST,
    }
    return render(request, "followups/avoided.html", words)
