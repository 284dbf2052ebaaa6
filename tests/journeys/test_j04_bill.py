"""J4 The bill: no mail address, a paper bill; the offer goes with it, line by line, and is kept."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from config import clock
from crm import customers
from crm.actors import Actor
from crm.customers import Facts
from crm.models import Customer
from followups.models import Promise
from offers import bill_runs, manifests, postal, returns
from offers.models import Delivery, PrintRun
from tests import cast
from tests.journeys.scene import Scene
from tests.live import LiveSystem, until

NUMBER = "+32470556677"


def billed(scene: Scene, language: str = "fr") -> Customer:
    """Somebody without a mail address, who gets a bill on paper."""
    facts = Facts(
        name="M. Paul Lambert" if language == "fr" else "Dhr. Pol Lambrecht",
        language=language,
        team=scene.cast.liege if language == "fr" else scene.cast.gent,
        phones=(NUMBER,),
        street="rue Neuve 1",
        postcode="4000",
        city="Liège",
        bill_day=12,
        contract=cast.CONTRACT,
    )
    return customers.add(facts=facts, at=clock.now())


def promise_with_the_bill(scene: Scene, customer: Customer) -> Promise:
    """The dialer logs the call; the agent has promised the offer with the next bill."""
    version = cast.offer_for(customer, at=clock.now())
    started = clock.now() - timedelta(minutes=3)
    answer = scene.ask(
        "POST",
        "/calls",
        {
            "source": "dialer",
            "external_id": uuid.uuid4().hex,
            "direction": "outbound",
            "customer": customer.reference,
            "agent": "amina",
            "started_at": started.isoformat(),
            "answered_at": started.isoformat(),
            "ended_at": (started + timedelta(minutes=2)).isoformat(),
            "result": "answered",
            "disposition": "wants_in_writing",
            "promises": [
                {
                    "kind": "send_offer",
                    "words": "Vous recevrez l'offre avec votre facture.",
                    "channel": "bill_insert",
                    "offer": version.offer.reference,
                }
            ],
        },
    )
    assert "promises" in answer, answer
    return Promise.objects.get(reference=answer["promises"][0]["reference"])


def filled_in(manifest: str, folder: Path, at: Any) -> Path:
    """The manifest as the mail room returns it."""
    rows = list(csv.reader(io.StringIO(manifest)))
    file = folder / "returned.csv"
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, delimiter=";")
        writer.writerow([*rows[0], "status", "at"])
        writer.writerows([*row, "mailed", at.isoformat()] for row in rows[1:])
    return file


def test_the_offer_goes_with_the_paper_bill(live_system: LiveSystem, tmp_path: Path) -> None:
    scene = Scene(live_system)
    scene.to_working_morning()
    dirk = Actor.person(scene.cast.dirk)
    promise = promise_with_the_bill(scene, billed(scene))
    run = PrintRun.objects.get(lines__delivery__attached__promise=promise)
    assert scene.gate(NUMBER)["code"] == "open_promise"

    scene.forward(run.cut_off_at - clock.now() + timedelta(minutes=1))

    def built() -> bool:
        run.refresh_from_db()
        return run.ready_at is not None

    until(built, limit=60, what="the worker to close and build the run")
    assert bill_runs.printed(run=run, by=dirk, at=clock.now())
    scene.run_sweeps()

    def status(wanted: str) -> bool:
        return Delivery.objects.filter(line__run=run, status=wanted).exists()

    until(lambda: status("sending"), limit=30, what="the sheet to be on its way")
    leaves = postal.noon(run.mailing_date, postal.mail_days())
    scene.forward(leaves - clock.now() + timedelta(hours=1))
    file = filled_in("".join(manifests.write(run)), tmp_path, leaves)
    returns.take_in(run=run, path=file, by=dirk, at=clock.now())
    scene.run_sweeps()
    until(lambda: status("sent"), limit=30, what="the confirmed line to be evidence")
    assert scene.gate(NUMBER)["code"] == "open_promise", "five working days without a return"

    quiet = postal.quiet_until("bill_insert", leaves, postal.mail_days())
    scene.forward(quiet - clock.now() + timedelta(minutes=5))
    promise = scene.status(promise, "kept")
    assert promise.kept_at == leaves
    assert promise.readable_at == postal.readable_at("bill_insert", leaves, postal.mail_days())
    assert promise.broken_at is None
    # Its three days of reading end before or after the proof, whichever month it is.
    scene.forward(
        max(timedelta(minutes=1), promise.readable_at + timedelta(hours=73) - clock.now())
    )
    scene.to_working_morning()
    until(lambda: scene.gate(NUMBER)["decision"] == "allow", limit=30, what="the gate to open")
