"""The supervisor's home: what is broken, what is due today, which calls were spared or not."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config import clock
from crm import access
from crm.models import Team, User
from crm.views import reader
from followups import override_lists, queries, suppliers
from followups.suppliers import Whose

ROWS = {
    "broken": queries.broken_rows,
    "due": queries.due_today_rows,
    "avoided": queries.avoided_rows,
    "overrides": override_lists.week,
}
CALLS = {"in_spite": suppliers.in_spite, "unasked": suppliers.unasked}


@require_safe
def board(request: HttpRequest) -> HttpResponse:
    user, at = reader(request), clock.now()
    access.require(user, "see_board")
    teams = _teams(user)
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
        "teams": teams,
        "team": team,
        "most": queries.LONGEST_LIST,
    }
    return render(request, "followups/board.html", words)


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
