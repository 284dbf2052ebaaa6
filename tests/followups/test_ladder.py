"""The ladder: who is told, when, and what cannot be a ladder."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm import workdays
from crm.workdays import Calendar
from followups import ladder
from followups.ladder import DEFAULT, BrokenLadder, Ladder, Role, Rung

BELGIAN = workdays.DEFAULT
BRUSSELS = ZoneInfo("Europe/Brussels")
SMALL_TEAM = Calendar("Europe/Brussels", {1: ((time(9), time(11)),), 3: ((time(9), time(10)),)})
ALWAYS = Calendar("Europe/Brussels", {day: ((time(0), time(0)),) for day in range(7)})

calendars = st.sampled_from([BELGIAN, SMALL_TEAM, ALWAYS])
moments = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001
    datetime(2030, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
spans = st.timedeltas(timedelta(), timedelta(days=40))
shares = st.lists(st.floats(0.01, 1), max_size=3, unique=True).map(sorted)
hours = st.lists(st.floats(0, 60), max_size=3, unique=True).map(sorted)
days = st.lists(st.integers(0, 20), min_size=1, max_size=3, unique=True).map(sorted)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    after = [Rung(Role.SUPERVISOR, hours=value) for value in draw(hours)]
    after += [Rung(Role.OPERATIONS, days=value) for value in draw(days)]
    before = [Rung(Role.OWNER, share=value) for value in draw(shares)]
    proof = [Rung(Role.OWNER, days=value) for value in draw(days)]
    shuffled = draw(st.permutations(after))
    keep = {
        measure: iter(
            sorted(
                (r for r in after if getattr(r, measure) is not None),
                key=lambda r: getattr(r, measure),
            )
        )
        for measure in ("hours", "days")
    }
    ordered = [next(keep["days" if r.days is not None else "hours"]) for r in shuffled]
    return Ladder("drawn", 1, tuple(before + ordered), tuple(proof), DEFAULT.item)


def at(text: str) -> datetime:
    """A time in Brussels."""
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS)


def test_a_late_promise_climbs_the_ladder() -> None:
    made, due = at("2026-03-02 10:00"), at("2026-03-03 17:30")
    assert ladder.lateness(DEFAULT, BELGIAN, made, due) == [
        at("2026-03-03 13:30"),  # 12 of 16 working hours are used
        at("2026-03-03 17:30"),
        at("2026-03-04 13:00"),
        at("2026-03-04 17:30"),
        at("2026-03-06 17:30"),
    ]


def test_who_is_told_and_what_happens_besides() -> None:
    assert [rung.role for rung in DEFAULT.lateness] == [
        "owner",
        "owner_and_team",
        "supervisor",
        "operations",
        "management",
    ]
    assert [rung.next_channel for rung in DEFAULT.lateness] == [False, False, False, True, False]
    assert [rung.bill_insert for rung in DEFAULT.lateness] == [False, False, False, False, True]
    assert [rung.role for rung in DEFAULT.proof] == ["owner", "supervisor"]
    assert [rung.next_channel for rung in DEFAULT.proof] == [False, True]
    assert DEFAULT.item.role == "supervisor"


def test_proof_that_does_not_come_is_asked_for_over_a_weekend() -> None:
    assert ladder.proof(DEFAULT, BELGIAN, at("2026-03-06 10:00")) == [
        at("2026-03-09 10:00"),
        at("2026-03-11 10:00"),
    ]


def test_an_item_goes_to_the_supervisor_after_a_working_day() -> None:
    """Over Easter."""
    assert ladder.item(DEFAULT, BELGIAN, at("2026-04-03 10:00")) == at("2026-04-07 10:00")


def test_a_holiday_between_moves_the_rungs_behind_it() -> None:
    """Easter Monday is the sixth of April 2026."""
    rungs = ladder.lateness(DEFAULT, BELGIAN, at("2026-04-01 09:00"), at("2026-04-03 17:30"))
    assert rungs[2:] == [
        at("2026-04-07 13:00"),
        at("2026-04-07 17:30"),
        at("2026-04-09 17:30"),
    ]


def test_rungs_are_in_utc() -> None:
    made, due = at("2026-03-02 09:30"), at("2026-03-03 17:30")
    found = ladder.lateness(DEFAULT, BELGIAN, made, due)
    found += ladder.proof(DEFAULT, BELGIAN, due)
    found.append(ladder.item(DEFAULT, BELGIAN, due))
    assert all(instant.tzinfo is UTC for instant in found)


def test_a_promise_made_and_due_at_once_has_its_first_rungs_then() -> None:
    due = at("2026-03-03 12:00")
    assert ladder.lateness(DEFAULT, BELGIAN, due, due)[:2] == [due, due]


def test_a_promise_due_on_a_sunday_is_due_on_that_sunday() -> None:
    rungs = ladder.lateness(DEFAULT, BELGIAN, at("2026-03-06 09:00"), at("2026-03-08 12:00"))
    assert rungs[1] == at("2026-03-08 12:00")
    assert rungs[2] == at("2026-03-09 13:00")


def test_in_a_small_team_an_upper_rung_waits_for_the_lower() -> None:
    """Four hours are more than two of its working days."""
    made, due = at("2026-03-03 09:00"), at("2026-03-03 10:00")
    supervisor, operations = ladder.lateness(DEFAULT, SMALL_TEAM, made, due)[2:4]
    assert SMALL_TEAM.add_working_days(due, 1) < supervisor
    assert operations == supervisor


@settings(max_examples=200)
@given(ladders(), calendars, moments, spans)
def test_no_rung_comes_before_the_one_below_it(
    drawn: Ladder, calendar: Calendar, made: datetime, span: timedelta
) -> None:
    due = made + span
    rungs = ladder.lateness(drawn, calendar, made, due)
    assert len(rungs) == len(drawn.lateness)
    assert rungs == sorted(rungs)
    assert rungs[0] >= made
    for rung, instant in zip(drawn.lateness, rungs, strict=True):
        assert (instant <= due) if rung.share is not None else (instant >= due)
    proof = ladder.proof(drawn, calendar, due)
    assert len(proof) == len(drawn.proof)
    assert proof == sorted(proof)
    assert proof[0] >= due


@settings(max_examples=200)
@given(calendars, moments, spans, spans)
def test_what_is_due_later_is_escalated_no_earlier(
    calendar: Calendar, made: datetime, span: timedelta, more: timedelta
) -> None:
    first = ladder.lateness(DEFAULT, calendar, made, made + span)
    second = ladder.lateness(DEFAULT, calendar, made, made + span + more)
    assert all(a <= b for a, b in zip(first, second, strict=True))
    assert all(
        a <= b
        for a, b in zip(
            ladder.proof(DEFAULT, calendar, made),
            ladder.proof(DEFAULT, calendar, made + more),
            strict=True,
        )
    )


@settings(max_examples=200)
@given(moments, spans, st.integers(0, 60))
def test_a_holiday_never_brings_a_rung_after_due_forward(
    made: datetime, span: timedelta, ahead: int
) -> None:
    off = (made + timedelta(days=ahead)).date()
    shorter = replace(BELGIAN, extra_holidays=frozenset({off}))
    before = ladder.lateness(DEFAULT, BELGIAN, made, made + span)[1:]
    after = ladder.lateness(DEFAULT, shorter, made, made + span)[1:]
    assert all(a <= b for a, b in zip(before, after, strict=True))


@given(ladders())
def test_a_ladder_survives_json(drawn: Ladder) -> None:
    assert Ladder.from_dict(json.loads(json.dumps(drawn.to_dict()))) == drawn


def test_the_default_ladder_survives_json() -> None:
    stored = json.loads(json.dumps(DEFAULT.to_dict()))
    assert Ladder.from_dict(stored) == DEFAULT
    assert Ladder.from_dict(stored).to_dict() == stored
    assert stored["lateness"][1] == {"role": "owner_and_team", "hours": 0}


def test_a_promise_is_not_due_before_it_is_made() -> None:
    with pytest.raises(ValueError, match="before it is made"):
        ladder.lateness(DEFAULT, BELGIAN, at("2026-03-03 09:00"), at("2026-03-02 09:00"))


def test_a_time_without_a_zone_is_refused() -> None:
    naive, aware = datetime(2026, 3, 2, 9), at("2026-03-02 09:00")  # noqa: DTZ001
    for ask in (
        lambda: ladder.lateness(DEFAULT, BELGIAN, naive, aware),
        lambda: ladder.lateness(DEFAULT, BELGIAN, aware, naive),
        lambda: ladder.proof(DEFAULT, BELGIAN, naive),
        lambda: ladder.item(DEFAULT, BELGIAN, naive),
    ):
        with pytest.raises(ValueError, match="aware datetime"):
            ask()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "exactly one"),
        ({"hours": 1, "days": 1}, "exactly one"),
        ({"share": 0.5, "hours": 0}, "exactly one"),
        ({"share": 0}, "above 0 and at most 1"),
        ({"share": 1.1}, "above 0 and at most 1"),
        ({"hours": -1}, "below 0"),
        ({"hours": 1e9}, "above"),
        ({"hours": float("nan")}, "below 0"),
        ({"hours": float("inf")}, "below 0"),
        ({"hours": "4"}, "not a number"),
        ({"hours": True}, "not a number"),
        ({"days": 1.5}, "whole"),
        ({"days": -1}, "below 0"),
        ({"days": 1, "next_channel": "yes"}, "true or false"),
        ({"days": 1, "role": "boss"}, "no such role"),
        ({"days": 1, "role": None}, "no such role"),
    ],
)
def test_a_broken_rung_is_refused(fields: dict, complaint: str) -> None:
    with pytest.raises(BrokenLadder, match=complaint):
        Rung(**{"role": "owner", **fields})


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": " "}, "name"),
        ({"name": 3}, "name"),
        ({"version": 0}, "version"),
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"lateness": []}, "nobody is ever told"),
        ({"proof": []}, "nobody is ever told"),
        ({"proof": [{"role": "owner", "share": 0.5}]}, "only a rung of lateness"),
        ({"item": {"role": "owner", "share": 0.5}}, "only a rung of lateness"),
        ({"proof": [{"role": "owner", "days": 3}, {"role": "owner", "days": 1}]}, "stands above"),
        ({"proof": [{"role": "owner", "days": 1}, {"role": "owner", "days": 1}]}, "stands above"),
        (
            {"lateness": [{"role": "owner", "hours": 0}, {"role": "owner", "share": 0.5}]},
            "before due stands below",
        ),
        ({"lateness": [{"role": "owner", "after": 3}]}, "not a ladder"),
        ({"lateness": ["owner"]}, "not a ladder"),
        ({"lateness": None}, "not a ladder"),
        ({"colour": "red"}, "not a ladder"),
    ],
)
def test_a_broken_ladder_is_refused(fields: dict, complaint: str) -> None:
    with pytest.raises(BrokenLadder, match=complaint):
        Ladder.from_dict({**DEFAULT.to_dict(), **fields})


@pytest.mark.parametrize("stored", [{}, [], None, {"name": "default"}])
def test_what_is_no_ladder_is_refused(stored: dict) -> None:
    with pytest.raises(BrokenLadder, match="not a ladder"):
        Ladder.from_dict(stored)
