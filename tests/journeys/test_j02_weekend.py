"""J2 over a long weekend: promised on Friday at 17:40, Monday is a holiday, the mail bounces.

Every instant is written down by hand from the wall clock of Brussels, without our own calendars.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from config import clock
from followups.board import lists
from followups.board import wanted as wanting
from followups.models import Escalation, Item, Notice, Promise
from tests import cast
from tests.journeys.scene import Scene
from tests.live import until

BRUSSELS = ZoneInfo("Europe/Brussels")
MINUTE = timedelta(minutes=1)
FRIDAY, SUNDAY, MONDAY, TUESDAY, WEDNESDAY, NEXT_FRIDAY = -3, -1, 0, 1, 2, 4


def holiday_monday(after: date) -> date:
    """The next Monday that is a holiday in a week without another one; Easter Monday at latest."""
    days = (after + timedelta(days=n) for n in range(4, 400))
    free = holidays.country_holidays("BE")
    return next(
        day
        for day in days
        if day.weekday() == 0
        and [n for n in range(-3, 5) if day + timedelta(days=n) in free] == [MONDAY]
    )


def climbed(promise: Promise) -> list[tuple[str, datetime]]:
    rows = Escalation.objects.filter(promise=promise).order_by("id")
    return [(row.role, row.due_at) for row in rows]


def told(promise: Promise) -> list[str]:
    rows = Notice.objects.filter(escalation__promise=promise).order_by("id")
    return list(rows.values_list("user__username", flat=True))


def test_over_a_long_weekend_everybody_is_told_once_in_order_and_in_working_hours(
    scene: Scene,
) -> None:
    monday = holiday_monday(clock.now().astimezone(BRUSSELS).date())

    def wall(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
        return datetime.combine(monday + timedelta(days=day), time(hour, minute, second), BRUSSELS)

    def to(moment: datetime) -> None:
        scene.forward(moment - clock.now())

    to(wall(FRIDAY, 17, 40))
    promise = scene.promise(scene.cast.dupont, address=cast.DUPONT_MAIL)
    scene.accepted(promise)
    scene.report("failed", cast.DUPONT_MAIL)
    until(lambda: Item.objects.filter(promise=promise).exists(), what="an item for the owner")
    promise.refresh_from_db()
    rungs = [
        ("owner", wall(TUESDAY, 15, 22, 30)),  # three quarters of Tuesday, the only working time
        ("owner_and_team", wall(TUESDAY, 17, 30)),
        ("supervisor", wall(WEDNESDAY, 13)),  # four hours of Wednesday
        ("operations", wall(WEDNESDAY, 17, 30)),
        ("management", wall(NEXT_FRIDAY, 17, 30)),
    ]
    assert promise.due_at == wall(TUESDAY, 17, 30)
    assert promise.rungs == [moment for _role, moment in rungs]

    for quiet in (wall(SUNDAY, 12), wall(MONDAY, 11), wall(TUESDAY, 15, 20)):
        to(quiet)
        scene.settled()
        assert climbed(promise) == []
    assert scene.gate(cast.DUPONT_MOBILE)["code"] == "open_promise"

    for place, (_role, moment) in enumerate(rungs, start=1):
        to(moment - MINUTE)
        scene.settled()
        assert climbed(promise) == rungs[: place - 1]
        to(moment + MINUTE)
        until(lambda place=place: len(climbed(promise)) == place, limit=30, what="the rung")
        assert climbed(promise) == rungs[:place]
        assert scene.gate(cast.DUPONT_HOME)["code"] == "open_promise"
    assert told(promise) == ["amina", "amina", "chloe", "dirk", "dirk"]

    promise.refresh_from_db()
    assert promise.status == "open"
    assert promise.broken_at is not None
    assert promise.due_at <= promise.broken_at <= promise.due_at + 3 * MINUTE
    wanted = wanting.read({}, user=scene.cast.chloe)
    assert [row.promise for row in lists.shown("broken", wanted=wanted, at=clock.now()).rows] == [
        promise
    ]
