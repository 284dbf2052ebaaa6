"""Who is on the list of a campaign, and how far it has come with them. The only writer.

An entry ends with a call that said the last word (a final disposition, or a wish not to be
called), or when it was tried as often as the campaign tries. What stands in a row is worked out
anew from the campaign's attempts whenever one of them is logged or revised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from crm import audit, bulk, merges
from crm.actors import Actor
from crm.models import Attempt, Campaign, CampaignEntry, PhoneNumber

Status, Result = CampaignEntry.Status, Attempt.Result
# The line was not free, or the call never rang: tried again the same day.
SOON = timedelta(hours=4)
NOT_RUNG = (Result.FAILED, Result.CANCELLED)
TRIED_IN_VAIN, NO_NUMBER = "tried_in_vain", "wrong_number"
BATCH = 5000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody who shall be on the list, by ids: a list may have a million of them."""

    customer: int
    team: int
    priority: int = CampaignEntry.Priority.USUAL


@dataclass
class Added:
    """What became of a list: new entries, who was on it already, and who was done with before."""

    new: int = 0
    known: int = 0
    done: int = 0


@transaction.atomic
def add(*, campaign: Campaign, people: Sequence[Wanted], by: Actor, at: datetime) -> Added:
    """Puts customers on the list in the order given, each of them once; all or nothing.

    Who is on it already stays as they are, also who was done with: nobody is called anew because a
    file came twice.
    """
    Campaign.objects.select_for_update().get(pk=campaign.pk)  # two files wait for each other
    found = Added()
    for start in range(0, len(people), BATCH):
        _add(campaign, people[start : start + BATCH], found, by, at)
    data = {"new": found.new, "known": found.known, "done": found.done}
    audit.write(
        action="campaign_filled", subject=f"campaign:{campaign.slug}", by=by, at=at, data=data
    )
    return found


def _add(campaign: Campaign, part: Sequence[Wanted], found: Added, by: Actor, at: datetime) -> None:
    ids = [one.customer for one in part]
    there = CampaignEntry.objects.filter(campaign=campaign, customer__in=ids)
    known = dict(there.values_list("customer", "status"))
    rows = [
        CampaignEntry(
            campaign=campaign,
            customer_id=one.customer,
            team_id=one.team,
            priority=one.priority,
            added_at=at,
            added_by=by.code,
            next_try_at=at,
        )
        for one in part
        if one.customer not in known
    ]
    bulk.copy(CampaignEntry, rows)
    done = sum(status == Status.DONE for status in known.values())
    found.new += len(rows)
    found.done += done
    found.known += len(known) - done


def heed(*, attempt: Attempt, by: Actor, at: datetime) -> None:
    """What a call means for the lists of its customer. Runs in the attempt's transaction."""
    said = attempt.disposition
    everywhere = said is not None and (said.do_not_call or said.code == "deceased")
    if attempt.customer_id is None or not (everywhere or attempt.campaign_id):
        return
    rows = CampaignEntry.objects.filter(
        customer__in=merges.group_of([attempt.customer_id]), status=Status.OPEN
    )
    if not everywhere:
        rows = rows.filter(campaign=attempt.campaign_id)
    if said and (said.final or everywhere):
        _close(rows, cause=said.code, by=by, at=at)
        return
    for entry in rows.select_related("campaign"):
        _count(entry, by=by, at=at)


def _count(entry: CampaignEntry, *, by: Actor, at: datetime) -> None:
    """Tries, and when to try again, from the attempts since the customer was put on the list."""
    calls = Attempt.objects.filter(
        customer__in=merges.group_of([entry.customer_id]),
        campaign=entry.campaign_id,
        direction=Attempt.Direction.OUTBOUND,
        started_at__gte=entry.added_at,
    )
    last = calls.order_by("-started_at", "-pk").first()
    if last is None:
        return
    tries = calls.exclude(result__in=NOT_RUNG).count()
    again = timedelta(hours=entry.campaign.rest_hours)
    if last.result in (*NOT_RUNG, Result.BUSY):
        again = min(again, SOON)
    mine = CampaignEntry.objects.filter(pk=entry.pk)
    mine.filter(status=Status.OPEN).update(
        tries=tries, fresh=False, last_attempt=last, next_try_at=last.started_at + again
    )
    if last.result == Result.WRONG_NUMBER and not _has_another_number(entry.customer_id):
        _close(mine, cause=NO_NUMBER, by=by, at=at)
    elif tries >= entry.campaign.most_tries and last.result != Result.ANSWERED:
        _close(mine, cause=TRIED_IN_VAIN, by=by, at=at)


def _has_another_number(customer: int) -> bool:
    return PhoneNumber.objects.filter(customer=customer).count() > 1


def _close(rows: QuerySet[CampaignEntry], *, cause: str, by: Actor, at: datetime) -> int:
    return rows.filter(status=Status.OPEN).update(
        status=Status.DONE, closed_at=at, closed_by=by.code, closed_cause=cause
    )


def forget(ids: Iterable[int], *, by: Actor, at: datetime) -> int:
    """Who was forgotten is on no list any more."""
    rows = CampaignEntry.objects.filter(customer__in=list(ids))
    return _close(rows, cause="erased", by=by, at=at)


def put_off(later: Iterable[tuple[int, datetime]]) -> int:
    """Who may not be called before an instant is not looked at before it either: (entry, until).

    Once it has come they are looked at before those who were never tried.
    """
    until: dict[datetime, list[int]] = {}
    for entry, instant in later:
        until.setdefault(instant, []).append(entry)
    return sum(
        CampaignEntry.objects.filter(
            pk__in=entries, status=Status.OPEN, next_try_at__lt=instant
        ).update(next_try_at=instant, fresh=False)
        for instant, entries in until.items()
    )


def open_of(customers: Iterable[int], *, campaigns: QuerySet[Campaign]) -> QuerySet[CampaignEntry]:
    """The entries by which these campaigns wait to call these customers."""
    rows = CampaignEntry.objects.filter(customer__in=list(customers), status=Status.OPEN)
    return rows.filter(campaign__in=campaigns).select_related("campaign")
