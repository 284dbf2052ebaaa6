"""docs/runbooks.md: there is a row for everything that can complain, and none for what cannot."""

from __future__ import annotations

import re

import pytest

from config.timetable import SWEEPS
from followups import dead_letters, notices, watch_words, watchdog
from tests.cast import START
from tests.sources import ROOT

PAGE = ROOT / "docs" / "runbooks.md"
CODE = re.compile(r"`([a-z_]+)`")


def rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading: its codes, each with its cells."""
    text = PAGE.read_text(encoding="utf-8")
    part = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("|").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    return {code: cells for cells in lines for code in CODE.findall(cells[0])}


def test_every_sweep_has_its_row() -> None:
    assert list(rows("A sweep stands still")) == [sweep.name for sweep in SWEEPS]


def test_every_finding_has_its_row() -> None:
    assert list(rows("What the watchdog finds")) == list(watch_words.FINDINGS)


def test_every_kind_of_dead_letter_has_its_row() -> None:
    assert list(rows("Dead letters")) == [str(kind) for kind in dead_letters.KINDS]


@pytest.mark.django_db
def test_every_word_of_readiness_has_its_row() -> None:
    assert list(rows("`/health/ready`, and the red banner")) == list(watchdog.ready(at=START))


def test_every_alarm_by_mail_is_one() -> None:
    assert rows("Alarms that come by mail").keys() <= notices.AT_ONCE.keys()


@pytest.mark.parametrize("heading", ["What the watchdog finds", "Dead letters"])
def test_each_says_what_it_is_what_to_look_at_and_what_to_do(heading: str) -> None:
    found = rows(heading)
    assert found and all(len([c for c in cells if c.strip()]) == 4 for cells in found.values())
