"""Two workers on one import, each with its own connection: every step is done once."""

from __future__ import annotations

import pytest

from crm.importing import jobs, kinds, work
from crm.models import Customer, GateChange, Import, ImportChange
from tests.cast import START, SYSTEM, assemble
from tests.crm.importing.files import HEAD, checked, counts
from tests.races import Thread

LINES = 60


def to_the_end(row: Import) -> int:
    """What one worker did of it, until it is done."""
    steps, own = 0, Import.objects.get(pk=row.pk)
    while Import.objects.get(pk=row.pk).status in jobs.AT_WORK:
        steps += work.step(own, at=START)
    return steps


@pytest.mark.django_db(transaction=True)
def test_two_workers_write_every_line_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assemble()
    kind = kinds.KINDS["customers"]
    monkeypatch.setitem(kinds.KINDS, "customers", kinds.Kind(**{**vars(kind), "lines": 5}))
    text = "".join(f"K{n};Name {n};fr;0470 {n:06d};;;;;liege\n" for n in range(1, LINES + 1))
    row = checked(HEAD + text)
    assert jobs.start(row=row, leave_bad=False, by=SYSTEM, at=START)
    workers = [Thread(lambda: to_the_end(row)) for _ in range(2)]
    steps = [worker.answer(60) for worker in workers]
    row.refresh_from_db()
    assert counts(row) == (LINES, 0, 0, 0) and row.status == "done"
    assert Customer.objects.count() == GateChange.objects.count() == LINES
    assert ImportChange.objects.filter(of=row).count() == LINES
    assert sum(steps) == row.batches + 1, "no step was done twice"
    assert list(row.events.values_list("cause", flat=True)).count("done") == 1
