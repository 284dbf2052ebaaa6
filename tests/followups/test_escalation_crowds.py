"""Four sweepers and people who keep their promises at the same instant: each rung once, none late.

One promise in a hundred is poison. `--rungs 30000` is the full size; by itself it is a small one.
"""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from django.db import connection, transaction

from crm.models import Attempt, Campaign
from followups import escalation, promises
from followups.ladder import DEFAULT
from followups.models import Escalation, Notice, Promise, PromiseEvent
from tests.cast import DAY, HOUR, START, SYSTEM, Cast
from tests.followups.lists import owed_a_call
from tests.races import Thread

RUNGS = len(DEFAULT.lateness)
SWEEPERS, KEEPERS = 4, 2
KEPT, POISON = 5, 100  # one promise in so many is kept meanwhile; one in so many is poison
LATE = START + 60 * DAY
CLONES = """
INSERT INTO followups_promise ({columns}, reference, campaign_id)
SELECT {columns}, 'X' || lpad(c.n::text, 7, '0'), c.id
FROM followups_promise p, (SELECT id, row_number() OVER (ORDER BY id) AS n FROM crm_campaign
    WHERE slug LIKE 'crowd-%%') c WHERE p.id = %s
"""
MADE = """
INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause, data)
SELECT id, '', 'open', made_at, made_by, 'made', '{}' FROM followups_promise WHERE id <> %s
"""


def crowd(first: Promise, number: int) -> list[int]:
    """So many promises like this one, every rung of which is due."""
    # Nobody waits for two calls of one campaign.
    Campaign.objects.bulk_create(Campaign(slug=f"crowd-{n}", name="Crowd") for n in range(number))
    with transaction.atomic(), connection.cursor() as cursor:
        own = {"id", "reference", "campaign_id"}
        columns = [f.column for f in Promise._meta.concrete_fields if f.column not in own]
        cursor.execute(CLONES.format(columns=", ".join(columns)), [first.pk])
        cursor.execute(MADE, [first.pk])
    return list(Promise.objects.order_by("pk").values_list("pk", flat=True))


def sweep() -> int:
    """Turns until nothing is due any more for this one."""
    climbed = 0
    while moved := escalation.climb(at=LATE):
        climbed += moved
    return climbed


def keep(ids: list[int], call: Attempt) -> int:
    """The promised calls are made, one after the other."""
    rows = Promise.objects.select_related("customer")
    return sum(
        promises.called_back(promise=rows.get(pk=pk), attempt=call, by=SYSTEM, at=LATE)
        for pk in ids
    )


@pytest.mark.django_db(transaction=True)
def test_each_rung_is_climbed_once_none_is_missing_and_none_comes_after_the_call(
    cast: Cast, pytestconfig: pytest.Config
) -> None:
    number = int(pytestconfig.getoption("--rungs")) // RUNGS
    owed_a_call(cast, cast.dupont)
    first = Promise.objects.get()
    ids = crowd(first, number - 1)
    random.Random(5).shuffle(ids)
    poison, kept = set(ids[: number // POISON + 1]), ids[-number // KEPT :]
    Promise.objects.filter(pk__in=poison).update(ladder={"steps": "of another house"})

    keepers = [Thread(lambda n=n: keep(kept[n::KEEPERS], first.attempt)) for n in range(KEEPERS)]
    sweepers = [Thread(sweep) for _ in range(SWEEPERS)]
    limit = 60 + number / 5
    climbed = sum(thread.answer(limit=limit) for thread in sweepers)
    assert sum(thread.answer(limit=limit) for thread in keepers) == len(kept)
    climbed += sweep()

    found: dict[int, list[int]] = defaultdict(list)
    for promise, rung in Escalation.objects.order_by("pk").values_list("promise", "rung"):
        found[promise].append(rung)
    duplicates = [pk for pk, rungs in found.items() if len(set(rungs)) != len(rungs)]
    sound = set(ids) - poison
    missing = [pk for pk in sound - set(kept) if found[pk] != list(range(RUNGS))]
    assert (duplicates, missing) == ([], [])
    assert [pk for pk in kept if found[pk] != list(range(len(found[pk])))] == []
    assert not poison & set(found)
    assert climbed == Escalation.objects.count()
    assert Notice.objects.exclude(escalation=None).count() == climbed

    called = dict(PromiseEvent.objects.filter(cause="called_back").values_list("promise", "pk"))
    assert len(called) == len(kept)
    after = [
        row
        for row in PromiseEvent.objects.filter(promise__in=kept, cause__startswith="rung_")
        if row.pk > called[row.promise_id]
    ]
    assert after == []
    waits = set(Promise.objects.filter(pk__in=poison - set(kept)).values_list("next_rung_at"))
    assert waits <= {(LATE + HOUR,)}
