"""The supervisor's home: what is broken, what is due today, which calls were spared or not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config import clock
from crm import access
from crm.actors import Actor
from crm.models import Team, User
from crm.views import reader
from followups import amending, findings, override_lists, queries, suppliers
from followups.forms_change import PassForm, keepers
from followups.models import Promise
from followups.suppliers import Whose
from offers import intake

ROWS = {
    "broken": queries.broken_rows,
    "due": queries.due_today_rows,
    "avoided": queries.avoided_rows,
    "overrides": override_lists.week,
}
CALLS = {"in_spite": suppliers.in_spite, "unasked": suppliers.unasked}


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    access.require(user, "see_board")
    hands_out = access.may(user, "hand_out_promises")
    form = PassForm(people=keepers(user.team_id)) if hands_out else None
    return _page(request, form, at=clock.now())


@require_POST
def hand_out(request: HttpRequest) -> HttpResponse:
    """The chosen rows go to a colleague, each by itself; what stays is said with its reason."""
    user, at = reader(request), clock.now()
    access.require(user, "hand_out_promises")
    form = PassForm(request.POST, people=keepers(user.team_id))
    wanted = request.POST.getlist("promise")[: queries.LONGEST_LIST]
    if form.is_valid() and not wanted:
        form.add_error(None, _("Choose the promises first."))
    if not form.is_valid():
        return _page(request, form, at=at, picked=set(wanted), status=422)
    rows = Promise.objects.filter(team=user.team_id).exclude(team=None)
    chosen = list(rows.filter(reference__in=wanted).order_by("due_at", "pk"))
    owner, reason = form.cleaned_data["owner"], form.cleaned_data["reason"]
    by = Actor.person(user)
    left = amending.hand_out(chosen=chosen, owner=owner, reason=reason, by=by, at=at)
    if len(chosen) > len(left):
        said = {"n": len(chosen) - len(left), "owner": owner}
        messages.success(request, _("Handed over to %(owner)s: %(n)s.") % said)
    unknown = len({*wanted}) - len(chosen)
    stays = [f"{row.reference}: {why}" for row, why in left]
    stays += [_("%(n)s are not your team's.") % {"n": unknown}] if unknown else []
    if stays:
        messages.warning(request, _("Not handed over. %(why)s") % {"why": " ".join(stays)})
    return redirect("board")


def _page(
    request: HttpRequest,
    form: PassForm | None,
    *,
    at: datetime,
    picked: Collection[str] = (),
    status: int = 200,
) -> HttpResponse:
    user, teams = reader(request), _teams(reader(request))
    team = next((row for row in teams if row.slug == request.GET.get("team")), None)
    chosen = teams.filter(pk=team.pk) if team else teams
    shown = request.GET.get("rows", "broken")
    shown = shown if shown in {*ROWS, *CALLS} else "broken"
    let_through = override_lists.count(teams=chosen, at=at)
    # Calls for which no team answers are for those who see all teams.
    whose = Whose(chosen, strays=user.role != User.Role.SUPERVISOR and team is None)
    made = CALLS[shown](whose=whose, at=at) if shown in CALLS else None
    words = {
        "numbers": [
            *_numbers(queries.board(teams=chosen, at=at), shown, let_through),
            *_made(*suppliers.numbers(whose=whose, at=at), shown),
        ],
        "waiting": override_lists.waiting(user=user, at=at),
        "shown": shown,
        "made": made,
        "rows": made.rows if made else ROWS[shown](teams=chosen, at=at),
        "silent": suppliers.silent(whose=whose, at=at),
        "house": _house(user),
        "teams": teams,
        "team": team,
        "most": queries.LONGEST_LIST,
        "form": form if shown == "broken" else None,
        "picked": picked,
    }
    return render(request, "followups/board.html", words, status=status)


def _house(user: User) -> dict[str, Any]:
    """For operations, whose first page this is: whether Kept itself needs somebody."""
    if not access.may(user, "see_house"):
        return {}
    return {"wrong": findings.open_now().count(), "deaf": intake.expected() == "none"}


def _teams(user: User) -> QuerySet[Team]:
    """A supervisor sees the own team, operations all."""
    rows = Team.objects.all()
    return rows.filter(people=user) if user.role == User.Role.SUPERVISOR else rows


def _numbers(board: queries.Board, shown: str, let_through: int) -> list[dict[str, Any]]:
    found = [
        (
            "broken",
            _("Broken now"),
            board.broken,
            _("open promises whose due time has passed, and nothing stands; target 0"),
        ),
        (
            "due",
            _("Due today"),
            board.due_today,
            _("open promises that are due before midnight"),
        ),
        (
            "avoided",
            _("Redundant calls avoided"),
            board.avoided,
            _(
                "denied sales requests to somebody with an open promise, in 30 days; "
                "counted once for each customer, campaign and day"
            ),
        ),
        (
            "overrides",
            _("Calls let through"),
            let_through,
            _("calls that a supervisor allowed in spite of the gate, in seven days"),
        ),
    ]
    return [_number(*number, shown) for number in found]


def _made(in_spite: int, unasked: int, shown: str) -> list[dict[str, Any]]:
    """The calls that should not have been made, or not without asking."""
    against = _(
        "outbound sales and survey calls that began although something stood against them, "
        "without an override, in 30 days; target 0"
    )
    alone = _(
        "outbound sales and survey calls with no valid decision of the gate and no scrub of "
        "that day, in 30 days; target 0"
    )
    return [
        _number("in_spite", _("Calls made in spite"), in_spite, against, shown),
        _number("unasked", _("Calls made unasked"), unasked, alone, shown),
    ]


def _number(code: str, title: str, value: int, formula: str, shown: str) -> dict[str, Any]:
    shown_now = code == shown
    return {"code": code, "title": title, "value": value, "formula": formula, "shown": shown_now}
