"""People whose every field can be recognised, their way through the house, and the search."""

from __future__ import annotations

import base64
import io
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

import pikepdf
import redis
from django.conf import settings
from django.db import connection

from config.postgresql import postgres_programs
from crm import consents, customers, suppressions
from crm.consents import Given
from crm.customers import ContractFacts, Line
from crm.models import Customer, Suppression
from followups import conversations
from followups.models import Override, OverrideText, Promise
from offers import answers, evidence, intake, sending
from offers.evidence import Event
from offers.models import Answer, Delivery
from tests.api.conftest import Machine
from tests.cast import (
    DAY,
    MINUTE,
    START,
    SYSTEM,
    Cast,
    Clock,
    call_of,
    offer_for,
    pdf_for,
    person,
    terms_for,
)
from tests.crm.importing.files import HEAD, imported

# Nothing else in the house reads like this: a tag, and a number in any of its spellings.
TAG = re.compile(rb"(?i)zq\d{5}xv")
NUMBER = re.compile(rb"(?:\+?32|0032|0)[ /.]?479[ /.]?\d\d[ /.]?\d\d[ /.]?\d\d")
HEX = re.compile(rb"\\\\x([0-9a-f]{16,})")


def tag(n: int) -> str:
    return f"zq{n:05d}xv"


def e164(n: int) -> str:
    return f"+32479{n:06d}"


def spelled(n: int) -> str:
    digits = f"{n:06d}"
    return f"0479 {digits[:2]} {digits[2:4]} {digits[4:]}"


def plant(cast: Cast, count: int, machine: Machine) -> list[Customer]:
    """So many people, each brought in by a file and then through everything that the house does."""
    lines = (
        f"{tag(n)};Mme {tag(n)} Canary;FR;{spelled(n)};{tag(n)}@canary.example;"
        f"rue {tag(n)} 1;4000;{tag(n)}ville;liege\n"
        for n in range(count)
    )
    row = imported(HEAD + "".join(lines), name="canaries.csv")
    assert row.lines_new == count, (row.why, row.lines_bad)
    people = list(Customer.objects.filter(external_id__startswith="zq").order_by("pk"))
    for n, customer in enumerate(people):
        _live(cast, customer, n, machine)
    return people


def _live(cast: Cast, customer: Customer, n: int, machine: Machine) -> None:
    """What an agent, a machine, a mail server and the customer leave behind."""
    mark = tag(n)
    Customer.objects.filter(pk=customer.pk).update(bill_day=12)
    customer.refresh_from_db()
    contract = ContractFacts(
        plan=f"Plan {mark}", lines=(Line(f"Mobile {spelled(n)} {mark}", Decimal("20.00")),)
    )
    customers.set_contract(customer=customer, contract=contract)
    customer = Customer.objects.get(pk=customer.pk)
    promise = _promise(cast, customer, n, ("email",))
    _promise(cast, customer, n, ("bill_insert",))
    _asked(machine, customer, n)
    _said(customer, mark)
    delivery = Delivery.objects.filter(attached__promise=promise).latest("pk")
    _answered(cast, customer, delivery, mark)


def _promise(cast: Cast, customer: Customer, n: int, plan: tuple[str, ...]) -> Promise:
    mark = tag(n)
    call = call_of(cast.amina, customer, number=e164(n), external_id=f"{plan[0]} {mark}")
    address = f"{mark}@canary.example" if plan == ("email",) else ""
    version = offer_for(customer)
    terms = terms_for(
        version,
        words=f"I promised {mark} the offer.",
        plan=plan,
        address=address,
        address_accepted=bool(address),
    )
    recorded = conversations.record(
        call=replace(call, note=f"says {mark}", recording_ref=f"s3://tapes/{mark}.wav"),
        terms=[terms],
        by=person(cast.amina),
        at=START,
    )
    return recorded.promises[0]


def _asked(machine: Machine, customer: Customer, n: int) -> None:
    """A dialer asks, and another system logs a call with a key of its own choice."""
    mark = tag(n)
    assert (
        machine.get("/gate", number=spelled(n), request_id=f"{mark} {e164(n)}").status_code == 200
    )
    call = {
        "source": "dialer",
        "external_id": f"{mark}-{e164(n)}",
        "direction": "outbound",
        "customer": customer.external_id,
        "agent": "amina",
        "started_at": (START - MINUTE * 5).isoformat(),
        "result": "no_answer",
        "number": spelled(n),
        "note": f"nobody at {mark}",
    }
    answer = machine.post("/calls", call, **{"Idempotency-Key": f"key of {mark}"})
    assert answer.status_code in (200, 201), answer.content


def _said(customer: Customer, mark: str) -> None:
    suppressions.add(
        customer=customer,
        kind=Suppression.Kind.COMPLAINT,
        origin=Suppression.Origin.CALL,
        proof=f"tape {mark}",
        words=f"{mark} is angry",
        by=SYSTEM,
        at=START,
    )
    given = Given(origin="call", proof=f"tape of {mark}", given_at=START, words=f"yes, {mark}")
    consents.record(customer=customer, given=given, by=SYSTEM, at=START)
    raw = f"Subject: lost\r\nTo: {mark}@canary.example\r\n\r\n".encode() + base64.b64encode(
        mark.encode()
    )
    intake.keep(raw=raw, by=SYSTEM, at=START)


def _answered(cast: Cast, customer: Customer, delivery: Delivery, mark: str) -> None:
    pdf_for(customer)
    answers.record(
        delivery=delivery, kind=Answer.Kind.ASKED, words=f"why, asks {mark}", by=SYSTEM, at=START
    )
    row = Override.objects.create(
        customer=customer,
        agent=cast.amina,
        purpose="sales",
        blocks=["suppressed:"],
        asked_at=START,
        asked_by=person(cast.amina).code,
    )
    OverrideText.objects.create(override=row, asked_for=f"{mark} waits", reason=f"for {mark}")


def travel(people: list[Customer]) -> None:
    """The mails leave, are taken with the address in the reply, and come back with a Message-ID."""
    for turn in range(len(people) // 20 + 1):
        sending.send_due(clock=Clock(START + MINUTE * 2 * (turn + 1)))
    at = START + DAY
    mailed = Delivery.objects.filter(channel="email").select_related("text", "customer")
    for delivery in mailed.order_by("pk"):
        mark = delivery.text.address.partition("@")[0]
        event = Event(
            source="mail",
            event_id=f"<{mark}@canary.example>#1",
            kind="failed",
            occurred_at=at,
            hard=True,
            words=f"{mark}@canary.example: user unknown",
        )
        evidence.record(delivery=delivery, event=event, by=SYSTEM, at=at)


def dump() -> bytes:
    """The database as pg_dump writes it, plain."""
    connection.ensure_connection()
    server = connection.connection.info
    words = [str(postgres_programs() / "pg_dump"), "--no-owner", f"--dbname={server.dbname}"]
    words += [f"--host={server.host}", f"--port={server.port}", f"--username={server.user}"]
    done = subprocess.run(words, capture_output=True, check=True)
    return done.stdout


def broker() -> bytes:
    """Everything that Valkey holds, keys and values."""
    with redis.Redis.from_url(settings.REDIS_URL) as store:
        return b"\n".join(key + b" " + (store.dump(key) or b"") for key in store.scan_iter())


def sightings(bytes_of: bytes) -> set[str]:
    """Every tag and number that stands anywhere: as text, in bytes, and inside a PDF."""
    return {found.decode() for text in _layers(bytes_of) for found in _seen(text)}


def places(text: bytes) -> set[str]:
    """In which tables of a dump, as far as it stands there as text or in bytes."""
    found: set[str] = set()
    for part in text.split(b"\nCOPY ")[1:]:
        if sightings(part):
            found.add(part.partition(b" ")[0].decode().removeprefix("public."))
    return found


def _seen(text: bytes) -> Iterator[bytes]:
    for pattern in (TAG, NUMBER):
        yield from (match.group().lower() for match in pattern.finditer(text))


def _layers(text: bytes) -> Iterable[bytes]:
    yield text
    for match in HEX.finditer(text):
        digits = match.group(1)
        data = bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
        yield data
        if data.startswith(b"%PDF"):
            yield from _of_pdf(data)


def _of_pdf(data: bytes) -> Iterator[bytes]:
    done = subprocess.run(["pdftotext", "-", "-"], input=data, capture_output=True, check=False)
    yield done.stdout
    with pikepdf.open(io.BytesIO(data)) as opened:
        yield str(opened.docinfo).encode()
