"""Whom the campaigns would call next: the head of their lists, judged by the gate. Reads, but for
putting off.

A list may have a million entries. Only its head is read, by the index that holds them in order:
who is to be tried again before who was never tried, the longest due first. Who is found blocked is
put off by whoever takes the next one, so that the head stays clean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from crm import campaign_entries, conditions
from crm.models import Campaign, CampaignEntry, User
from crm.queries import campaigns_of
from followups import gate
from followups.gate import Block

# Rows of the head that are read at once; those that the gate judges at once; those that are shown.
HEAD, BATCH, SHOWN = 200, 40, 10
# How many of a campaign's list are judged to say how many are blocked.
SAMPLED = 500
# How many are counted before it is only said that there are more.
COUNTED = 1000
# Who may not be called for a reason without an end is looked at again after this; who wants no
# calls, or may have none by law, later.
LOOK_AGAIN, SELDOM = timedelta(days=1), timedelta(days=7)
LASTING = {"dnc_company", "dnc_campaign", "dnc_national", "no_consent", "deceased"}
SURVEY = Campaign.Purpose.SURVEY

DUE = """
SELECT e.id FROM unnest(%(campaigns)s::bigint[]) AS c (id)
CROSS JOIN unnest(%(teams)s::bigint[]) AS t (id)
CROSS JOIN (VALUES (1, false), (1, true), (2, false), (2, true), (3, false), (3, true))
    AS k (priority, fresh)
CROSS JOIN LATERAL (
    SELECT e.id, e.next_try_at FROM crm_campaignentry e
    WHERE e.campaign_id = c.id AND e.team_id = t.id AND e.priority = k.priority
        AND e.fresh = k.fresh AND e.status = 'open' AND e.next_try_at <= %(at)s
    ORDER BY e.next_try_at, e.id LIMIT %(most)s) e
ORDER BY k.priority, k.fresh, e.next_try_at, e.id LIMIT %(most)s
"""


@dataclass(frozen=True)
class Head:
    """Who can be called now, of the head of the lists. `due` counts who waits, up to COUNTED + 1;
    `held_back` who was looked at and is blocked."""

    entries: tuple[CampaignEntry, ...]
    due: int
    held_back: int
    unsafe: Block | None = None  # why nobody at all may be called


def _ids(user: User, *, at: datetime, most: int) -> list[int]:
    """The due entries of the user's team in the order in which they are called, at most so many."""
    open_ = campaigns_of(user.team_id).exclude(purpose=Campaign.Purpose.CALLBACK)
    if user.team_id is None:
        return []
    return _due(list(open_.values_list("pk", flat=True)), [user.team_id], at, most)


def _due(campaigns: list[int], teams: list[int], at: datetime, most: int) -> list[int]:
    values: dict[str, Any] = {"campaigns": campaigns, "teams": teams, "at": at, "most": most}
    if not campaigns or not teams:
        return []
    with connection.cursor() as cursor:
        cursor.execute(DUE, values)
        return [row[0] for row in cursor.fetchall()]


def shut_until(user: User, *, at: datetime) -> datetime | None:
    """From when on somebody may be called for one of the user's campaigns again, by the hours of
    this house's own country; None when that is now, or when there is no campaign."""
    found: list[datetime] = []
    names = campaigns_of(user.team_id).exclude(purpose=Campaign.Purpose.CALLBACK)
    for name in sorted(set(names.values_list("policy", flat=True))):
        hours = dict(conditions.of(name, at=at).shut).get(settings.DEFAULT_COUNTRY)
        if hours is None:
            return None
        found.append(hours.until)
    return min(found, default=None)


@dataclass(frozen=True)
class Sample:
    """How it stands with the first in line of a campaign: so many were looked at, so many of them
    are blocked, and why (the strictest reason of each)."""

    looked: int
    blocked: int
    reasons: tuple[tuple[str, int], ...]


def sample(campaign: Campaign, *, teams: Collection[int], at: datetime) -> Sample:
    """The first SAMPLED that are due for the campaign, as the gate judges them now."""
    batch = _entries(_due([campaign.pk], list(teams), at, SAMPLED))
    codes = Counter(found[0].code for _entry, found in judged(batch, at=at) if found)
    return Sample(len(batch), codes.total(), tuple(codes.most_common()))


def _entries(ids: Collection[int]) -> list[CampaignEntry]:
    """The entries with everything that is said about them, in the same order. Two queries."""
    rows = CampaignEntry.objects.select_related("campaign", "customer__text", "last_attempt")
    found = rows.prefetch_related("customer__numbers").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def head(*, user: User, at: datetime, but: Collection[int] = ()) -> Head:
    """The first SHOWN of the lists that may be called now; `but` are customers shown elsewhere,
    who count for nothing here.

    Looks at HEAD entries at most, in batches, and stops as soon as there are enough.
    """
    ids = _ids(user, at=at, most=COUNTED + 1)
    free: list[CampaignEntry] = []
    elsewhere = held_back = 0
    for start in range(0, min(len(ids), HEAD), BATCH):
        batch = _entries(ids[start : start + BATCH])
        rest = [entry for entry in batch if entry.customer_id not in but]
        found = list(judged(rest, at=at))
        unsafe = _unsafe(found)
        if unsafe:
            return Head((), 0, 0, unsafe)
        new = [entry for entry, blocks in found if not blocks]
        elsewhere += len(batch) - len(rest)
        held_back += len(rest) - len(new)
        free += new
        if len(free) >= SHOWN:
            break
    return Head(tuple(free[:SHOWN]), len(ids) - elsewhere, held_back)


def _unsafe(found: Iterable[tuple[CampaignEntry, tuple[Block, ...]]]) -> Block | None:
    every = (block for _entry, blocks in found for block in blocks)
    return next((block for block in every if block.code == "clock_unsafe"), None)


def judged(
    entries: Iterable[CampaignEntry], *, at: datetime
) -> Iterator[tuple[CampaignEntry, tuple[Block, ...]]]:
    """What stands against calling each of them for their campaign; two queries a campaign.

    A survey is judged as that, everything else as a sale: the desk names no ticket.
    """
    rows = list(entries)
    surveys = [row for row in rows if row.campaign.purpose == SURVEY]
    others = [row for row in rows if row.campaign.purpose != SURVEY]
    found: dict[int, tuple[Block, ...]] = {}
    for purpose, some in (("survey", surveys), ("sales", others)):
        for campaign in {row.campaign_id: row.campaign for row in some}.values():
            people = [row.customer for row in some if row.campaign_id == campaign.pk]
            them = {person.pk: campaign for person in people}
            blocks = gate.blocks(people, purpose=purpose, at=at, campaigns=them)
            found |= {row.pk: blocks[row.customer_id] for row in some if row.campaign == campaign}
    for row in rows:
        yield row, found[row.pk] if row.customer.numbers.all() else (NO_NUMBER, *found[row.pk])


NO_NUMBER = Block("number_invalid", None, None)


def put_off(found: Iterable[tuple[CampaignEntry, tuple[Block, ...]]], *, at: datetime) -> int:
    """Who is blocked is looked at again when that is over, or in a day when nobody knows when."""
    later = [(entry.pk, again(blocks, at=at)) for entry, blocks in found if blocks]
    return campaign_entries.put_off(later)


def again(blocks: Iterable[Block], *, at: datetime) -> datetime:
    """When somebody who is blocked is looked at again."""
    ends = [
        block.until or at + (SELDOM if block.code in LASTING else LOOK_AGAIN) for block in blocks
    ]
    return max(ends, default=at + LOOK_AGAIN)


def in_turn(*, user: User, at: datetime, rounds: int) -> Iterator[CampaignEntry]:
    """Who may be called, one after the other; puts off who may not. Looks at `rounds` batches at
    most, so that a list on which everybody is blocked costs little. Whoever is given out and not
    taken is for the caller to put off, or the head does not move on."""
    seen: set[int] = set()
    for _round in range(rounds):
        ids = [pk for pk in _ids(user, at=at, most=BATCH) if pk not in seen]
        if not ids:
            return
        seen.update(ids)
        batch = _entries(ids)
        found = list(judged(batch, at=at))
        if _unsafe(found):
            return  # that says nothing about them
        put_off(found, at=at)
        yield from (entry for entry, blocks in found if not blocks)
