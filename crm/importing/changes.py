"""What an import changed, row by row, so that it can be taken back. The writer of ImportChange,
beside crm/importing/people_rows.py, which writes its own set by set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from crm.importing.judging import digest
from crm.models import Import, ImportChange

UNDONE, LEFT = ImportChange.Outcome.UNDONE, ImportChange.Outcome.LEFT


@dataclass(frozen=True)
class Change:
    """A row that was made or changed; `subject` is its id when it is not the customer's own."""

    line: int
    customer: int
    was: Any = None
    now: Any = None
    subject: int | None = None


def keep(*, row: Import, batch: int, made: Iterable[Change]) -> None:
    ImportChange.objects.bulk_create(
        ImportChange(
            of=row,
            batch=batch,
            line=one.line,
            customer_id=one.customer,
            subject=one.subject,
            was=one.was,
            left_as=digest(one.now),
        )
        for one in made
    )


def of(row: Import, batch: int) -> list[ImportChange]:
    """What a batch changed and nobody has taken back yet."""
    rows = ImportChange.objects.filter(of=row, batch=batch, outcome="")
    return list(rows.order_by("line", "pk"))


def settle(*, row: Import, batch: int, undone: list[int]) -> Counter[str]:
    """Those were undone; the others of the batch are left as they are."""
    rows = ImportChange.objects.filter(of=row, batch=batch, outcome="")
    back = rows.filter(pk__in=undone).update(outcome=UNDONE)
    return Counter(undone=back, left=rows.update(outcome=LEFT))


def forget_people(ids: Iterable[int]) -> None:
    """What stood there before of people who were forgotten: an undo leaves them as they are."""
    ImportChange.objects.filter(customer__in=list(ids)).delete()


def forget(row: Import) -> None:
    ImportChange.objects.filter(of=row).delete()
