"""A list of mixed spellings judged at once, beside psql's COPY and join, and one by one."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from bench import load, rig, seeds
from bench.report import TOO_WIDE, Series, keep, say, verdict
from config.postgresql import postgres_programs

TIMES, MEMORY = 3.0, 300.0  # at most so many times psql, and so many MB: the pass lines


@dataclass(frozen=True)
class Size:
    """How much is measured. A tenth of the customers is blocked."""

    customers: int
    rows: int
    sample: int
    rounds: int


SIZES = {"full": Size(10_000_000, 1_000_000, 10_000, 5), "smoke": Size(2_000, 1_000, 300, 1)}
# Whom something speaks against, by hand.
BLOCKED = """
SELECT customer_id, 1 AS place FROM crm_suppression WHERE lifted_at IS NULL
    AND (until_at IS NULL OR until_at > now())
UNION ALL SELECT customer_id, 2 FROM followups_promise WHERE status = 'open' OR status = 'kept'
    AND greatest(settled_at, readable_at + reading_hours * interval '1 hour') > now()
UNION ALL SELECT customer_id, 3 FROM crm_attempt WHERE direction = 'outbound'
    AND started_at > now() - interval '4 hours'
UNION ALL SELECT customer_id, 4 FROM followups_lease WHERE released_at IS NULL AND until_at > now()
"""
# The same question by hand, over numbers that somebody has normalised already.
BY_HAND = """
CREATE TEMPORARY TABLE given (n bigint, number text);
\\copy given FROM '{numbers}'
ANALYZE given;
\\copy (SELECT g.n, CASE WHEN min(b.place) IS NULL THEN 'allow' ELSE 'deny' END \
FROM given g LEFT JOIN crm_phonenumber p ON p.e164 = g.number LEFT JOIN ({blocked}) b \
ON b.customer_id = p.customer_id GROUP BY g.n ORDER BY g.n) TO '{answers}'
"""


def spelt(e164: str, dice: random.Random) -> str:
    """The number as lists have it: most are clean, some are national, few are odd."""
    rest = e164.removeprefix("+32")
    ways = (
        (45, e164),
        (20, f"0{rest[:3]}/{rest[3:5]}.{rest[5:7]}.{rest[7:]}"),
        (19, f"0{rest}"),
        (15, f"0032 {rest[:3]} {rest[3:]}"),
        (1, f"(+32) {rest}"),
    )
    return dice.choices([way for _, way in ways], [weight for weight, _ in ways])[0]


def write(folder: Path, size: Size) -> tuple[Path, Path]:
    """The list, and its numbers in E.164 for psql. One row in twenty is a stranger's; one in a
    hundred has no number."""
    dice = random.Random(11)
    mixed, clean = folder / "list.csv", folder / "numbers.tsv"
    with mixed.open("w", newline="") as rows, clean.open("w") as numbers:
        out = csv.writer(rows)
        out.writerow(["id", "name", "phone", "city"])
        for n in range(1, size.rows + 1):
            known = dice.random() < 0.95
            place = dice.randint(1, size.customers) % 10_000_000
            number = f"+324{'7' if known else '8'}{place:07d}"
            text = "unknown" if n % 100 == 0 else spelt(number, dice)
            if n % 100:
                numbers.write(f"{n}\t{number}\n")
            out.writerow([n, f"Somebody {n}", text, "Gent"])
    return mixed, clean


def by_hand(house: rig.Rig, numbers: Path, answers: Path) -> float:
    """Seconds that psql takes."""
    blocked = " ".join(BLOCKED.split())  # psql takes \copy on one line
    script = BY_HAND.format(numbers=numbers, answers=answers, blocked=blocked)
    program = str(postgres_programs() / "psql")
    began = time.perf_counter()
    subprocess.run(
        [program, "-XqAt", "-v", "ON_ERROR_STOP=1", house.database_url],
        input=script,
        text=True,
        check=True,
    )
    return time.perf_counter() - began


def scrubbed(house: rig.Rig, source: Path, target: Path) -> tuple[float, float]:
    """Seconds and megabytes that the whole command takes, Python's start included."""
    words = ["manage.py", "scrub", str(source), str(target), "--skip-checks"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words], cwd=rig.ROOT, env=house.env, stdout=subprocess.DEVNULL
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the scrub ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def equal(target: Path, answers: Path) -> None:
    """Row by row what psql found; and what holds no number is denied."""
    with target.open(newline="") as ours, answers.open() as theirs:
        # Side by side, since a child's memory is counted from what its parent had.
        found = map(str.split, theirs)
        place, decision = next(found)
        for row in csv.DictReader(ours):
            known = row["id"] == place
            if row["decision"] != (decision if known else "deny"):
                raise SystemExit(f"psql answers differently: {row}")
            if known:
                place, decision = next(found, ("", ""))
        if place:
            raise SystemExit(f"psql has answers that the list has not: {place}")


def one_by_one(house: rig.Rig, target: Path, size: Size) -> float:
    """The rate of the gate over the sample; every answer must be that of the list."""
    with target.open(newline="") as file:
        rows = random.Random(5).sample(list(csv.DictReader(file)), size.sample)
    with rig.kept(house) as server:
        line = load.Line(server.port)
        began = time.perf_counter()
        for row in rows:
            path = f"/api/v1/gate?reserve=0&number={quote(row['phone'], safe='')}"
            status, body = line.ask(load.get(server.port, path, rig.KEY))
            answer = json.loads(body)
            ends = answer["not_before"] or ""
            ours = (row["decision"], row["code"], row["not_before"])
            if status != 200 or (answer["decision"], answer["code"], ends) != ours:
                raise SystemExit(f"the gate answers {answer} about {row}")
        return size.sample / (time.perf_counter() - began)


def measure(profile: str, size: Size) -> bool:
    say(
        f"scrub: {size.rows:,} rows against {size.customers:,} customers, a tenth blocked,"
        f" {size.rounds} times each"
    )
    theirs: list[float] = []
    ours: list[float] = []
    memory: list[float] = []
    with rig.house() as house, tempfile.TemporaryDirectory(prefix="kept-scrub-") as name:
        folder = Path(name)
        seeds.crowd(house, size.customers)
        mixed, clean = write(folder, size)
        target, answers = folder / "out.csv", folder / "answers.tsv"
        for _ in range(size.rounds):
            theirs.append(by_hand(house, clean, answers))
            seconds, megabytes = scrubbed(house, mixed, target)
            ours.append(seconds)
            memory.append(megabytes)
            equal(target, answers)
        rate = one_by_one(house, target, size)
    return _told(profile, size, theirs, ours, memory, rate)


def _told(
    profile: str,
    size: Size,
    theirs: list[float],
    ours: list[float],
    memory: list[float],
    rate: float,
) -> bool:
    series = [
        Series("psql: COPY, join, COPY of clean numbers", "s", tuple(theirs)),
        Series("manage.py scrub, the whole command", "s", tuple(ours)),
        Series("  its memory", "MB", tuple(memory)),
        Series("the gate one by one, from one connection", "/s", (rate,)),
    ]
    for one in series:
        say(str(one))
    times = series[1].median / series[0].median
    alone = size.rows / rate / series[1].median
    say(f"  scrub / psql: {times:.2f}; one by one would take {alone:.0f} times as long")
    say(f"  {size.sample:,} sampled answers are those of the gate, all others those of psql")
    keep("scrub", profile, series, {"times_psql": times, "rows": size.rows})
    if profile == "smoke":
        return True
    quiet = series[0].spread <= TOO_WIDE
    fast = verdict("times psql", times, TIMES, least=False, trusted=quiet)
    small = verdict("megabytes", max(memory), MEMORY, least=False, trusted=True)
    return fast and small


def run(profile: str) -> bool:
    return measure(profile, SIZES[profile])
