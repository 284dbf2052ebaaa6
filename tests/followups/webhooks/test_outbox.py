"""The outbox: every committed event once for each endpoint that wants it, and none passed over."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from crm import customers
from crm.actors import Actor
from crm.models import AuditEntry, Customer
from followups import conversations, escalation, promises
from followups.models import (
    Promise,
    PromiseEvent,
    WebhookCursor,
    WebhookEndpoint,
    WebhookMessage,
)
from followups.models.promises import TURNS
from followups.terms import Terms
from followups.webhooks import endpoints, events, outbox
from followups.webhooks.wire import Answer
from offers import deliveries
from offers.models import Delivery, Evidence
from offers.models.evidence import MILESTONES
from tests.cast import (
    DAY,
    DUPONT_HOME,
    HOUR,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Relay,
    assemble,
    call_and_promise,
    call_of,
    delivery_of,
    person,
)
from tests.followups.scenes import accepted, proven, report
from tests.followups.test_feed import wait_for_strangers
from tests.followups.webhooks.conftest import opened
from tests.offers.journeys import happens
from tests.races import Thread

URL = "https://crm.example/hooks"
Status = WebhookMessage.Status
OK, BAD, GONE = Answer(200), Answer(500), Answer(410)


@pytest.fixture
def lasting(transactional_db: None) -> Cast:
    """The cast, committed, and a cursor that stands at now."""
    cast = assemble()
    assert cast.dupont and cast.peeters
    collect()
    return cast


@pytest.fixture
def crm(lasting: Cast) -> WebhookEndpoint:
    return opened(URL).endpoint


def collect() -> int:
    wait_for_strangers()
    return outbox.collect(at=START)


def told(endpoint: WebhookEndpoint | None = None) -> Counter[str]:
    rows = WebhookMessage.objects.filter(**{"endpoint": endpoint} if endpoint else {})
    return Counter(rows.values_list("type", flat=True))


def changed(customer: Customer, *, at: datetime = START) -> None:
    with transaction.atomic():
        customers.note_change(customer=customer, cause="test", at=at)


def test_every_turn_and_every_milestone_has_its_type_and_its_index() -> None:
    assert set(events.OF_CAUSE) == set(TURNS)
    assert set(events.OF_KIND) == set(MILESTONES)
    assert set(MILESTONES) <= set(Evidence.Kind.values)
    made = {f"kept.promise.{told}" for told in events.OF_CAUSE.values()}
    moved = {f"kept.delivery.{told}" for told in events.OF_KIND.values()}
    assert made | moved | {events.GATE, "kept.delivery.unknown"} == set(events.TYPES)


def test_a_promise_that_is_made_is_told_once(lasting: Cast, crm: WebhookEndpoint) -> None:
    call_and_promise(lasting.amina, lasting.dupont)
    assert collect() == 2
    assert told() == {"kept.promise.made": 1, "kept.gate.changed": 1}
    assert collect() == 0


def test_kept_and_reopened_and_broken_are_told(
    lasting: Cast, crm: WebhookEndpoint, relay: Relay
) -> None:
    promise = proven(lasting, relay)
    collect()
    assert told()["kept.promise.made"] == told()["kept.promise.kept"] == 1
    assert told()["kept.delivery.accepted"] == told()["kept.delivery.delivered"] == 1
    report(promise, "failed", at=START + 5 * DAY)
    collect()
    # It bounced after the due time: open again, and broken.
    assert told()["kept.delivery.bounced"] == 1
    assert told()["kept.promise.reopened"] == told()["kept.promise.broken"] == 1


def test_a_promise_that_nobody_keeps_is_told_as_broken_by_the_sweep(
    lasting: Cast, crm: WebhookEndpoint
) -> None:
    promise = call_and_promise(lasting.amina, lasting.dupont)
    while escalation.climb(at=promise.due_at + MINUTE):
        pass
    collect()
    assert told()["kept.promise.broken"] == 1


def test_a_call_back_that_was_made_is_kept(lasting: Cast, crm: WebhookEndpoint) -> None:
    call = call_of(lasting.amina, lasting.dupont)
    terms = Terms(kind="callback", words="I call you.", plan=(), due_at=START + HOUR)
    by = person(lasting.amina)
    (promise,) = conversations.record(call=call, terms=[terms], by=by, at=START).promises
    promises.called_back(promise=promise, attempt=promise.attempt, by=SYSTEM, at=START + HOUR)
    collect()
    assert told()["kept.promise.kept"] == 1


def test_a_send_that_nobody_saw_end_is_told(lasting: Cast, crm: WebhookEndpoint) -> None:
    promise = call_and_promise(lasting.amina, lasting.dupont)
    delivery = deliveries.claim(by=SYSTEM, at=START)
    assert delivery and deliveries.begin_body(delivery=delivery, by=SYSTEM, at=START)
    deliveries.free_expired(at=START + HOUR)
    collect()
    assert told()["kept.delivery.unknown"] == 1
    assert delivery_of(promise).status == Delivery.Status.UNKNOWN


def test_every_event_by_which_a_promise_is_kept_has_a_cause_that_is_told(
    lasting: Cast, crm: WebhookEndpoint, relay: Relay
) -> None:
    """A way to keep a promise that nobody told of would be missed outside."""
    proven(lasting, relay)
    turned = PromiseEvent.objects.filter(from_status="open", to_status="kept")
    assert set(turned.values_list("cause", flat=True)) <= set(TURNS)
    opened_again = {Promise.Status.OPEN, Promise.Status.KEPT}
    assert promises.MOVES[Promise.Status.KEPT] - {"erased"} == opened_again


def test_each_endpoint_is_told_what_it_asked_for(lasting: Cast) -> None:
    one = opened(URL, "one", types=["kept.promise.made"]).endpoint
    two = opened(URL, "two", types=["kept.gate.changed", "kept.promise.made"]).endpoint
    gone = opened(URL, "gone").endpoint
    endpoints.switch_off(endpoint=gone, by=SYSTEM, at=START)
    call_and_promise(lasting.amina, lasting.dupont)
    collect()
    assert told(one) == {"kept.promise.made": 1}
    assert told(two) == {"kept.promise.made": 1, "kept.gate.changed": 1}
    assert told(gone) == {}


def test_an_endpoint_hears_nothing_of_before(lasting: Cast) -> None:
    """Also when nobody was listening until then."""
    call_and_promise(lasting.amina, lasting.dupont)
    assert collect() == 0
    opened(URL)
    assert collect() == 0
    call_and_promise(lasting.amina, lasting.dupont)
    assert collect() == 2


def test_changes_of_one_customer_in_one_transaction_are_one_event(
    lasting: Cast, crm: WebhookEndpoint
) -> None:
    with transaction.atomic():
        changed(lasting.dupont)
        call_and_promise(lasting.amina, lasting.dupont)
        changed(lasting.peeters)
    collect()
    assert told()["kept.gate.changed"] == 2


def test_what_commits_late_is_not_passed_over(lasting: Cast, crm: WebhookEndpoint) -> None:
    """The writer that began first commits last: its event has the lower number."""
    wrote, may_commit = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            changed(lasting.dupont)
            wrote.set()
            assert may_commit.wait(30)

    writer = Thread(slowly)
    assert wrote.wait(30)
    changed(lasting.peeters)
    assert outbox.collect(at=START) == 0
    may_commit.set()
    writer.answer()
    assert collect() == 2


def test_what_was_rolled_back_is_told_to_nobody(lasting: Cast, crm: WebhookEndpoint) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        changed(lasting.dupont)
        raise RuntimeError("something broke")
    assert collect() == 0


def test_two_sweepers_at_once_queue_each_event_once(lasting: Cast, crm: WebhookEndpoint) -> None:
    for _ in range(20):
        changed(lasting.dupont)
    wait_for_strangers()
    sweepers = [Thread(lambda: outbox.collect(at=START)) for _ in range(4)]
    assert sum(sweeper.answer() for sweeper in sweepers) == 20
    assert told() == {"kept.gate.changed": 20}


def test_a_sweeper_that_dies_before_its_commit_has_queued_nothing_and_passed_over_nothing(
    lasting: Cast, crm: WebhookEndpoint
) -> None:
    changed(lasting.dupont)
    # Not within the transaction: there the server shows the same activity for ever.
    wait_for_strangers()
    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        assert outbox.collect(at=START) == 1
        raise KeyboardInterrupt
    assert told() == {}
    assert collect() == 1


def test_a_long_way_behind_is_made_up_in_stretches(
    lasting: Cast, crm: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(6):
        changed(lasting.dupont)
    monkeypatch.setattr(outbox, "STRETCH", 2)
    turns = 0
    while told().total() < 6:
        assert collect() <= 2
        turns += 1
        assert turns < 5_000
    assert turns >= 3


def test_after_a_restore_nothing_is_told_again(
    lasting: Cast, crm: WebhookEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restored cluster counts its transactions anew: rows of before seem to lie ahead."""
    changed(lasting.dupont)
    collect()
    WebhookMessage.objects.all().delete()
    WebhookCursor.objects.update(house=1, xact=10**12)
    assert outbox.collect(at=START + DAY) == 0
    cursor = WebhookCursor.objects.get()
    assert (cursor.since_at, cursor.house == 1) == (START + DAY, False)
    # Its numbers come past those of old rows: as if they were counted from the beginning, and all
    # in one turn, however much this server has done before.
    monkeypatch.setattr(outbox, "STRETCH", 10**15)
    WebhookCursor.objects.update(xact=0)
    assert collect() == 0
    later = START + 2 * DAY
    changed(lasting.peeters, at=later)
    assert collect() == 1


def test_with_no_endpoint_the_cursor_keeps_up_and_reads_no_event(lasting: Cast) -> None:
    changed(lasting.dupont)
    before = WebhookCursor.objects.get().xact
    wait_for_strangers()
    with connection.execute_wrapper(_refuses_to_queue):
        assert outbox.collect(at=START) == 0
    assert WebhookCursor.objects.get().xact > before


def _refuses_to_queue(execute, sql, params, many, context):  # type: ignore[no-untyped-def]
    assert "INSERT INTO followups_webhookmessage" not in sql
    return execute(sql, params, many, context)


OTHERS = """
SELECT i.indexrelid::regclass::text FROM pg_index i
LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
WHERE i.indrelid = %s::regclass AND i.indexrelid <> %s::regclass AND c.oid IS NULL
"""


@pytest.mark.parametrize(
    ("table", "index"),
    [
        ("followups_promiseevent", "promise_turn_cursor"),
        ("offers_evidence", "evidence_cursor"),
        ("offers_deliveryevent", "delivery_doubt_cursor"),
        ("crm_gatechange", "gate_change_cursor"),
    ],
)
def test_each_table_of_events_is_read_by_its_index(db: None, table: str, index: str) -> None:
    values = {"from": 5, "until": 9}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        # On a table of three rows any index is as good: the others are gone until the rollback.
        cursor.execute(OTHERS, [table, index])
        for (other,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {other}")
        cursor.execute(f"EXPLAIN {events.COMMITTED}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan, plan
    assert f"Seq Scan on {table}" not in plan


# --- claims and endings -----------------------------------------------------------------------


def queue(endpoint: WebhookEndpoint, count: int = 1) -> list[WebhookMessage]:
    """Due at START, the last of them since just then."""
    instants = [START - n * timedelta(milliseconds=1) for n in reversed(range(count))]
    return [outbox.test(endpoint=endpoint, by=SYSTEM, at=at) for at in instants]


def fresh(message: WebhookMessage) -> WebhookMessage:
    return WebhookMessage.objects.get(pk=message.pk)


def test_a_claim_is_for_one_and_ends(endpoint: WebhookEndpoint) -> None:
    queue(endpoint)
    (claimed,) = outbox.claim(at=START)
    assert outbox.claim(at=START) == []
    assert outbox.claim(at=START + outbox.LEASE - MINUTE) == []
    (heir,) = outbox.claim(at=START + outbox.LEASE)
    assert (heir.pk, heir.token) == (claimed.pk, claimed.token + 1)
    assert heir.webhook_id == claimed.webhook_id
    # The one before has nothing to say any more.
    assert outbox.settle(message=claimed, answer=OK, at=START) is None
    assert outbox.settle(message=heir, answer=OK, at=START) == Status.DELIVERED
    assert outbox.settle(message=heir, answer=BAD, at=START) is None


def test_the_waits_are_those_of_the_standard_and_end_after_three_days(
    endpoint: WebhookEndpoint,
) -> None:
    (message,) = queue(endpoint)
    at, waits = START, []
    for _ in range(outbox.MOST_TRIES):
        (claimed,) = outbox.claim(at=at)
        outbox.settle(message=claimed, answer=BAD, at=at)
        row = fresh(message)
        if row.next_try_at:
            waits.append(row.next_try_at - at)
            at = row.next_try_at
    assert (row.status, row.tries, row.last_status) == (Status.DEAD, 10, 500)
    for wait, wanted in zip(waits, outbox.WAITS, strict=True):
        assert 0.9 * wanted <= wait <= 1.1 * wanted
    assert 3 * DAY < sum(outbox.WAITS, timedelta()) < 4 * DAY


def test_not_all_come_back_in_the_same_instant(endpoint: WebhookEndpoint) -> None:
    queue(endpoint, 16)
    for claimed in outbox.claim(at=START):
        outbox.settle(message=claimed, answer=BAD, at=START)
    assert len(set(WebhookMessage.objects.values_list("next_try_at", flat=True))) > 10


def test_a_wait_that_was_asked_for_is_kept_but_not_for_ever(endpoint: WebhookEndpoint) -> None:
    one, two = queue(endpoint, 2)
    for claimed, asked in zip(outbox.claim(at=START), (1800, 10**7), strict=True):
        outbox.settle(message=claimed, answer=Answer(503, retry_after=asked), at=START)
    assert fresh(one).next_try_at == START + HOUR / 2
    assert fresh(two).next_try_at == START + DAY


def test_dead_letters_are_sent_again_under_their_old_ids(endpoint: WebhookEndpoint) -> None:
    rows = queue(endpoint, 3)
    claimed = outbox.claim(at=START)
    for row, answer in zip(claimed, (GONE, GONE, OK), strict=True):
        outbox.settle(message=row, answer=answer, at=START)
    by = Actor(code="user:7")
    again = outbox.replay(endpoint=endpoint, rows=outbox.dead(endpoint), by=by, at=START + DAY)
    assert (again, outbox.dead(endpoint).count()) == (2, 0)
    assert outbox.replay(endpoint=endpoint, rows=outbox.dead(endpoint), by=by, at=START) == 0
    back = outbox.claim(at=START + DAY)
    assert [row.webhook_id for row in back] == [row.webhook_id for row in rows[:2]]
    assert [(row.tries, row.replayed_by) for row in back] == [(1, "user:7")] * 2
    assert AuditEntry.objects.get(action="webhook_replayed").data == {"messages": 2}


def test_what_happened_since_an_instant_is_sent_again_also_what_was_taken(
    endpoint: WebhookEndpoint,
) -> None:
    queue(endpoint, 3)
    for row in outbox.claim(at=START):
        outbox.settle(message=row, answer=OK, at=START)
    since = outbox.since(endpoint, at=START - timedelta(milliseconds=1))
    assert outbox.replay(endpoint=endpoint, rows=since, by=SYSTEM, at=START) == 2


def test_nobodys_message_of_another_endpoint_is_sent_again(endpoint: WebhookEndpoint) -> None:
    (message,) = queue(endpoint)
    (claimed,) = outbox.claim(at=START)
    outbox.settle(message=claimed, answer=GONE, at=START)
    stranger = opened(endpoint.url, "stranger").endpoint
    rows = WebhookMessage.objects.filter(pk=message.pk)
    assert outbox.replay(endpoint=stranger, rows=rows, by=SYSTEM, at=START) == 0


def test_an_endpoint_that_is_off_keeps_what_waits(endpoint: WebhookEndpoint) -> None:
    queue(endpoint, 2)
    endpoints.switch_off(endpoint=endpoint, by=SYSTEM, at=START)
    assert outbox.claim(at=START + DAY) == []
    assert outbox.give_up(at=START + 30 * DAY) == []
    endpoints.switch_on(endpoint=endpoint, by=SYSTEM, at=START + DAY)
    assert len(outbox.claim(at=START + DAY)) == 2


def test_a_busy_endpoint_leaves_the_others_their_share(endpoint: WebhookEndpoint) -> None:
    queue(endpoint, 40)
    second = opened(endpoint.url, "second").endpoint
    queue(second, 2)
    batch = Counter(row.endpoint.name for row in outbox.claim(at=START))
    assert batch == {"crm": outbox.BATCH // 2, "second": 2}


def test_what_found_no_turn_for_three_days_is_given_up(endpoint: WebhookEndpoint) -> None:
    (message,) = queue(endpoint)
    assert outbox.give_up(at=START + 2 * DAY) == []
    assert outbox.give_up(at=START + 3 * DAY) == [endpoint]
    row = fresh(message)
    assert (row.status, row.last_error, row.settled_at) == (Status.DEAD, "waited", START + 3 * DAY)


def test_what_was_settled_is_forgotten_after_ninety_days(endpoint: WebhookEndpoint) -> None:
    queue(endpoint, 3)
    done, dead, _waits = outbox.claim(at=START)
    outbox.settle(message=done, answer=OK, at=START)
    outbox.settle(message=dead, answer=GONE, at=START)
    assert outbox.forget(at=START + 89 * DAY) == 0
    assert outbox.forget(at=START + 90 * DAY) == 2
    assert WebhookMessage.objects.count() == 1


def test_the_demos_clock_takes_claims_along(endpoint: WebhookEndpoint) -> None:
    queue(endpoint, 2)
    outbox.claim(at=START)
    outbox.shift(by=DAY)
    assert outbox.claim(at=START + DAY) == []


def test_an_address_that_was_not_reached_at_all_has_its_reason(endpoint: WebhookEndpoint) -> None:
    """Kept beside the message, so that operations read it and no log is searched."""
    queue(endpoint)
    (claimed,) = outbox.claim(at=START)
    outbox.settle(message=claimed, answer=Answer(None, "dns"), at=START)
    row = fresh(claimed)
    assert (row.status, row.last_status, row.last_error) == (Status.PENDING, None, "dns")


def test_nothing_personal_stands_in_the_outbox(
    lasting: Cast, crm: WebhookEndpoint, relay: Relay
) -> None:
    promise = accepted(lasting, relay)
    happens(delivery_of(promise), "failed", at=START + HOUR, words="550 dupont@mail.example")
    collect()
    stored = str(list(WebhookMessage.objects.values()))
    assert "Dupont" not in stored and "@" not in stored and DUPONT_HOME not in stored
