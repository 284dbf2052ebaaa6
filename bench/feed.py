"""The feed: every number once, then every change; beside psql's COPY of the same answer.

Before any time is taken a writer is held open while the feed is read to its end: what it commits
afterwards, under a lower transaction than all that was there before, must still come.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from bench import load, rig, seeds
from bench.report import TOO_WIDE, Series, keep, say
from bench.scrub import BLOCKED
from config.postgresql import postgres_programs

PAGE = 10_000
# How many customers, changes and rounds.
SIZES = {"full": (200_000, 100_000, 5), "smoke": (2_000, 500, 1)}
WHILE_HELD = 300
CHANGE = """
INSERT INTO crm_gatechange (customer_id, cause, at)
SELECT i, 'bench', now() FROM generate_series({first}, {last}) i
"""
# The same by hand, all of it in one statement: every blocked number; each changed one's state.
EXPORT = f"""
SELECT p.e164 FROM crm_phonenumber p WHERE EXISTS (
    SELECT FROM ({BLOCKED}) b WHERE b.customer_id = p.customer_id)
"""  # noqa: S608  our own words
CHANGES = f"""
SELECT DISTINCT p.e164, b.customer_id IS NOT NULL FROM crm_gatechange g
JOIN crm_phonenumber p ON p.customer_id = g.customer_id
LEFT JOIN ({BLOCKED}) b ON b.customer_id = g.customer_id
"""  # noqa: S608


@dataclass(frozen=True)
class Read:
    """What one reading to the end brought: each number's last state, and how long it took."""

    states: dict[str, str]
    next: str
    seconds: float
    pages: int

    @property
    def blocked(self) -> set[str]:
        return {number for number, state in self.states.items() if state == "blocked"}


def to_the_end(port: int, since: str = "") -> Read:
    """Page by page until there is no more."""
    line, states, pages, more = load.Line(port), {}, 0, True
    began = time.perf_counter()
    while more:
        path = f"/api/v1/suppressions?limit={PAGE}&since={since}"
        status, body = line.ask(load.get(port, path, rig.KEY))
        if status != 200:
            raise SystemExit(f"the feed answered {status}: {body!r}")
        page = json.loads(body)
        states |= {item["number"]: item["state"] for item in page["items"]}
        since, more, pages = page["next"], page["more"], pages + 1
    return Read(states, since, time.perf_counter() - began, pages)


def by_hand(house: rig.Rig, query: str) -> tuple[float, list[str]]:
    """Seconds that psql takes for one COPY, and its lines."""
    program = str(postgres_programs() / "psql")
    text = " ".join(query.split())
    began = time.perf_counter()
    done = subprocess.run(
        [program, "-XqAt", "-v", "ON_ERROR_STOP=1", house.database_url],
        input=f"\\copy ({text}) TO STDOUT\n",
        text=True,
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - began, done.stdout.splitlines()


def numbers_of(house: rig.Rig, first: int, last: int) -> set[str]:
    with house.connect() as connection:
        rows = connection.execute(
            "SELECT e164 FROM crm_phonenumber WHERE customer_id BETWEEN %s AND %s", [first, last]
        )
        return {row[0] for row in rows}


def nothing_is_missed(house: rig.Rig, port: int) -> None:
    """A writer that began first and commits last. Ends the bench when a change does not come."""
    since = to_the_end(port).next
    told: set[str] = set()
    with psycopg.connect(house.database_url) as held:
        held.execute(CHANGE.format(first=1, last=1))
        with house.connect() as others:
            others.execute(CHANGE.format(first=2, last=WHILE_HELD))
        for _ in range(3):
            read = to_the_end(port, since)
            since, told = read.next, told | {*read.states}
        early = len(told)
        held.commit()
    told |= {*to_the_end(port, since).states}
    missed = numbers_of(house, 1, WHILE_HELD) - told
    say(
        f"  a writer held open: {early} of {WHILE_HELD} changes told while it was, all but"
        f" {len(missed)} after it had committed"
    )
    if missed:
        raise SystemExit(f"the feed has missed {len(missed)} changes")


def equal(house: rig.Rig, port: int, since: str) -> None:
    """Number by number what psql finds."""
    _seconds, lines = by_hand(house, EXPORT)
    if to_the_end(port).blocked != {*lines}:
        raise SystemExit("psql finds other numbers blocked than the feed tells")
    _seconds, lines = by_hand(house, CHANGES)
    wanted = {number: state == "t" for number, state in map(str.split, lines)}
    found = {number: state == "blocked" for number, state in to_the_end(port, since).states.items()}
    if found != wanted:
        raise SystemExit("psql finds other changes than the feed tells")


def rounds(house: rig.Rig, changes: int, times: int) -> Iterator[tuple[float, Read, float, Read]]:
    """psql and the feed by turns: the whole export, then the changes since a cursor."""
    with rig.kept(house) as server:
        nothing_is_missed(house, server.port)
        since = to_the_end(server.port).next
        with house.connect() as connection:
            connection.execute(CHANGE.format(first=1, last=changes))
            connection.execute("ANALYZE crm_gatechange")
        equal(house, server.port, since)
        for _ in range(times):
            export, _lines = by_hand(house, EXPORT)
            whole = to_the_end(server.port)
            copied, _lines = by_hand(house, CHANGES)
            yield export, whole, copied, to_the_end(server.port, since)


def run(profile: str) -> bool:
    people, changes, times = SIZES[profile]
    say(
        f"feed: {people:,} customers, a tenth blocked, {changes:,} changes, pages of {PAGE:,} over"
        f" HTTP from one connection, {times} times"
    )
    with rig.house() as house:
        seeds.crowd(house, people)
        measured = [*rounds(house, changes, times)]
    series = [
        Series("psql: COPY of every blocked number", "s", tuple(m[0] for m in measured)),
        Series("the feed: the whole export", "s", tuple(m[1].seconds for m in measured)),
        Series("  numbers looked at", "/s", tuple(people / m[1].seconds for m in measured)),
        Series("psql: COPY of each changed number", "s", tuple(m[2] for m in measured)),
        Series("the feed: all changes since a cursor", "s", tuple(m[3].seconds for m in measured)),
        Series("  changes served", "/s", tuple(changes / m[3].seconds for m in measured)),
    ]
    for one in series:
        say(str(one))
    export, told = (series[n].median / series[n - 1].median for n in (1, 4))
    noisy = max(series[0].spread, series[3].spread) > TOO_WIDE
    restless = "; psql itself spread over 30 %" if noisy else ""
    say(f"  feed / psql: export {export:.1f}, changes {told:.1f}{restless}")
    extra = {"people": people, "changes": changes, "export_times": export, "changes_times": told}
    keep("feed", profile, series, extra)
    return True
