"""The gate asked in two ways: by lists that only read, and by the ruling inside the database."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from crm import calls, suppressions
from crm.models import Heartbeat, Suppression
from followups import gate, rulings
from followups.gate import Block
from followups.models import Lease
from followups.rulings import Asked
from tests.cast import DUPONT_HOME, HOUR, MINUTE, START, SYSTEM, Cast, call_of, sweeps_alive
from tests.followups.scenes import promised

NOW = START + 2 * HOUR
PURPOSES = ("sales", "survey", "service", "callback")


def promise(cast: Cast) -> None:
    promised(cast)


def lease(cast: Cast) -> None:
    Lease.objects.create(
        customer=cast.dupont,
        decision_id=uuid.uuid4(),
        holder=f"user:{cast.amina.pk}",
        taken_at=NOW,
        taken_by="system",
        until_at=NOW + MINUTE,
    )


def silence(cast: Cast) -> None:
    Heartbeat.objects.filter(pk__in=["send", "settle"]).update(beat_at=NOW - timedelta(days=1))


def ring(cast: Cast) -> None:
    calls.log(call=call_of(cast.bram, cast.dupont, at=NOW - MINUTE), by=SYSTEM, at=NOW)


def wish(kind: str) -> Callable[[Cast], None]:
    def add(cast: Cast) -> None:
        campaign = cast.sales if kind == "dnc_campaign" else None
        suppressions.add(
            customer=cast.dupont, kind=kind, origin="call", campaign=campaign, by=SYSTEM, at=START
        )

    return add


REASONS = [promise, lease, silence, ring, *(wish(kind) for kind in Suppression.Kind.values)]


def ruled(cast: Cast, purpose: str, mine: tuple[str, ...]) -> list[Block]:
    asked = Asked(
        number=DUPONT_HOME,
        ids=[],
        purpose=purpose,
        policy="none",
        by="system",
        holder="system",
        mine=mine,
        record=False,
    )
    ruling = rulings.rule(asked, at=NOW)
    assert ruling.allow == (not ruling.blocks)
    return [gate._restored_block(block) for block in ruling.blocks]


@pytest.mark.parametrize("many", range(len(REASONS) + 1))
def test_lists_and_rulings_give_the_same_blocks_in_the_same_order(cast: Cast, many: int) -> None:
    assert cast.dupont
    seen = 0
    for chosen in itertools.islice(itertools.combinations(REASONS, many), 0, None, 5):
        with transaction.atomic():
            sweeps_alive(NOW)
            for happen in chosen:
                happen(cast)
            for purpose, mine in itertools.product(PURPOSES, ((), (f"user:{cast.amina.pk}",))):
                listed = gate.blocks([cast.dupont], purpose=purpose, at=NOW, mine=mine)
                assert list(listed[cast.dupont.pk]) == ruled(cast, purpose, mine), (chosen, purpose)
                seen += bool(listed[cast.dupont.pk])
            transaction.set_rollback(True)
    assert seen or not many
