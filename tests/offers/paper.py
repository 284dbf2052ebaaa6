"""Paper for tests: customers with a bill, promises on paper, and a run brought to a state."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from crm import customers
from crm.customers import Facts
from crm.models import Customer
from followups.models import Promise
from offers import bill_runs, deliveries, print_files
from offers.models import Delivery, PrintLine, PrintRun
from tests.cast import BRUSSELS, START, SYSTEM, Cast, Clock, brussels, call_and_promise, offer_for
from tests.offers.journeys import fresh

BILL_DAY = 12
# Bills of the 12th leave on Thursday 12 March; three working days before, inserts are cut.
CUT_OFF = brussels("2026-03-09 17:00")
LEAVES = brussels("2026-03-12 10:00")
PRINTED = brussels("2026-03-10 11:00")


def billed(cast: Cast, *, number: int = 1, language: str = "fr", **more: Any) -> Customer:
    """A customer without a mail address, who gets a paper bill on the 12th."""
    facts: dict[str, Any] = {
        "name": f"M. Paul Lambert {number}",
        "language": language,
        "team": cast.liege,
        "phones": (f"+3247055{number:04d}",),
        "street": f"rue Neuve {number}",
        "postcode": "4000",
        "city": "Liège",
        "bill_day": BILL_DAY,
    }
    return customers.add(facts=Facts(**{**facts, **more}), at=START)


def promised(
    cast: Cast, customer: Customer, *, plan: tuple[str, ...] = ("bill_insert",), **more: Any
) -> Promise:
    """Amina promises the offer on paper."""
    given: dict[str, Any] = {"plan": plan, "address": "", "address_accepted": False, **more}
    return call_and_promise(cast.amina, customer, **given)


def queued(customer: Customer, *, channel: str = "bill_insert", at: datetime = START) -> Delivery:
    """A delivery on paper that has joined its run, without a promise."""
    parcel = deliveries.Parcel(
        customer=customer,
        channel=channel,
        language=customer.language,
        to_name=customer.text.name,
        address="rue Neuve 1\n4000 Liège",
        reference="P-234679",
        words="the offer",
        promised_date=at.astimezone(BRUSSELS).date(),
        reading_days=3,
        version=offer_for(customer, at=at),
    )
    delivery = deliveries.queue(parcel=parcel, why="promised", by=SYSTEM, at=at)
    bill_runs.join(delivery=delivery, by=SYSTEM, at=at)
    return fresh(delivery)


def run_of(delivery: Delivery) -> PrintRun:
    return PrintRun.objects.get(lines__delivery=delivery)


def built(delivery: Delivery, *, at: datetime = CUT_OFF) -> PrintRun:
    """The run of this delivery, closed and built."""
    run = run_of(delivery)
    bill_runs.close(run=run, by=SYSTEM, at=at)
    run.refresh_from_db()
    print_files.build_due(clock=Clock(at))
    run.refresh_from_db()
    return run


def printed(delivery: Delivery, *, at: datetime = PRINTED) -> PrintRun:
    """Built, printed, and its deliveries on their way."""
    run = built(delivery)
    assert bill_runs.printed(run=run, by=SYSTEM, at=at)
    print_files.hand_over(at=at)
    return run


def returned(run: PrintRun, folder: Path, *lines: str, header: str = "delivery,status,at") -> Path:
    """A return file as the mail room writes it."""
    file = folder / f"return-{run.pk}-{len(list(folder.iterdir()))}.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


def lines_of(run: PrintRun) -> list[PrintLine]:
    return list(PrintLine.objects.filter(run=run).order_by("sequence", "pk"))
