"""The demo's copy of the national do-not-call list: made up, and renewed as a nightly job would."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from crm import registries
from crm.actors import SYSTEM
from crm.invented import Dice
from crm.models import ListedNumber, NationalList
from followups.demo_time import Plot

NAME = "dncm"  # as the Belgian policy calls it
STRANGERS = 300  # numbers of nobody we know
# A copy is good for five days under that policy; the demo's is never older than this.
OFTEN = timedelta(days=3)


def first(numbers: Iterable[str], *, at: datetime) -> None:
    """The copy with which the demo begins: these customers' numbers, and many strangers'."""
    dice = [Dice(f"registry {number}") for number in range(STRANGERS)]
    others = {f"+324{one.pick('789')}{one.below(10_000_000):07d}" for one in dice}
    since = (at - timedelta(days=400)).date()
    _bring_in(dict.fromkeys({*numbers, *others}, since), at=at)


def renewals(*, at: datetime, until: datetime) -> Plot:
    """Every few nights a newer list, the last one an hour before the end."""
    while True:
        _bring_in(_ours(), at=at)
        at += min(OFTEN, max(until - at - timedelta(hours=1), timedelta(hours=1)))
        yield at


def renew(*, at: datetime) -> None:
    """Nobody brought one in while the demo was switched off, or its clock jumped."""
    ours = NationalList.objects.filter(pk=NAME).first()
    if ours and ours.as_of_date + OFTEN <= at.date():
        _bring_in(_ours(), at=at)


def _ours() -> dict[str, date | None]:
    return dict(ListedNumber.objects.filter(list_id=NAME).values_list("e164", "since_date"))


def _bring_in(numbers: dict[str, date | None], *, at: datetime) -> None:
    with tempfile.TemporaryDirectory(prefix="kept-demo-") as folder:
        file = Path(folder) / "list.csv"
        rows = (f"{number};{since or ''}\n" for number, since in sorted(numbers.items()))
        file.write_text("".join(rows), encoding="utf-8")
        registries.bring_in(file, name=NAME, as_of=at.date(), by=SYSTEM, at=at, apply=True)
