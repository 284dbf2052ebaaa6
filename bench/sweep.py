"""The escalate sweep: a morning after an outage, and the many turns that find nothing due."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from bench import rig, seeds
from bench.report import TOO_WIDE, Series, keep, say, verdict

RATE = 20_000.0  # promises a second: the pass line
IDLE_MS, GROWTH = 5.0, 2.0  # a turn that finds nothing; and what forty times more rows may cost it
PEER_TIMES = 60.0  # how many times the rate of the peer
# The peer lives in a virtual environment of its own: python -m venv, pip install django-helpdesk.
PEER = Path(os.environ.get("HELPDESK_PYTHON", rig.ROOT / "var" / "helpdesk" / "bin" / "python"))
START = "import django; django.setup(); from bench import climber; climber.main()"
AGENTS, LEADS = 200, 10
PEOPLE = """
INSERT INTO crm_user (id, username, password, role, team_id, supervisor_id, language, external_id,
    is_superuser, is_staff, is_active, first_name, last_name, email, date_joined)
SELECT i, 'lead-' || i, '!', 'supervisor', 1, NULL::bigint, 'fr', 'lead-' || i, false, false,
    true, 'Generated', 'Lead', 'lead' || i || '@bench.example', now()
FROM generate_series(2, {leads} + 1) i
UNION ALL
SELECT i, 'agent-' || i, '!', 'agent', 1, 2 + i % {leads}, 'fr', 'agent-' || i, false, false, true,
    'Generated', 'Agent', 'agent' || i || '@bench.example', now()
FROM generate_series(100, 99 + {agents}) i
"""
# The same people are promised more: what costs is the number of open promises.
MORE = """
INSERT INTO followups_promise ({columns}, id, reference)
SELECT {columns}, id + {by}, 'B' || lpad((id + {by})::text, 7, '0')
FROM followups_promise WHERE id BETWEEN 1 AND {many};
INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause, data)
SELECT id, '', 'open', now() - interval '1 day', 'system', 'made', '{{}}'
FROM followups_promise WHERE id > {by} AND id <= {by} + {many};
"""
# A night's worth: due soon, due now, or four hours late; the rung above is a day away.
DUE = """
UPDATE followups_promise SET owner_id = 100 + id % {agents}, rung = id % 3,
    due_at = now() + CASE id % 3 WHEN 0 THEN interval '1 hour' ELSE interval '0' END,
    rungs = array_fill(now() - interval '1 minute', ARRAY[(id % 3 + 1)::int])
        || array_fill(now() + interval '1 day', ARRAY[(4 - id % 3)::int]),
    next_rung_at = now() - interval '1 minute'
WHERE id > {first} AND id <= {last}
"""
# What has to be written for each of them, by hand and without a single look at who is told: no
# program that keeps the same rows can be faster on this server.
LIMIT = """
WITH due AS (SELECT id, owner_id, rung, cycle, track FROM followups_promise
    WHERE status = 'open' AND next_rung_at <= now() FOR UPDATE),
wrote AS (INSERT INTO followups_escalation (promise_id, cycle, track, rung, role, due_at, at, by)
    SELECT id, cycle, track, rung, 'owner', now(), now(), 'bench' FROM due
    RETURNING id, promise_id),
told AS (INSERT INTO followups_notice (user_id, kind, promise_id, escalation_id, data, at, status,
    tries, next_try_at) SELECT d.owner_id, 'lateness_owner', d.id, w.id, '{{}}', now(), 'queued', 0,
    now() FROM due d JOIN wrote w ON w.promise_id = d.id),
noted AS (INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause,
    data) SELECT id, 'open', 'open', now(), 'bench', 'rung_owner',
    '{{"rung": 0, "told": 1}}' FROM due)
UPDATE followups_promise p SET rung = p.rung + 1, next_rung_at = p.rungs[p.rung + 2], failures = 0
FROM due d WHERE p.id = d.id
"""

COUNTS = """
SELECT (SELECT count(*) FROM followups_escalation), (SELECT count(*) FROM followups_notice)
"""


@dataclass(frozen=True)
class Size:
    """How many promises are open, few and many of them, and how many come due at once."""

    few: int
    open: int
    many: int
    due: int
    rounds: int
    tickets: int  # of the peer, which takes them one by one: so many are enough to tell its rate


SIZES = {
    "full": Size(few=100_000, open=1_000_000, many=4_000_000, due=100_000, rounds=3, tickets=5_000),
    "smoke": Size(few=500, open=2_000, many=4_000, due=300, rounds=1, tickets=300),
}


class Climber:
    """A process of ours that climbs, and tells what it did."""

    start = START

    def __init__(self, house: rig.Rig) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.start],
            cwd=rig.ROOT,
            env=house.env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.hear()

    def say(self, word: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the sweeper died")
        return dict(json.loads(line))

    def do(self, word: str) -> dict[str, Any]:
        self.say(word)
        return self.hear()


@contextmanager
def climbers(house: rig.Rig, number: int) -> Iterator[list[Climber]]:
    found = [Climber(house) for _ in range(number)]
    try:
        yield found
    finally:
        for one in found:
            one.process.stdin.close()  # type: ignore[union-attr]
            one.process.wait(30)


def run(profile: str) -> bool:
    size = SIZES[profile]
    say(
        f"sweep: {size.due:,} due among {size.open:,} open promises of {AGENTS} agents,"
        f" {size.rounds} times; then nothing due among {size.few:,} and {size.many:,}"
    )
    with rig.house() as house:
        seeds.fill(house, people=size.few, promises=size.few)
        with house.connect() as connection:
            connection.execute(_filled(PEOPLE, agents=AGENTS, leads=LEADS))
        idle = {size.few: _idle(house)}
        _extend(house, size.few, size.few, size.open)
        series = _rounds(house, size)
        _extend(house, size.few, size.open, size.many)
        idle[size.many] = _idle(house)
        rate = peer(house, size.tickets)
        if rate is not None:
            series["peer"] = Series("django-helpdesk: escalate_tickets", "/s", (rate,))
    return _judge(profile, size, series, idle)


def _filled(statement: str, **values: int) -> sql.Composed:
    return sql.SQL(statement).format(**{name: sql.Literal(v) for name, v in values.items()})


def _extend(house: rig.Rig, few: int, have: int, want: int) -> None:
    """More open promises, by as many copies of the first ones as it takes."""
    with house.connect() as connection:
        connection.execute(seeds.UNCHECKED)
        found = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'followups_promise'::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('id', 'reference')"
        ).fetchall()
        columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in found)
        for by in range(have, want, few):
            values = {"by": sql.Literal(by), "many": sql.Literal(min(few, want - by))}
            for statement in MORE.split(";\n"):
                if statement.strip():
                    connection.execute(sql.SQL(statement).format(columns=columns, **values))
        connection.execute("VACUUM ANALYZE")


def _idle(house: rig.Rig) -> Series:
    with climbers(house, 1) as (sweeper,):
        sweeper.do("look")
        return Series("a turn that finds nothing", "ms", tuple(sweeper.do("look")["milliseconds"]))


def _due(house: rig.Rig, size: Size, place: int) -> None:
    """The next stretch of promises comes due; each stretch is used once."""
    first = size.few + place * size.due
    with house.connect() as connection:
        connection.execute(
            _filled(DUE, agents=AGENTS, first=first, last=min(first + size.due, size.open))
        )
        connection.execute("VACUUM ANALYZE followups_promise")
        connection.execute("CHECKPOINT")


def _rounds(house: rig.Rig, size: Size) -> dict[str, Series]:
    """One sweeper, two at once, and the hand-written statement, in turn."""
    rates: dict[str, list[float]] = {"one": [], "two": [], "limit": []}
    stretches = iter(range((size.open - size.few) // size.due))
    for _ in range(min(size.rounds, (size.open - size.few) // size.due // 3)):
        for name, number in (("one", 1), ("two", 2)):
            _due(house, size, next(stretches))
            rates[name].append(_climbed(house, size, number))
        _due(house, size, next(stretches))
        rates["limit"].append(_limit(house, size))
    return {
        "one": Series("climbed by one sweeper", "/s", tuple(rates["one"])),
        "two": Series("climbed by two sweepers at once", "/s", tuple(rates["two"])),
        "limit": Series("psql: the same rows by one statement", "/s", tuple(rates["limit"])),
    }


def _climbed(house: rig.Rig, size: Size, number: int) -> float:
    """Promises a second; every one of them exactly once, with its notice, or the bench ends."""
    with house.connect() as connection, climbers(house, number) as sweepers:
        before = connection.execute(COUNTS).fetchone()
        for sweeper in sweepers:
            sweeper.say("climb")
        done = [sweeper.hear() for sweeper in sweepers]
        after = connection.execute(COUNTS).fetchone()
    assert before and after
    wrote = [new - old for old, new in zip(before, after, strict=True)]
    if sum(one["climbed"] for one in done) != size.due or wrote != [size.due, size.due]:
        raise SystemExit(f"{done} climbed, {wrote} escalations and notices, of {size.due}")
    return size.due / max(one["seconds"] for one in done)


def _limit(house: rig.Rig, size: Size) -> float:
    with house.connect() as connection:
        begun = connection.execute("SELECT clock_timestamp()").fetchone()
        connection.execute(LIMIT.replace("{{", "{").replace("}}", "}").encode())
        ended = connection.execute("SELECT clock_timestamp()").fetchone()
    assert begun and ended
    return float(size.due / (ended[0] - begun[0]).total_seconds())


def peer(house: rig.Rig, count: int) -> float | None:
    """Tickets a second of django-helpdesk; None when it is absent."""
    if not PEER.exists():
        return None
    with house.connect() as connection:
        connection.execute("CREATE DATABASE helpdesk")
    address = house.database_url.replace("/kept?", "/helpdesk?")
    done = subprocess.run(
        [str(PEER), str(rig.ROOT / "bench" / "tickets.py"), address, str(count)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"django-helpdesk failed: {done.stderr[-500:]}")
    return float(json.loads(done.stdout)["rate"])


def _judge(profile: str, size: Size, series: dict[str, Series], idle: dict[int, Series]) -> bool:
    for one in series.values():
        say(str(one))
    few, many = (statistics.median(idle[count].values) for count in (size.few, size.many))
    say(f"a turn that finds nothing among {size.few:,} open     {few:.2f} ms")
    say(f"a turn that finds nothing among {size.many:,} open   {many:.2f} ms")
    say(f"  sweeper / psql: {series['one'].median / series['limit'].median:.2f}")
    extra = {"idle_few_ms": few, "idle_many_ms": many, "due": size.due, "open": size.open}
    times = series["two"].median / series["peer"].median if "peer" in series else None
    say(f"  {times:.0f} times django-helpdesk" if times else "  django-helpdesk: not installed")
    keep("sweep", profile, list(series.values()), extra)
    if profile == "smoke":
        return True
    trusted = series["limit"].spread <= TOO_WIDE
    best = max(series["one"].median, series["two"].median)
    return all(
        [
            verdict("promises climbed a second", best, RATE, least=True, trusted=trusted),
            verdict("a turn with nothing due, ms", many, IDLE_MS, least=False, trusted=True),
            verdict("its growth", many / few, GROWTH, least=False, trusted=True),
            times is None
            or verdict("times the peer's rate", times, PEER_TIMES, least=True, trusted=trusted),
        ]
    )
