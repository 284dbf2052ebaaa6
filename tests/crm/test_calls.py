"""One call is one attempt: logged once, revised by what is learned later, never edited."""

from __future__ import annotations

import dataclasses
import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from crm import calls
from crm.calls import Call, Contradiction
from crm.models import Attempt, AttemptRevision, Disposition, GateChange, Suppression
from tests.cast import HOUR, MINUTE, START, SYSTEM, Cast, call_of, person


def ringing(cast: Cast, **more: object) -> Call:
    """A call of which nothing but its start is known."""
    facts: dict[str, object] = {"result": "", "answered_at": None, "external_id": "c-1"}
    known = {"customer": cast.dupont, **facts, **more}
    return call_of(cast.amina, known.pop("customer"), **known)  # type: ignore[arg-type]


def test_the_same_call_again_is_the_same_attempt(cast: Cast) -> None:
    call = call_of(cast.amina, cast.dupont, external_id="c-1")
    first = calls.log(call=call, by=SYSTEM, at=START)
    again = calls.log(call=call, by=SYSTEM, at=START + MINUTE)
    assert first.new and not again.new and not again.revised
    assert again.attempt == first.attempt
    assert first.attempt.revisions.count() == 1
    assert first.attempt.logged_at == START


def test_how_it_ended_is_a_revision(cast: Cast) -> None:
    first = calls.log(call=ringing(cast), by=SYSTEM, at=START)
    undecided = Disposition.objects.get(code="undecided")
    more = ringing(cast, result="answered", ended_at=START + MINUTE, disposition=undecided)
    logged = calls.log(call=more, by=person(cast.amina), at=START + HOUR)
    assert not logged.new and logged.revised
    assert (logged.attempt.revision, logged.attempt.result) == (2, "answered")
    told = list(first.attempt.revisions.order_by("revision").values_list("result", "recorded_by"))
    assert told == [("", SYSTEM.code), ("answered", f"user:{cast.amina.pk}")]


def test_a_revision_keeps_what_was_known(cast: Cast) -> None:
    calls.log(call=ringing(cast, result="answered"), by=SYSTEM, at=START)
    later = calls.log(call=ringing(cast, ended_at=START + HOUR), by=SYSTEM, at=START + HOUR)
    assert (later.attempt.result, later.attempt.ended_at) == ("answered", START + HOUR)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"started_at": START + MINUTE}, "started_at"),
        ({"purpose": "service"}, "purpose"),
        ({"direction": "inbound"}, "direction"),
        ({"result": "busy"}, "result"),
        ({"customer": None}, "customer"),
    ],
)
def test_a_contradiction_is_refused_and_changes_nothing(
    cast: Cast, change: dict[str, object], field: str
) -> None:
    call = ringing(cast, result="answered")
    logged = calls.log(call=call, by=SYSTEM, at=START)
    with pytest.raises(Contradiction, match=field):
        calls.log(call=dataclasses.replace(call, **change), by=SYSTEM, at=START + HOUR)
    assert logged.attempt.revisions.count() == 1
    logged.attempt.refresh_from_db()
    assert logged.attempt.result == "answered"


def test_a_later_note_is_added_and_none_is_lost(cast: Cast) -> None:
    calls.log(call=ringing(cast, note="first"), by=SYSTEM, at=START)
    later = ringing(cast, note="second", result="answered")
    assert calls.log(call=later, by=SYSTEM, at=START).attempt.text.note == "first\nsecond"


def test_a_call_writes_that_the_gate_may_have_changed(cast: Cast) -> None:
    calls.log(call=ringing(cast), by=SYSTEM, at=START)
    assert GateChange.objects.filter(customer=cast.dupont, cause="attempt").count() == 1


def test_a_wish_never_to_be_called_takes_effect_with_the_call(cast: Cast) -> None:
    refused = Disposition.objects.get(code="refused_contact")
    logged = calls.log(call=ringing(cast, disposition=refused), by=SYSTEM, at=START)
    wish = Suppression.objects.get(customer=cast.dupont)
    assert (wish.kind, wish.proof) == ("dnc_company", f"attempt:{logged.attempt.pk}")


@pytest.mark.parametrize(
    "change",
    [
        "started_at = started_at + interval '1 hour'",
        "customer_id = NULL",
        "purpose = 'service'",
        "source = 'other'",
        "logged_by = 'nobody'",
        "result = 'busy'",
        "disposition_id = 'undecided'",
        "ended_at = now()",
    ],
)
def test_the_database_refuses_to_edit_an_attempt(cast: Cast, change: str) -> None:
    calls.log(call=ringing(cast), by=SYSTEM, at=START)
    with (
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE crm_attempt SET {change}")  # noqa: S608 (the list above)


@pytest.mark.parametrize("name", ["decision_id", "scrub_id"])
def test_what_was_asked_before_a_call_is_told_once(cast: Cast, name: str) -> None:
    calls.log(call=ringing(cast), by=SYSTEM, at=START)
    told = uuid.uuid4()
    late = calls.log(call=ringing(cast, **{name: told}), by=SYSTEM, at=START)
    assert late.revised and getattr(Attempt.objects.get(), name) == told
    again = calls.log(call=ringing(cast, **{name: uuid.uuid4()}), by=SYSTEM, at=START)
    assert not again.revised and getattr(Attempt.objects.get(), name) == told
    with pytest.raises(DatabaseError), transaction.atomic():
        Attempt.objects.update(**{name: uuid.uuid4()})


def test_a_revision_stays_as_it_was_written(cast: Cast) -> None:
    calls.log(call=ringing(cast), by=SYSTEM, at=START)
    with pytest.raises(DatabaseError), transaction.atomic():
        AttemptRevision.objects.update(result="busy")
    with pytest.raises(DatabaseError), transaction.atomic():
        AttemptRevision.objects.all().delete()


def test_a_call_does_not_end_before_it_starts(cast: Cast) -> None:
    backwards = ringing(cast, ended_at=START - MINUTE)
    with pytest.raises(DatabaseError), transaction.atomic():
        calls.log(call=backwards, by=SYSTEM, at=START)
    assert not Attempt.objects.exists()


def test_a_call_from_nobody_we_know_is_kept(cast: Cast) -> None:
    logged = calls.log(call=ringing(cast, customer=None), by=SYSTEM, at=START)
    assert logged.new and logged.attempt.customer is None
    assert not GateChange.objects.filter(cause="attempt").exists()
