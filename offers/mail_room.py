"""The sweep of everything on paper: runs opened, closed, built, handed over, confirmed, doubted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from offers import bill_runs, print_files, returns

log = logging.getLogger("kept.mail_room")
Clock = Callable[[], datetime]


def work(*, clock: Clock) -> int:
    """One turn; returns how much was done, so that whoever asked knows to ask again.

    Each part stands alone: one that throws does not stop the others.
    """
    parts: tuple[Callable[[], int], ...] = (
        lambda: bill_runs.open_due(at=clock()),
        lambda: bill_runs.close_due(at=clock()),
        lambda: print_files.hand_over(at=clock()),
        lambda: returns.record_due(at=clock()),
        lambda: returns.doubt_due(at=clock()),
        lambda: print_files.build_due(clock=clock),
    )
    return sum(_done(part) for part in parts)


def _done(part: Callable[[], int]) -> int:
    try:
        return part()
    except Exception:
        log.exception("a part of the mail room broke")
        return 0
