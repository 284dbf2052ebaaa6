"""Canaries: after forgetting, nothing of these people is found anywhere, and they stay protected.

./kept test tests/followups/test_canaries.py --canaries 1000
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from crm import forgetting, pull_list
from crm.models import AuditEntry, Customer
from followups import gate, verdicts
from followups.api import calls
from followups.gate import Question
from offers.models import PrintPiece, PrintVolume
from tests import canaries
from tests.api.conftest import machine, set_the_clock
from tests.canaries import e164
from tests.cast import DAY, SYSTEM, Cast, Relay, assemble, brussels
from tests.offers import paper

pytestmark = pytest.mark.django_db(transaction=True)
LATER = brussels("2026-03-10 15:00")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """What the house writes into its log meanwhile, through its own formatter and mask."""
    file = tmp_path / "kept.log"
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.getLogger().handlers[0].formatter)
    logging.getLogger().addHandler(handler)
    yield file
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def scene(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Cast:
    monkeypatch.setattr(calls, "nudge", lambda name: None)
    set_the_clock()
    return assemble()


def grown(scene: Cast, relay: Relay, count: int) -> list[Customer]:
    """The people, what they left everywhere, and a print file with a sheet for each."""
    people = canaries.plant(scene, count, machine())
    canaries.travel(people)
    run = paper.built(people[0].deliveries.filter(channel="bill_insert").latest("pk"))
    assert PrintPiece.objects.filter(volume__run=run).exists()
    return people


def forget(people: list[Customer]) -> None:
    for n, customer in enumerate(people):
        forgetting.forget(customer=customer, ground="asked", case=f"GDPR-{n}", by=SYSTEM, at=LATER)


def test_nothing_of_them_is_found_and_nobody_calls_them(
    scene: Cast, relay: Relay, log: Path, tmp_path: Path, settings: Any, request: Any
) -> None:
    count = request.config.getoption("--canaries")
    settings.FORGOTTEN_LIST = str(tmp_path / "forgotten.csv")
    people = grown(scene, relay, count)
    before = canaries.dump()
    entries = AuditEntry.objects.count()
    if count <= 10:
        missed = WHERE - canaries.places(before)
        assert missed == set(), "the canaries were not put there"
    started = time.monotonic()
    forget(people)
    took = time.monotonic() - started
    pull_list.write_down(at=LATER)
    forgetting.again(at=LATER + DAY)
    after = canaries.dump()
    assert canaries.sightings(after) == set(), canaries.places(after)
    assert canaries.sightings(log.read_bytes()) == set()
    assert canaries.sightings(canaries.broker()) == set()
    assert canaries.sightings(b"".join(f.read_bytes() for f in tmp_path.iterdir())) == set()
    assert AuditEntry.objects.count() >= entries + count
    _protected(count)
    said = f"canaries {count} found 0 of {len(canaries.sightings(before))}"
    print(f"\n{said} | dump {len(after) >> 20} MB | {took / count * 1000:.0f} ms each")  # noqa: T201


def _protected(count: int) -> None:
    """Every number is denied, one by one and in a list."""
    set_the_clock()
    numbers = [e164(n) for n in range(count)]
    answer = gate.decide(Question(number=numbers[-1]), by=SYSTEM)
    assert (answer.allow, answer.code) == (False, "dnc_company")
    terms = verdicts.terms(by=SYSTEM, at=answer.checked_at)
    assert {verdict.code for verdict in verdicts.of(numbers, terms)} == {"dnc_company"}


@pytest.mark.parametrize("storey", ["CRM", "OFFERS", "FOLLOWUPS"])
def test_without_one_eraser_they_are_found(
    scene: Cast, relay: Relay, monkeypatch: pytest.MonkeyPatch, storey: str
) -> None:
    people = grown(scene, relay, 1)
    monkeypatch.delitem(forgetting._ERASERS, getattr(forgetting, storey))
    forget(people)
    assert canaries.sightings(canaries.dump()) != set()


def test_a_print_file_is_built_again_with_blank_sheets(scene: Cast, relay: Relay) -> None:
    people = grown(scene, relay, 2)
    volume = PrintVolume.objects.get()
    sheets = volume.sheets
    forget(people[:1])
    volume.refresh_from_db()
    assert (volume.built_at, volume.size) == (None, None)
    paper.print_files.build_due(clock=paper.Clock(LATER))
    volume.refresh_from_db()
    assert volume.built_at == LATER and volume.sheets == sheets
    seen = canaries.sightings(canaries.dump())
    assert canaries.tag(1) in seen and canaries.tag(0) not in seen


def test_the_database_refuses_to_touch_the_offer_of_somebody_on_file(
    scene: Cast, relay: Relay
) -> None:
    from django.db.utils import DatabaseError

    canaries.plant(scene, 1, machine())
    for statement in (
        "DELETE FROM offers_offerline",
        "UPDATE offers_offerversion SET plan = ''",
        "UPDATE crm_attempt SET external_id = 'other'",
    ):
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute(statement)


# Tables in which the people have to stand before, so that the search is known to look there.
WHERE = {
    "crm_attempt",
    "crm_attempttext",
    "crm_consent",
    "crm_consenttext",
    "crm_contract",
    "crm_contractline",
    "crm_customer",
    "crm_customertext",
    "crm_emailaddress",
    "crm_importbatch",
    "crm_importline",
    "crm_importpiece",
    "crm_phonenumber",
    "crm_postaladdress",
    "crm_suppression",
    "crm_suppressiontext",
    "followups_overridetext",
    "followups_promisetext",
    "offers_answertext",
    "offers_deliverytext",
    "offers_document",
    "offers_evidencetext",
    "offers_offerline",
    "offers_offerversion",
    "offers_printpiece",
    "offers_unmatchedreport",
}
