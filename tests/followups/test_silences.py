"""A dialer that reports nothing any more: told once, in working time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import LazySettings

from crm import call_sources
from crm.models import CallSource, Team
from followups import notice_words, silences, watchdog
from followups.models import Notice
from tests.api.dialers import dialer
from tests.cast import HOUR, START, SYSTEM, Cast, brussels

FRIDAY = brussels("2026-03-06 16:30")  # work ends an hour later
MONDAY = brussels("2026-03-09 09:00")


def heard(cast: Cast, *, team: Team | None = None, name: str = "plain") -> CallSource:
    """A dialer that spoke on Friday afternoon, half an hour before work ends."""
    source = dialer(name, team=team).source
    call_sources.heard(source=source, at=FRIDAY)
    source.refresh_from_db()
    return source


def told() -> list[str]:
    return sorted(row.user.username for row in Notice.objects.filter(kind="source_silent"))


def test_nights_and_weekends_are_not_silence(cast: Cast) -> None:
    source = heard(cast, team=cast.liege)
    hours = silences._calendar(cast.liege, START)
    ends = hours.add(FRIDAY, 2)
    assert ends > MONDAY
    assert silences.silent(at=ends - timedelta(seconds=1)) == []
    assert silences.silent(at=ends) == [source]


def test_the_supervisors_of_its_team_and_operations_are_told_once(cast: Cast) -> None:
    heard(cast, team=cast.liege)
    for hours in (0, 4, 5):
        watchdog.look(at=MONDAY + hours * HOUR)
    assert told() == ["chloe", "dirk"]
    notice = Notice.objects.filter(user=cast.chloe).get()
    assert "plain" in notice_words.sentence(notice)


def test_a_dialer_of_no_team_is_operations_affair(cast: Cast) -> None:
    heard(cast)
    assert silences.tell(at=MONDAY + 4 * HOUR) == 1
    assert told() == ["dirk"]


def test_who_speaks_again_and_falls_silent_again_is_told_of_again(cast: Cast) -> None:
    source = heard(cast)
    assert silences.tell(at=MONDAY + 4 * HOUR) == 1
    call_sources.heard(source=source, at=MONDAY + 5 * HOUR)
    assert silences.silent(at=MONDAY + 6 * HOUR) == []
    assert silences.tell(at=MONDAY + 6 * HOUR) == 0
    assert silences.tell(at=MONDAY + 30 * HOUR) == 1
    assert told() == ["dirk", "dirk"]


def test_who_was_never_heard_or_is_switched_off_is_not_silent(cast: Cast) -> None:
    dialer("asterisk")
    source = heard(cast)
    call_sources.switch_off(source=source, by=SYSTEM, at=FRIDAY)
    assert silences.silent(at=MONDAY + 30 * HOUR) == []


@pytest.mark.parametrize(("hours", "silent"), [(3, True), (4, False)])
def test_how_long_is_a_setting(
    cast: Cast, settings: LazySettings, hours: int, silent: bool
) -> None:
    settings.CALL_SOURCE_SILENT_HOURS = hours
    source = heard(cast)
    call_sources.heard(source=source, at=START + 8 * 24 * HOUR)
    source.refresh_from_db()
    at = START + 8 * 24 * HOUR + 3 * HOUR
    assert bool(silences.silent(at=at)) == silent
