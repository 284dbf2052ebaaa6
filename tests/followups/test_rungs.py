"""Rungs in words, as somebody would say them, and their instants for one promise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crm import workdays
from followups import ladder, rungs
from followups.ladder import Role, Rung
from tests.cast import START, brussels


@pytest.mark.parametrize(
    ("rung", "track", "words"),
    [
        (Rung(Role.OWNER, share=0.75), "lateness", "when three quarters of the time is used"),
        (Rung(Role.OWNER, share=0.6), "lateness", "when 60 % of the time is used"),
        (Rung(Role.OWNER, share=1), "lateness", "when all of the time is used"),
        (Rung(Role.OWNER, hours=0), "lateness", "when it is due"),
        (Rung(Role.OWNER, hours=1), "lateness", "1 working hour after it is due"),
        (Rung(Role.OWNER, hours=2.5), "lateness", "2.5 working hours after it is due"),
        (Rung(Role.OWNER, days=3), "lateness", "3 working days after it is due"),
        (Rung(Role.OWNER, days=1), "proof", "1 working day after its proof was expected"),
        (Rung(Role.OWNER, days=0), "proof", "when its proof is expected"),
        (Rung(Role.SUPERVISOR, days=1), "item", "1 working day after it came up"),
    ],
)
def test_a_moment_is_said_in_words(rung: Rung, track: str, words: str) -> None:
    assert rungs.when(rung, track) == words


def test_every_role_and_every_track_has_its_words() -> None:
    assert set(rungs.ROLES) == set(Role)
    assert {step.track for step in rungs.steps(ladder.DEFAULT)} == set(rungs.TRACKS)


def test_the_default_ladder_reads_from_the_owner_to_management() -> None:
    found = [(s.when, s.who, s.besides) for s in rungs.steps(ladder.DEFAULT)]
    assert found[0] == ("When three quarters of the time is used", "the owner", "")
    assert found[3] == (
        "1 working day after it is due",
        "operations",
        "the document also goes the next way",
    )
    assert found[4][1:] == (
        "management, in the daily digest",
        "it also goes with the next bill, if they get paper bills",
    )


def test_the_example_has_the_instants_that_a_promise_gets() -> None:
    due_at = brussels("2026-03-03 17:30")
    steps = rungs.example(ladder.DEFAULT, workdays.DEFAULT, at=START, due_at=due_at)
    found = [step.at for step in steps]
    assert found[:5] == ladder.lateness(ladder.DEFAULT, workdays.DEFAULT, START, due_at)
    assert found[1] == due_at and found[2] == brussels("2026-03-04 13:00")
    assert found[-1] == brussels("2026-03-03 09:00")


def test_two_versions_differ_moment_by_moment() -> None:
    first, *rest = ladder.DEFAULT.lateness
    moved = replace(first, role=Role.SUPERVISOR)
    later = replace(ladder.DEFAULT.item, days=2)
    other = replace(ladder.DEFAULT, version=2, lateness=(moved, *rest[:-1]), item=later)
    found = {
        change.figure.label: (
            change.before and change.before.value,
            change.after and change.after.value,
        )
        for change in rungs.changes(ladder.DEFAULT, other)
    }
    assert found["When three quarters of the time is used"] == ("the owner", "the supervisor")
    assert found["3 working days after it is due"][1] is None
    assert found["2 working days after it came up"] == (None, "the supervisor")
    assert len(found) == 4
    assert rungs.changes(ladder.DEFAULT, ladder.DEFAULT) == []
