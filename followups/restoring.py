"""A backup was restored: what the copy must not do, done before anything runs on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Max

from crm import audit, heartbeats, house
from crm.actors import Actor
from crm.models import Attempt
from followups import notices, slips
from followups.terms import Refused
from offers import restored
from offers.models import PrintRun


@dataclass(frozen=True)
class Report:
    """What was done, and what people have to look at. `last_call_at` and `last_sweep_at`: how old
    the copy is; `secrets`: names of those that are not the ones the rows were written with."""

    deliveries: int
    notices: int
    slips: int
    sessions: int
    runs: list[PrintRun]
    secrets: list[str]
    last_call_at: datetime | None
    last_sweep_at: datetime | None


@transaction.atomic
def settle(*, nothing_lost: bool, anyway: bool, by: Actor, at: datetime) -> Report:
    """Makes a restored database the house. Raises Refused when it is no copy, unless `anyway`.

    Nothing that may have been sent after the copy was taken is sent again by itself: mails to
    customers become UNKNOWN, mails to colleagues are given up (the bell has them), what slipped
    meanwhile counts as told. Everybody logs in anew; who follows the feed begins anew; numbers
    that were given out are not given out again. All of it or nothing.
    """
    if not (anyway or house.copied()):
        raise Refused("", "This database is the house, and no copy of it: nothing was changed.")
    ran = heartbeats.last()
    report = Report(
        deliveries=restored.doubt(nothing_lost=nothing_lost, by=by, at=at),
        notices=notices.give_up_waiting(begun_only=nothing_lost),
        slips=slips.doubt(begun_only=nothing_lost, at=at),
        sessions=Session.objects.all().delete()[0],
        runs=[] if nothing_lost else restored.runs(at=at),
        secrets=house.settle(by=by, at=at),
        last_call_at=Attempt.objects.aggregate(last=Max("logged_at"))["last"],
        last_sweep_at=max(ran.values(), default=None),
    )
    audit.write(
        action="restored",
        subject="house",
        by=by,
        at=at,
        data={
            "deliveries": report.deliveries,
            "notices": report.notices,
            "slips": report.slips,
            "nothing_lost": nothing_lost,
        },
    )
    return report
