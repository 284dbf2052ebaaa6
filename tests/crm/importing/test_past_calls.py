"""Calls of a former system: each once, however often they come, and they count at the gate."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.importing import jobs
from crm.models import Attempt, AttemptRevision, Customer, GateChange, ImportLine, Suppression
from tests.cast import START, SYSTEM, Cast
from tests.crm.importing.files import DUPONT, HEAD, PEETERS, checked, counts, imported

COLUMNS = "Call ID;Klantnummer;Nummer;Datum;Resultaat;Afhandeling;Agent\n"
CALLS = (
    "A1;K1;0470123456;27/02/2026 14:05;answered;undecided;amina\n"
    "A2;;09 222 33 44;2026-02-27 15:00:00;bezet;;\n"
    "A3;;02 555 00 11;2026-02-27T16:00+01:00;no answer;;bram\n"
)
FORMER: dict[str, Any] = {"system": "oldcrm", "purpose": "sales"}


@pytest.fixture
def people(cast: Cast) -> Cast:
    imported(HEAD + DUPONT + PEETERS)
    return cast


def bad(content: str) -> list[tuple[int, str]]:
    row = checked(content, kind="attempts", **FORMER)
    rows = ImportLine.objects.filter(of=row, verdict="bad").order_by("line")
    return list(rows.values_list("line", "column"))


def test_calls_come_in_with_their_person_agent_and_outcome(people: Cast) -> None:
    row = imported(COLUMNS + CALLS, kind="attempts", **FORMER)
    assert counts(row) == (3, 0, 0, 0)
    first, second, third = Attempt.objects.order_by("external_id")
    dupont = Customer.objects.get(external_id="K1")
    assert (first.source, first.external_id) == ("import:oldcrm", "A1")
    assert (first.customer, first.agent, first.purpose) == (dupont, people.amina, "sales")
    assert first.started_at.isoformat() == "2026-02-27T13:05:00+00:00"
    assert (first.result, first.disposition_id) == ("answered", "undecided")
    assert second.customer == Customer.objects.get(external_id="K2"), "by the telephone number"
    assert second.result == "busy"
    assert third.customer is None and third.text.number == "+3225550011"
    assert AttemptRevision.objects.filter(attempt=first, revision=1, result="answered").exists()
    assert GateChange.objects.filter(customer=dupont, cause="attempt").count() == 1


def test_the_same_calls_again_are_the_same_and_more_of_one_is_a_revision(people: Cast) -> None:
    imported(COLUMNS + CALLS.replace("answered;undecided", ";"), kind="attempts", **FORMER)
    assert counts(imported(COLUMNS + CALLS, kind="attempts", **FORMER)) == (0, 1, 2, 0)
    assert counts(imported(COLUMNS + CALLS, kind="attempts", **FORMER)) == (0, 0, 3, 0)
    assert Attempt.objects.count() == 3
    assert Attempt.objects.get(external_id="A1").revision == 2


def test_without_a_number_of_its_own_a_call_is_known_by_whom_and_when(people: Cast) -> None:
    plain = "Nummer;Datum\n0470123456;2026-02-27 14:05\n0470123456;2026-02-27 14:06\n"
    assert counts(imported(plain, kind="attempts", **FORMER)) == (2, 0, 0, 0)
    assert counts(imported(plain, kind="attempts", **FORMER)) == (0, 0, 2, 0)


def test_a_call_told_differently_is_bad_and_changes_nothing(people: Cast) -> None:
    imported(COLUMNS + CALLS, kind="attempts", **FORMER)
    assert bad(COLUMNS + CALLS.replace("14:05", "14:06")) == [(2, "")]


def test_calls_that_cannot_be_are_bad(people: Cast) -> None:
    lines = (
        "B1;K9;;2026-02-27 14:05;;;\n"
        "B2;K1;;2027-02-27 14:05;;;\n"
        "B3;K1;;27/02/2026;;;\n"
        "B4;K1;;2026-02-27 14:05;perhaps;;\n"
        "B5;K1;;2026-02-27 14:05;;dunno;\n"
        "B6;K1;;2026-02-27 14:05;;;nobody\n"
        "B7;;;2026-02-27 14:05;;;\n"
    )
    assert bad(COLUMNS + lines) == [
        (2, "external_id"),
        (3, "started_at"),
        (4, "started_at"),
        (5, "result"),
        (6, "disposition"),
        (7, "agent"),
        (8, "number"),
    ]


def test_a_wish_that_was_heard_in_a_past_call_binds_and_a_matter_that_passed_does_not(
    people: Cast,
) -> None:
    old = (START - timedelta(days=400)).strftime("%Y-%m-%d %H:%M")
    lines = f"A1;K1;;{old};answered;refused_contact;\nA2;K2;;{old};answered;complaint;\n"
    assert counts(imported(COLUMNS + lines, kind="attempts", **FORMER)) == (2, 0, 0, 0)
    wish = Suppression.objects.get()
    assert (wish.kind, wish.customer.external_id) == ("dnc_company", "K1")


def test_calls_are_not_taken_back(people: Cast) -> None:
    row = imported(COLUMNS + CALLS, kind="attempts", **FORMER)
    assert not jobs.can_undo(row, at=START)
    assert not jobs.undo(row=row, ground="because I say so", by=SYSTEM, at=START)
    assert Attempt.objects.count() == 3
