"""How many different offers a process sets as PDF in a second, and what it needs for it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import django
from django.conf import settings

from bench.report import Series, keep, say, verdict
from offers import content
from offers.comparison import Line, Terms, compare
from offers.proofreading import proofread
from offers.rendering import render_html, render_many
from offers.sheet import Content
from offers.wording import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
# The peer lives in a virtual environment of its own: python -m venv, pip install weasyprint.
PEER = Path(os.environ.get("WEASYPRINT_PYTHON", ROOT / "var" / "weasyprint" / "bin" / "python"))
ONE, TWO, MEMORY = 100.0, 180.0, 200.0  # documents/s, documents/s, MB: the pass lines
SIZES = {"full": (400, 5, 10), "smoke": (12, 1, 2)}  # documents, times, documents of the peer
WARM_UP = 20

FIRST = date(2026, 3, 2)
EXTRAS = (
    "Television",
    "Fixed phone",
    "Second mobile",
    "Decoder",
    "Wifi repeater",
    "Antivirus",
    "Sports",
)


def contents(count: int, seed: int = 7, language: str = "") -> Iterator[Content]:
    """So many offers, no two with the same figures, in four languages by turns."""
    chance = Random(seed)
    for place in range(count):
        yield _content(place, chance, language or LANGUAGES[place % len(LANGUAGES)])


def _content(place: int, chance: Random, language: str) -> Content:
    on = FIRST + timedelta(days=place % 250)
    today, proposed = _terms(chance, on, fresh=False), _terms(chance, on, fresh=True)
    return content.build(
        today=today,
        proposed=proposed,
        comparison=compare(today, proposed, on),
        language=language,
        company="Exemple Télécom SA, rue du Pont 1, 4000 Liège",
        contact="0800 12 345",
        reference=f"O-{place:06d}",
        version=1 + place % 3,
        issued=on,
        valid_days=30,
    )


def _terms(chance: Random, on: date, *, fresh: bool) -> Terms:
    down = chance.choice((100, 150, 250, 500, 1000))
    promoted = fresh and chance.random() < 0.7
    internet = Line(
        f"Fibre {down}",
        _price(chance, 30, 60),
        promo_monthly=_price(chance, 15, 30) if promoted else None,
        promo_until=on + timedelta(days=chance.randrange(90, 500)) if promoted else None,
        one_off=_price(chance, 0, 60) if fresh else Decimal(0),
        speed_down_mbps=down,
        speed_up_mbps=down // 5,
    )
    mobile = Line("Mobile", _price(chance, 8, 30), volume=f"{chance.randrange(5, 90)} GB")
    more = (Line(label, _price(chance, 2, 15)) for label in chance.sample(EXTRAS, 2))
    return Terms(
        f"{chance.choice(('Tempo', 'Flex', 'Home', 'Duo', 'Trio'))} {down}",
        (internet, mobile, *more),
        on + timedelta(days=chance.randrange(30, 700)),
        _price(chance, 40, 150),
    )


def _price(chance: Random, least: int, most: int) -> Decimal:
    return Decimal(chance.randrange(least * 100, most * 100)) / 100


# --- a process that sets documents ----------------------------------------------------------------


def press(count: int, seed: int) -> None:
    """Warms up, waits for a line on standard input, works, tells what it took."""
    for _pdf in render_many(contents(WARM_UP, seed=seed + 1)):
        pass
    say("ready")
    sys.stdin.readline()
    begun, cpu = time.perf_counter(), time.process_time()
    digest, size, made = hashlib.sha256(), 0, 0
    for pdf in render_many(contents(count, seed=seed)):
        digest.update(pdf)
        size, made = size + len(pdf), made + 1
    told = {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "made": made,
        "bytes": size,
        "sha256": digest.hexdigest(),
    }
    say(json.dumps(told))


@dataclass(frozen=True)
class Run:
    """What so many processes did side by side."""

    rate: float
    cpu: float  # ms for a document
    peak: float  # MB of the largest
    bytes: float  # of a document
    digests: tuple[str, ...]


def together(processes: int, count: int) -> Run:
    """Each process sets `count` documents of its own; nobody begins before all are warm."""
    command = [sys.executable, "-m", "bench.documents", str(count)]
    with contextlib.ExitStack() as stack:
        members = [
            stack.enter_context(
                subprocess.Popen(
                    [*command, str(seed)],
                    cwd=ROOT,
                    text=True,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                )
            )
            for seed in range(1, processes + 1)
        ]
        for member in members:
            if _line(member) != "ready":
                raise SystemExit("a process did not start")
        begun = time.perf_counter()
        for member in members:
            assert member.stdin
            member.stdin.write("go\n")
            member.stdin.flush()
        told = [json.loads(_line(member)) for member in members]
        took = time.perf_counter() - begun
    made = sum(one["made"] for one in told)
    return Run(
        rate=made / took,
        cpu=sum(one["cpu"] for one in told) / made * 1000,
        peak=max(one["peak"] for one in told),
        bytes=sum(one["bytes"] for one in told) / made,
        digests=tuple(one["sha256"] for one in told),
    )


def _line(member: subprocess.Popen[str]) -> str:
    assert member.stdout
    return member.stdout.readline().strip()


# --- the peer ---------------------------------------------------------------------------------


def peer(count: int) -> float | None:
    """Documents a second of WeasyPrint on the same words as a web page; None when it is absent."""
    if not PEER.exists():
        return None
    pages = json.dumps([render_html(one) for one in contents(count + 2)])
    done = subprocess.run(
        [str(PEER), str(ROOT / "bench" / "weasy.py")],
        input=pages,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"WeasyPrint failed: {done.stderr[-300:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return float(told["rate"])


def _templates() -> None:
    """The peer's pages come from the project's templates; nothing else of it is needed."""
    if not settings.configured:
        engine = "django.template.backends.django.DjangoTemplates"
        settings.configure(TEMPLATES=[{"BACKEND": engine, "DIRS": [ROOT / "templates"]}])
        django.setup()


# --- all of it ---------------------------------------------------------------------------------


def agreed() -> bool:
    """Right before fast: the checker finds nothing, no two documents are alike, and two
    processes give the same bytes."""
    made = list(render_many(contents(2 * len(LANGUAGES))))
    faults = [finding for pdf in made for finding in proofread(pdf)]
    if faults or len(set(made)) != len(made):
        say(f"  wrong: {faults or 'two different offers gave the same document'}")
        return False
    return together(1, 5).digests == together(1, 5).digests


def run(profile: str) -> bool:
    count, times, peer_count = SIZES[profile]
    say(f"documents: {count} different offers in four languages a process, {times} times")
    _templates()
    if not agreed():
        return False
    say("  the checker finds nothing; two processes agree on every byte")
    ones, twos, peers = [], [], []
    for _ in range(times):
        ones.append(together(1, count))
        twos.append(together(2, count))
        peers.append(peer(peer_count))
    series = [
        Series("one process", "/s", tuple(run.rate for run in ones)),
        Series("two processes", "/s", tuple(run.rate for run in twos)),
        Series("processor time for a document", "ms", tuple(run.cpu for run in ones)),
        Series("largest process", "MB", tuple(run.peak for run in (*ones, *twos))),
        Series("a document", "kB", tuple(run.bytes / 1000 for run in ones)),
    ]
    measured = tuple(rate for rate in peers if rate is not None)
    if measured:
        series.append(Series("WeasyPrint, one process", "/s", measured))
    for one in series:
        say(str(one))
    if measured:
        say(f"  {series[0].median / series[-1].median:.1f} times WeasyPrint")
    else:
        say("  WeasyPrint: not installed")
    keep("documents", profile, series, {"documents": count, "peer": bool(measured)})
    return profile == "smoke" or _judged(series)


def _judged(series: list[Series]) -> bool:
    good = verdict("one process, /s", series[0].median, ONE, least=True, trusted=True)
    good = verdict("two processes, /s", series[1].median, TWO, least=True, trusted=True) and good
    most = max(series[3].values)
    return verdict("largest process, MB", most, MEMORY, least=False, trusted=True) and good


if __name__ == "__main__":
    press(int(sys.argv[1]), int(sys.argv[2]))
