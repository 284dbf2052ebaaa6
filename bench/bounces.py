"""How far the reading of bounces agrees with labelled real ones: hardness, and final or not.

The samples are read by the general rules of offers/reports.py; nothing there knows them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import say
from offers import reports

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data" / "bounces"
FOLDER = Path(os.environ.get("BOUNCE_SAMPLES") or BESIDE)
AIM = 0.95
# Labels of mails that report no failure at all.
NO_FAILURE = {"feedback", "vacation", "delivered"}


@dataclass(frozen=True)
class Verdict:
    """One labelled result beside what was found for it."""

    expected: tuple[str, bool, bool]  # status, hard, final
    found: tuple[str, bool, bool] | None

    @property
    def hardness(self) -> bool:
        return self.found is not None and self.found[1] == self.expected[1]

    @property
    def final(self) -> bool:
        return self.found is not None and self.found[2] == self.expected[2]


def judge(raw: bytes, labels: list[dict[str, Any]]) -> list[Verdict]:
    """Pairs each label with the nearest finding that no other label has. Recipients stand in no
    label, so that the pairing that agrees most is taken."""
    left = [(r.status, r.hard, r.kind == "failed") for r in reports.read(raw)]
    verdicts = []
    for label in labels:
        expected = (label["status"], label["hard"], label["reason"] not in NO_FAILURE)
        best = max(left, key=lambda found: _likeness(found, expected), default=None)
        if best:
            left.remove(best)
        verdicts.append(Verdict(expected, best))
    return verdicts


def _likeness(found: tuple[str, bool, bool], expected: tuple[str, bool, bool]) -> tuple[bool, ...]:
    return tuple(
        a == b for a, b in zip(found[1:] + found[:1], expected[1:] + expected[:1], strict=True)
    )


def measure(folder: Path) -> dict[str, list[Verdict]]:
    """Every labelled file of a folder, by its name."""
    labelled = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return {
        entry["file"]: judge((folder / entry["file"]).read_bytes(), entry["expected"])
        for entry in labelled
    }


def run(profile: str) -> bool:
    """Prints file by file; true when both agreements reach the aim."""
    if not (FOLDER / "expected.json").is_file():
        say(f"bounces: no samples at {FOLDER} (BOUNCE_SAMPLES names the folder); nothing measured")
        return True
    found = measure(FOLDER)
    for name, verdicts in found.items():
        say(f"  {name}")
        for verdict in verdicts:
            say(f"    {_line(verdict)}")
    verdicts = [verdict for several in found.values() for verdict in several]
    good = [
        _share("hardness", [v.hardness for v in verdicts]),
        _share("final failure or not", [v.final for v in verdicts]),
    ]
    whole = sum(all(v.hardness and v.final for v in several) for several in found.values())
    say(
        f"  files right in everything: {whole} of {len(found)}; status found in"
        f" {sum(bool(v.found and v.found[0]) for v in verdicts)} of {len(verdicts)} results"
    )
    return all(good)


def _line(verdict: Verdict) -> str:
    status, hard, final = verdict.found or ("nothing", None, None)
    wrong = [
        word
        for word, right in (("hardness", verdict.hardness), ("final", verdict.final))
        if not right
    ]
    return (
        f"{status or '-':<9} {_words(hard, final):<22} expected {verdict.expected[0] or '-':<9}"
        f" {_words(*verdict.expected[1:]):<22} {'DIFFERS: ' + ', '.join(wrong) if wrong else ''}"
    )


def _words(hard: bool | None, final: bool | None) -> str:
    return f"{'hard' if hard else 'soft'}, {'final' if final else 'no failure'}"


def _share(what: str, right: list[bool]) -> bool:
    share = sum(right) / len(right)
    sign = "reached" if share >= AIM else "NOT reached"
    counted = f"{sum(right)} of {len(right)} results, {share:.1%}"
    say(f"bounces: {what} agrees in {counted} (aim {AIM:.0%}, {sign})")
    return share >= AIM
