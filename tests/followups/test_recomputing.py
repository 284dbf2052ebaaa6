"""Open promises by a changed calendar: what would move, what is moved on request, what never is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from crm import calendars
from crm.models import AuditEntry, CalendarVersion, Team, WorkCalendar
from crm.workdays import DEFAULT, Calendar
from followups import deadlines, escalation, poison, promises, recomputing, slots
from followups.models import Escalation, Promise, PromiseEvent, Recomputation
from followups.recomputing import Move, Preview
from followups.terms import Refused
from offers.models import Evidence
from tests.cast import DAY, HOUR, START, SYSTEM, Cast, Relay, brussels, person
from tests.crm.test_calendars import calendar_of, changed
from tests.followups.scenes import Kind, accepted, causes, fresh, promised, proven, report
from tests.followups.test_amending import agreed, spoken
from tests.followups.test_callbacks import asked
from tests.followups.test_slots import awaiting
from tests.races import Thread, until_somebody_waits

TUESDAY_OFF = replace(DEFAULT, extra_holidays=frozenset({date(2026, 3, 3)}))
WEDNESDAY_OFF = replace(DEFAULT, extra_holidays=frozenset({date(2026, 3, 4)}))
SHORT = replace(DEFAULT, hours={day: ((time(9), time(16)),) for day in range(5)})
TUESDAY, WEDNESDAY = brussels("2026-03-03 17:30"), brussels("2026-03-04 17:30")
WHY = "The third of March is a day off."


@pytest.fixture
def calendar(cast: Cast) -> WorkCalendar:
    """The calendar of Liège, by which Amina promises."""
    found = calendar_of(cast.liege)
    for user in (cast.amina, cast.chloe):
        user.team = Team.objects.get(pk=cast.liege.pk)
    return found


def holds(calendar: WorkCalendar, hours: Calendar, at: datetime = START) -> CalendarVersion:
    return changed(calendar, hours, at.date().isoformat(), at=at)


def seen(calendar: WorkCalendar, *, at: datetime = START) -> Preview:
    version = calendars.in_force(calendar.versions.all(), at=at)
    return recomputing.preview(version, at=at)


def run(calendar: WorkCalendar, *, at: datetime = START, **more: Any) -> Recomputation:
    number = calendars.in_force(calendar.versions.all(), at=at).number
    facts: dict[str, Any] = {"seen": number, "words": WHY, "by": SYSTEM, "at": at, **more}
    return recomputing.begin(calendar=calendar, **facts)


def moved(calendar: WorkCalendar, *, at: datetime = START) -> int:
    begun = run(calendar, at=at)
    return recomputing.go_on(run=begun, by=SYSTEM, at=at).moved


def only(preview: Preview) -> Move:
    (move,) = preview.moves
    assert preview.total == 1
    return move


def test_nothing_moves_by_itself_when_a_calendar_changes(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise = promised(cast)
    holds(calendar, TUESDAY_OFF)
    assert fresh(promise).due_at == TUESDAY
    assert escalation.climb(at=START) == 0
    assert causes(promise) == ["made", "delivery_attached"]


def test_a_day_off_moves_the_due_time_and_the_rungs_with_an_event_that_says_so(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise = promised(cast)
    version = holds(calendar, TUESDAY_OFF)
    preview = seen(calendar)
    move = only(preview)
    assert (preview.later, preview.earlier, preview.rungs_only, preview.stuck) == (1, 0, 0, 0)
    assert (move.promise.due_at, move.due_at) == (TUESDAY, WEDNESDAY)
    begun = run(calendar, by=person(cast.dirk))
    done = recomputing.go_on(run=begun, by=person(cast.dirk), at=START)
    assert (done.moved, done.ended_at, done.words) == (1, START, WHY)
    now = fresh(promise)
    assert (now.due_at, now.rungs, now.calendar) == (WEDNESDAY, move.rungs, version.hours)
    # As if it had been promised under the new calendar from the start.
    cast.amina.team = Team.objects.get(pk=cast.liege.pk)
    again = promised(cast)
    assert (now.rungs, now.at_risk_at, now.next_rung_at) == (
        again.rungs,
        again.at_risk_at,
        again.next_rung_at,
    )
    event = promise.events.get(cause="recomputed")
    assert (event.by, event.data["run"]) == (f"user:{cast.dirk.pk}", begun.pk)
    assert event.data["due"] == [TUESDAY.isoformat(), WEDNESDAY.isoformat()]
    assert event.data["rungs"][0] != event.data["rungs"][1]
    entry = AuditEntry.objects.get(action="promises_recomputed")
    assert (entry.subject, entry.by) == (f"calendar:{calendar.pk}", f"user:{cast.dirk.pk}")
    assert seen(calendar).total == 0 and moved(calendar) == 0


def test_shorter_days_move_it_to_an_earlier_hour(cast: Cast, calendar: WorkCalendar) -> None:
    promise = promised(cast)
    holds(calendar, SHORT)
    assert (seen(calendar).earlier, seen(calendar).later) == (1, 0)
    assert moved(calendar) == 1
    assert fresh(promise).due_at == brussels("2026-03-03 16:00")


def test_what_was_agreed_keeps_its_time_and_its_rungs_go_round_the_day_off(
    cast: Cast, calendar: WorkCalendar
) -> None:
    slot, day = asked(cast), promised(cast, due_at=TUESDAY)
    moment = promised(cast, due_at=brussels("2026-03-03 11:15"))
    holds(calendar, WEDNESDAY_OFF)
    preview = seen(calendar)
    assert (preview.total, preview.rungs_only) == (3, 3)
    moved(calendar)
    for before in (slot, day, moment):
        now = fresh(before)
        assert now.due_at == before.due_at
        assert now.rungs[:2] == before.rungs[:2] and now.rungs[-1] > before.rungs[-1]


def test_a_call_that_has_waited_follows_the_calendar_from_the_moment_its_hour_was_set(
    cast: Cast, calendar: WorkCalendar, relay: Relay
) -> None:
    offer = accepted(cast, relay)
    call = awaiting(cast, offer)
    report(offer, Evidence.Kind.CONFIRMED, at=START + HOUR)
    slots.run(by=SYSTEM, at=START + HOUR)
    before = fresh(call)
    assert before.cycle == 2 and before.slot_from_at
    holds(calendar, replace(DEFAULT, extra_holidays=frozenset({date(2026, 3, 5)})))
    move = only(seen(calendar, at=START + HOUR))
    assert (move.promise, move.due_at) == (call, before.due_at)
    assert move.rungs[-1] > before.rungs[-1]
    assert moved(calendar, at=START + HOUR) == 1
    now = fresh(call)
    assert (now.due_at, now.rungs, now.at_risk_at) == (before.due_at, move.rungs, move.rungs[0])


def test_a_call_that_still_waits_has_no_hour_in_which_nobody_works(
    cast: Cast, calendar: WorkCalendar
) -> None:
    awaiting(cast, promised(cast))
    version = holds(calendar, replace(DEFAULT, hours={0: ((time(9), time(10)),)}))
    assert recomputing.out_of_hours(version, at=START) == []


def test_a_page_looks_at_as_many_as_one_request_moves_and_says_how_many_are_left(
    cast: Cast, calendar: WorkCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        promised(cast)
    holds(calendar, TUESDAY_OFF)
    monkeypatch.setattr(recomputing, "MOST", 2)
    preview = seen(calendar)
    assert (preview.total, preview.left) == (2, 1)


def test_a_call_back_on_a_day_off_is_said_before_and_after_the_move(
    cast: Cast, calendar: WorkCalendar
) -> None:
    slot, _other = asked(cast), asked(cast, slot=WEDNESDAY - HOUR, campaign="other")
    version = holds(calendar, TUESDAY_OFF)
    assert recomputing.out_of_hours(version, at=START) == [slot]
    moved(calendar)
    assert recomputing.out_of_hours(version, at=START) == [slot]
    assert recomputing.out_of_hours(version, at=slot.due_at) == []


def test_an_agreed_time_that_is_also_the_usual_one_stays_agreed(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise = promised(cast, due_at=TUESDAY)
    holds(calendar, TUESDAY_OFF)
    moved(calendar)
    assert fresh(promise).due_at == TUESDAY


def test_what_was_renegotiated_is_agreed(cast: Cast, calendar: WorkCalendar, relay: Relay) -> None:
    made = agreed(promised(cast), spoken(cast), due_at=WEDNESDAY)
    holds(calendar, WEDNESDAY_OFF)
    moved(calendar, at=START + 3 * HOUR)
    assert fresh(made).due_at == WEDNESDAY


def test_a_promise_from_before_such_events_moves_when_its_calendar_gave_its_time(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise, other = promised(cast), promised(cast, due_at=brussels("2026-03-03 17:00"))
    with connection.cursor() as cursor:  # such as they were written before
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE followups_promiseevent DISABLE TRIGGER USER")
        cursor.execute("UPDATE followups_promiseevent SET data = '{}'")
        cursor.execute("ALTER TABLE followups_promiseevent ENABLE TRIGGER USER")
    holds(calendar, TUESDAY_OFF)
    moved(calendar)
    assert fresh(promise).due_at == WEDNESDAY
    assert fresh(other).due_at == other.due_at


def test_a_time_that_has_passed_stays_and_nothing_becomes_late_by_it(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise = promised(cast)
    late = TUESDAY + HOUR
    holds(calendar, replace(DEFAULT, extra_holidays=frozenset({date(2026, 3, 3)})), at=late)
    moved(calendar, at=late)
    assert fresh(promise).due_at == TUESDAY
    # Due at four by the new hours, and it is five already: it keeps half past five.
    other = promised(cast, at=late)
    at = brussels("2026-03-04 17:00")
    holds(calendar, SHORT, at=at)
    moved(calendar, at=at)
    assert fresh(other).due_at == other.due_at == WEDNESDAY
    assert not Promise.objects.overdue(at).filter(pk=other.pk).exists()


def climb_to(promise: Promise, rung: int) -> datetime:
    """Climbs until that rung is the next one; returns when."""
    at = START
    while fresh(promise).rung < rung:
        at += HOUR
        escalation.climb(at=at)
    return at


def test_climbed_rungs_stay_and_the_others_are_never_put_into_the_past(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise = promised(cast)
    at = climb_to(promise, 2)  # its owner was told, and the team
    before = fresh(promise)
    # The supervisor's four hours after due would be over with a day that begins at midnight.
    early = replace(DEFAULT, hours={d: ((time(0), time(0)),) for d in range(5)})
    at = brussels("2026-03-04 08:00")
    holds(calendar, early, at=at)
    assert moved(calendar, at=at) == 1
    now = fresh(promise)
    assert (now.rung, now.rungs[:2], now.due_at) == (2, before.rungs[:2], TUESDAY)
    assert now.rungs[2] == now.next_rung_at == at  # at once, not last night
    assert now.rungs == sorted(now.rungs)
    assert Escalation.objects.filter(promise=promise).count() == 2
    escalation.climb(at=at)
    assert list(
        Escalation.objects.filter(promise=promise).order_by("rung").values_list("rung", flat=True)
    ) == [0, 1, 2]


def test_what_waits_for_another_reason_goes_on_waiting(cast: Cast, calendar: WorkCalendar) -> None:
    promise = promised(cast)
    poison.push_away(promise_id=promise.pk, until=START + HOUR)
    holds(calendar, TUESDAY_OFF)
    assert moved(calendar) == 1
    assert fresh(promise).next_rung_at == START + HOUR


def test_rungs_of_proof_are_worked_out_from_the_expected_proof(
    cast: Cast, calendar: WorkCalendar, relay: Relay
) -> None:
    promise = accepted(cast, relay)
    assert promise.track == "proof" and promise.proof_expected_at
    holds(calendar, WEDNESDAY_OFF)
    assert only(seen(calendar)).due_at == TUESDAY  # the due time itself stays
    moved(calendar)
    now, by = fresh(promise), Calendar.from_dict(WEDNESDAY_OFF.to_dict())
    assert now.rungs == deadlines.proof(now, expected_at=promise.proof_expected_at, calendar=by)
    assert now.track == "proof" and now.rungs != promise.rungs


def test_a_promise_that_opened_again_counts_from_then(
    cast: Cast, calendar: WorkCalendar, relay: Relay
) -> None:
    promise = report(proven(cast, relay), Kind.FAILED, at=START + DAY + HOUR)
    assert (promise.cycle, promise.status) == (2, "open")
    holds(calendar, WEDNESDAY_OFF, at=START + DAY + HOUR)
    move = only(seen(calendar, at=START + DAY + HOUR))
    assert move.due_at == promise.due_at and move.rungs[0] > promise.rungs[0]


def test_only_open_promises_of_its_teams_that_move_are_touched(
    cast: Cast, calendar: WorkCalendar, relay: Relay
) -> None:
    kept = proven(cast, relay)
    other = promised(cast)
    Promise.objects.filter(pk=other.pk).update(team=cast.gent)
    written = Promise.objects.filter(pk__in=[kept.pk, other.pk]).order_by("pk")
    before = list(written.values())
    holds(calendar, TUESDAY_OFF)
    assert moved(calendar) == 0
    assert list(written.values()) == before


def test_the_count_is_of_all_and_the_list_of_the_first(
    cast: Cast, calendar: WorkCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputing, "LISTED", 2)
    for hours in range(3):
        promised(cast, at=START + hours * HOUR)
    holds(calendar, TUESDAY_OFF)
    preview = seen(calendar)
    assert (preview.total, len(preview.moves)) == (3, 2)
    assert moved(calendar) == 3


def test_a_preview_costs_as_many_queries_for_one_as_for_ten(
    cast: Cast, calendar: WorkCalendar
) -> None:
    holds(calendar, TUESDAY_OFF)
    counts = []
    for more in (1, 9):
        for _n in range(more):
            promised(cast)
        Promise.objects.update(calendar=DEFAULT.to_dict())
        with CaptureQueriesContext(connection) as queries:
            seen(calendar)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_run_is_left_and_goes_on_where_it_was(
    cast: Cast, calendar: WorkCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputing, "BATCH", 2)
    rows = [promised(cast) for _n in range(5)]
    holds(calendar, TUESDAY_OFF)
    begun = run(calendar)
    half = recomputing.go_on(run=begun, by=SYSTEM, at=START, most=2)
    assert (half.moved, half.ended_at) == (2, None)
    with pytest.raises(Refused, match="under way"):
        run(calendar)
    assert recomputing.newest(calendar) == begun
    whole = recomputing.go_on(run=half, by=SYSTEM, at=START + HOUR)
    assert (whole.moved, whole.ended_at) == (5, START + HOUR)
    assert [causes(row).count("recomputed") for row in rows] == [1] * 5
    assert recomputing.go_on(run=whole, by=SYSTEM, at=START + 2 * HOUR).moved == 5


def test_a_run_ends_when_another_version_has_come_into_force(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise = promised(cast)
    holds(calendar, TUESDAY_OFF)
    begun = run(calendar)
    holds(calendar, SHORT)
    done = recomputing.go_on(run=begun, by=SYSTEM, at=START)
    assert (done.moved, done.ended_at) == (0, START)
    assert fresh(promise).due_at == TUESDAY


def test_one_bad_promise_delays_nobody(cast: Cast, calendar: WorkCalendar) -> None:
    bad, good = promised(cast), promised(cast)
    Promise.objects.filter(pk=bad.pk).update(ladder={"name": "broken"})
    holds(calendar, TUESDAY_OFF)
    preview = seen(calendar)
    assert (preview.total, preview.stuck) == (1, 1)
    assert moved(calendar) == 1
    assert fresh(good).due_at == WEDNESDAY and fresh(bad).due_at == TUESDAY


@pytest.mark.parametrize(
    ("more", "field"), [({"words": "Because."}, "words"), ({"seen": 1}, ""), ({"seen": 9}, "")]
)
def test_what_cannot_begin_is_refused_and_nothing_moves(
    cast: Cast, calendar: WorkCalendar, more: dict[str, Any], field: str
) -> None:
    promise = promised(cast)
    holds(calendar, TUESDAY_OFF)
    with pytest.raises(Refused) as refused:
        run(calendar, **more)
    assert refused.value.field == field
    assert not Recomputation.objects.exists()
    assert fresh(promise).due_at == TUESDAY


def test_a_promise_that_has_changed_since_it_was_read_is_not_moved(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise = promised(cast)
    holds(calendar, TUESDAY_OFF)
    stale = only(seen(calendar)).promise
    climb_to(promise, 1)
    told = PromiseEvent.objects.count()
    columns = {"due_at": WEDNESDAY}
    assert not promises.retime(promise=stale, columns=columns, data={}, by=SYSTEM, at=START)
    assert fresh(promise).due_at == TUESDAY and PromiseEvent.objects.count() == told


def test_a_plan_by_the_bill_moves_with_the_hours_of_its_day(
    cast: Cast, calendar: WorkCalendar
) -> None:
    type(cast.dupont).objects.filter(pk=cast.dupont.pk).update(bill_medium="paper", bill_day=5)
    cast.dupont.refresh_from_db()
    promise = promised(cast, plan=("bill_insert",), address="")
    day = promise.due_at.date()
    holds(calendar, SHORT)
    moved(calendar)
    assert fresh(promise).due_at == promise.due_at - timedelta(hours=1, minutes=30)
    holds(calendar, replace(DEFAULT, extra_holidays=frozenset({day})))
    moved(calendar)
    assert fresh(promise).due_at.date() > day


@pytest.mark.django_db(transaction=True)
def test_a_fulfilment_and_a_recompute_at_once_leave_a_kept_promise_alone(
    cast: Cast, calendar: WorkCalendar
) -> None:
    promise, other = promised(cast), promised(cast)
    holds(calendar, TUESDAY_OFF)
    begun = run(calendar)
    with transaction.atomic():
        report(promise, Kind.CONFIRMED, at=START)
        thread = Thread(lambda: recomputing.go_on(run=begun, by=SYSTEM, at=START))
        until_somebody_waits(thread)
    assert thread.answer().moved == 1
    assert (fresh(promise).status, fresh(promise).due_at) == ("kept", TUESDAY)
    assert "recomputed" not in causes(promise)
    assert fresh(other).due_at == WEDNESDAY


@pytest.mark.django_db(transaction=True)
def test_two_who_let_it_go_on_at_once_move_each_promise_once(
    cast: Cast, calendar: WorkCalendar
) -> None:
    rows = [promised(cast) for _n in range(4)]
    holds(calendar, TUESDAY_OFF)
    begun = run(calendar)
    threads = [Thread(lambda: recomputing.go_on(run=begun, by=SYSTEM, at=START)) for _n in range(2)]
    for thread in threads:
        thread.answer()
    begun.refresh_from_db()
    assert begun.moved == 4 and begun.ended_at == START
    assert [causes(row).count("recomputed") for row in rows] == [1] * 4
