"""Two rows in every ledger, and hands that can do what the application may not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from crm import audit, customers, questions
from crm.chain import ledgers
from crm.models import (
    CalendarVersion,
    Campaign,
    Import,
    ImportEvent,
    Preference,
    Pruned,
    Reply,
    WorkCalendar,
)
from followups import checks
from followups.models import Escalation, LadderChoice, Promise, ScrubRun
from offers.models import Answer, Evidence, PrintRun, PrintRunEvent, ReturnFile
from tests.cast import START, SYSTEM, Cast, call_and_promise, delivery_of

MONTH = datetime(2026, 2, 10, 12, tzinfo=UTC)  # a month before that in which the tests play
LEDGERS = [ledger.table for ledger in ledgers.all_ledgers()]
CHECK = """
INSERT INTO followups_gatecheck (id, at, by, customer_ids, purpose, decision, code, codes, reserve,
    request_id, policy, valid_until_at, answer)
VALUES (%s, %s, 'sweep:test', ARRAY[%s::bigint], 'sales', 'deny', 'open_promise',
    ARRAY['open_promise'], false, '', 'none', %s, %s)
"""
BY = {"at": START, "by": SYSTEM.code}


@dataclass(frozen=True)
class Written:
    """Who was there, and a promise that was made."""

    cast: Cast
    promise: Promise


def in_every_ledger(cast: Cast) -> Promise:
    """Writes two rows at least into each, in many transactions."""
    promise = call_and_promise(cast.amina, cast.dupont)
    call_and_promise(cast.bram, cast.peeters)
    for n in range(2):
        once_more(cast, promise, n)
    return promise


def once_more(cast: Cast, promise: Promise, n: int) -> None:
    """A row more in each ledger, except in those that only a call fills; `n` is a new number."""
    _of_crm(cast, n)
    _of_the_call(promise, n)
    _of_offers(cast, promise, n)
    _of_followups(cast, promise, n)


def _of_crm(cast: Cast, n: int) -> None:
    audit.write(action="looked", subject=f"customer:{n}", by=SYSTEM, at=START, data={"n": n})
    customers.note_change(customer=cast.dupont, cause="test", at=START)
    Preference.objects.create(
        customer=cast.dupont,
        topic="offers_by_mail",
        wanted=bool(n),
        origin="customer",
        set_at=START,
        set_by=SYSTEM.code,
    )
    calendar, _new = WorkCalendar.objects.get_or_create(
        name="Chain", defaults={"made_at": START, "made_by": SYSTEM.code}
    )
    CalendarVersion.objects.create(
        calendar=calendar,
        number=n + 1,
        valid_from=START.date() if n else None,
        hours=cast.liege.calendar,
        made_at=START,
        made_by=SYSTEM.code,
    )
    with transaction.atomic():
        brought = Import.objects.create(
            kind="customers",
            file_name="x.csv",
            sha256="0" * 64,
            size=1,
            language="en",
            uploaded_at=START,
            uploaded_by=SYSTEM.code,
        )
        ImportEvent.objects.create(of=brought, to_status="uploaded", cause="uploaded", **BY)
    Pruned.objects.create(ledger="nothing", part=f"2020-0{n + 1}", rows=0, up_to_seal=0, **BY)


def _of_the_call(promise: Promise, n: int) -> None:
    campaign, _new = Campaign.objects.get_or_create(slug="chain", name="Chain", purpose="sales")
    question = questions.add(
        campaign=campaign, words=f"How many {n}?", choices=(), days=90, by=SYSTEM, at=START
    )
    Reply.objects.create(
        question=question,
        customer=promise.customer,
        attempt=promise.attempt,
        replied_at=START,
        replied_by=SYSTEM.code,
    )


def _of_offers(cast: Cast, promise: Promise, n: int) -> None:
    Answer.objects.create(customer=cast.dupont, kind="asked", **BY)
    Evidence.objects.create(
        delivery=delivery_of(promise),
        source="test",
        event_id=str(n),
        kind="relayed",
        grade=1,
        occurred_at=START,
        received_at=START,
        received_by=SYSTEM.code,
    )
    with transaction.atomic():
        run = PrintRun.objects.create(
            kind="batch",
            mailing_date=START.date() + timedelta(days=n),
            cut_off_at=START,
            opened_at=START,
            opened_by=SYSTEM.code,
        )
        PrintRunEvent.objects.create(run=run, to_status="open", cause="opened", **BY)
    ReturnFile.objects.create(
        run=run, sha256=f"{n:064}", received_at=START, received_by=SYSTEM.code
    )


def _of_followups(cast: Cast, promise: Promise, n: int) -> None:
    LadderChoice.objects.create(team=cast.liege, name="default", reason="test", **BY)
    Escalation.objects.create(
        promise=promise, cycle=9, track="document", rung=n, role="agent", due_at=START, **BY
    )
    ScrubRun.objects.create(
        id=uuid.uuid4(),
        kind="list",
        purpose=Campaign.Purpose.SALES,
        policy="none",
        rows_read=1,
        rows_denied=0,
        codes={},
        valid_until_at=START,
        **BY,
    )
    gate_check(cast, at=START)
    gate_check(cast, at=MONTH)


def gate_check(cast: Cast, *, at: datetime) -> uuid.UUID:
    """An answer of the gate at that instant, in the partition of its month."""
    checks.keep_partitions(at=at)
    made = uuid.UUID(int=(int(at.timestamp() * 1000) << 80) | uuid.uuid4().int >> 48)
    with connection.cursor() as cursor:
        cursor.execute(CHECK, [made, at, cast.dupont.pk, at, json.dumps({"blocks": []})])
    return made


@contextmanager
def as_superuser(table: str) -> Iterator[Any]:
    """The triggers of one table are switched off: an owner can, the chain finds it."""
    with transaction.atomic(), connection.cursor() as cursor:
        parts = _parts(table)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # nothing may be pending
        for part in parts:
            cursor.execute(f"ALTER TABLE {part} DISABLE TRIGGER USER")
        yield cursor
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for part in parts:
            cursor.execute(f"ALTER TABLE {part} ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _parts(table: str) -> list[str]:
    """The table, and the partitions it has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass",
            [table],
        )
        return [table, *(part for (part,) in cursor.fetchall())]
