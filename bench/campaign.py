"""A real campaign against each preset: how much of it would the gate have refused?

41,188 people and the 105,754 calls that a bank made to them (Moro, Cortez, Rita: A data-driven
approach to predict the success of bank telemarketing, 2014; UCI, CC BY 4.0). The file tells how
often each was called and whether the last call sold; the rest is assumed, and said.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import rig
from bench.report import keep, say

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data" / "bank_campaign.csv"
FILE = Path(os.environ.get("CAMPAIGN_CALLS") or BESIDE)
FIRST, DAYS = "2026-09-01", 30
# One person in so many, unless everybody is asked for.
SAMPLE = {"full": 10, "smoke": 400}
# Its modules need Django's settings before they can be read.
START = "import django; django.setup(); from bench import replay; replay.main()"
Row = tuple[int, bool]  # how often somebody was called; whether it sold


@dataclass(frozen=True)
class Wanted:
    """Whom, and under which assumptions."""

    everybody: bool = False
    round_the_clock: bool = False
    all_answered: bool = False
    seed: int = 11


def read(path: Path) -> list[Row]:
    """Everybody in the file: calls made in the campaign, and whether they bought."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter=";")
        return [(int(row["campaign"]), row["y"] in {"1", "yes"}) for row in rows]


def sampled(people: list[Row], one_in: int, seed: int) -> list[Row]:
    """Some of them by the seed, and always whoever was called most often."""
    if one_in == 1:
        return people
    chosen = random.Random(seed).sample(people, len(people) // one_in - 1)
    return [max(people), *chosen]


def replayed(people: list[Row], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The outcome of each preset, as it comes."""
    given = {
        "people": people,
        "seed": wanted.seed,
        "first": FIRST,
        "days": DAYS,
        "round_the_clock": wanted.round_the_clock,
        "all_answered": wanted.all_answered,
    }
    with rig.house() as house:
        process = subprocess.Popen(
            [sys.executable, "-c", START],
            cwd=rig.ROOT,
            env=house.env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        with process:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps(given))
            process.stdin.close()
            yield from map(json.loads, process.stdout)
        if process.returncode:
            raise SystemExit(f"the replay ended with {process.returncode}")


def table(outcome: dict[str, Any]) -> Iterator[str]:
    """One policy: how many calls and sales would have been refused, and why."""
    yield _shares(outcome["policy"], outcome["refused"], outcome["calls"], "calls")
    yield _shares("", outcome["beyond"], outcome["sales"], "sales")
    if outcome["differs"]:
        yield f"  WRONG: a count by hand differs on {outcome['differs']:,} calls"


def _shares(name: str, found: dict[str, int], of: int, what: str) -> str:
    refused = sum(found.values())
    codes = ", ".join(
        f"{code} {n:,}" for code, n in sorted(found.items(), key=lambda kv: -kv[1]) if n
    )
    share = f"{refused / of:.1%}" if of else "-"
    return f"  {name:<20} {refused:>8,} of {of:>8,} {what} refused ({share:>6}) {codes}".rstrip()


def _assumed(wanted: Wanted) -> str:
    when = "round the clock" if wanted.round_the_clock else "within the hours of each preset"
    spoken = "every call is answered" if wanted.all_answered else "only a last call is answered"
    return (
        f"  assumed: calls spread evenly over {DAYS} days from {FIRST}, {when} (none: round the"
        f" clock); a sale is the last call; {spoken}; people live where the preset's country is;"
        " national lists are fresh and name nobody; nobody has given a consent"
    )


def run(profile: str, wanted: Wanted | None = None) -> bool:
    """Prints preset by preset; true when a count by hand agrees on every call."""
    if not FILE.is_file():
        say(f"campaign: no calls at {FILE} (CAMPAIGN_CALLS names the file); nothing measured")
        return True
    wanted = wanted or Wanted()
    everybody = read(FILE)
    people = sampled(everybody, 1 if wanted.everybody else SAMPLE[profile], wanted.seed)
    say(
        f"campaign: {len(people):,} of {len(everybody):,} people ({_choice(wanted)}), who were"
        f" called {sum(calls for calls, _sale in people):,} times, one of them"
        f" {max(people)[0]} times; {sum(sale for _calls, sale in people):,} bought"
    )
    say(_assumed(wanted))
    began, found = time.perf_counter(), []
    for outcome in replayed(people, wanted):
        found.append(outcome)
        for line in table(outcome):
            say(line)
    asked = sum(outcome["calls"] for outcome in found)
    seconds = time.perf_counter() - began
    say(f"  {asked:,} questions to the gate in {seconds:.0f} s, servers and people included")
    keep("campaign", profile, [], {"people": len(people), "outcomes": found})
    return bool(found) and not any(outcome["differs"] for outcome in found)


def _choice(wanted: Wanted) -> str:
    return "everybody" if wanted.everybody else f"a sample by seed {wanted.seed}; --full asks all"
