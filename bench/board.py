"""The board among a million promises and ten million calls: its pages, its sweep, and the gate
beside twenty screens."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import psycopg
from psycopg import sql

from bench import gate, load, rig, seeds, sweep
from bench.report import TOO_WIDE, Series, keep, say, verdict
from config.timetable import SWEEPS
from crm import workdays
from followups import ladder

START = "import django; django.setup(); from bench import boarder; boarder.main()"
PAGE_MS, SHARE = 300.0, 0.8  # the pass lines
# What each connection of the database has spent; one that ended keeps what it had.
SPENT: dict[int, float] = {}
SCREENS, EVERY = 20, 30.0  # so many screens, each of which asks again after so many seconds
TEAMS, AGENTS, CAMPAIGNS, DAYS = 10, 200, 10, 368
CHANGED = 600  # promises between two turns: twenty a second, more than a house of this size has

PEOPLE = """
INSERT INTO crm_team (id, slug, name, calendar)
SELECT i, 'team-' || i, 'Team ' || i, {calendar} FROM generate_series(2, {teams}) i;
INSERT INTO crm_user (id, username, password, role, team_id, language, external_id, is_superuser,
    is_staff, is_active, first_name, last_name, email, date_joined)
SELECT 100 + i, 'agent-' || (100 + i), '!', 'agent', 1 + i % {teams}, 'en', 'a-' || (100 + i),
    false, false, true, 'Agent', i::text, '', now() FROM generate_series(1, {agents}) i
UNION ALL SELECT 90, 'lead', '!', 'supervisor', 1, 'en', 'lead', false, false, true, 'Lead', '', '',
    now()
UNION ALL SELECT 91, 'operations', '!', 'operations', NULL, 'en', 'operations', false, false, true,
    'Operations', '', '', now();
INSERT INTO crm_campaign (id, slug, name, purpose, policy, team_id, active)
SELECT i, 'campaign-' || i, 'Campaign ' || i, 'sales', 'none', 1 + i % {teams}, true
FROM generate_series(1, {campaigns}) i;
INSERT INTO crm_heartbeat (name, beat_at) SELECT n, now() + interval '1 day'
FROM unnest({sweeps}::text[]) n ON CONFLICT DO NOTHING
"""
# Due evenly over a year and the next three days. Of what is past three in a hundred are broken
# still when they are young, five were kept late, the rest in time; the newest wait for their proof.
PROMISES = """
INSERT INTO followups_promise (id, reference, customer_id, attempt_id, kind, made_at, made_by,
    owner_id, team_id, version_id, plan, plan_step, address_accepted_at, address_accepted_by,
    required_grade, reading_hours, policy, calendar, ladder, due_at, at_risk_at, status, closed_at,
    closed_by, broken_at, broken_by, kept_at, settled_at, readable_at, cycle, track, rung, rungs,
    proof_expected_at, failures)
SELECT i, 'B' || lpad(i::text, 7, '0'), c, c, 'send_offer', made, 'system', 101 + i % {agents},
    1 + (101 + i % {agents} - 100) % {teams}, c, '{{email,post}}', 0, made, 'user:1', 3, 72,
    'none@2026-01-01', {calendar}, {ladder}, due, due - interval '4 hours',
    CASE WHEN kept THEN 'kept' ELSE 'open' END, CASE WHEN kept THEN settled END,
    CASE WHEN kept THEN 'system' ELSE '' END, CASE WHEN broken OR late THEN due END,
    CASE WHEN broken OR late THEN 'system' ELSE '' END, CASE WHEN kept THEN left_at END,
    CASE WHEN kept THEN settled END, CASE WHEN kept THEN left_at END, 1,
    CASE WHEN kept OR proving THEN 'proof' ELSE 'lateness' END, 0, ARRAY[due],
    CASE WHEN proving THEN due + interval '1 day' END, 0
FROM (SELECT *, due - interval '30 hours' AS made,
        due + CASE WHEN late THEN interval '5 hours' ELSE (i % 29 + 1) * interval '-1 hour' END
            AS left_at,
        due + CASE WHEN late THEN interval '30 hours' ELSE (i % 40 - 6) * interval '1 hour' END
            AS settled
    FROM (SELECT *, past AND NOT broken AND NOT proving AS kept,
            past AND NOT broken AND NOT proving AND i % 20 = 0 AS late
        FROM (SELECT i, c, due, due <= now() AS past,
                due <= now() AND due > now() - interval '60 days' AND i % 33 = 0 AS broken,
                due <= now() AND due > now() - interval '36 hours' AND i % 33 <> 0 AS proving
            FROM (SELECT i, 1 + i % {people} AS c,
                    now() + (i::float8 / {promises} * {days} - {days} + 3) * interval '1 day'
                        AS due FROM generate_series({first}, {last}) i) a) b) c) d
"""
JOURNEYS = """
INSERT INTO offers_delivery (id, key, customer_id, channel, version_id, language, status, token,
    tries, queued_at, queued_by, why, sending_at, settled_at, reply_status, link_generation)
SELECT p.id, gen_random_uuid(), p.customer_id, 'email', p.version_id, 'fr',
    CASE WHEN p.broken_at IS NOT NULL THEN 'failed' WHEN p.due_at > now() THEN 'cancelled'
        ELSE 'sent' END, 1, 1, p.made_at, 'system', 'promised', p.made_at, p.made_at, '', 1
FROM followups_promise p WHERE p.id BETWEEN {first} AND {last};
INSERT INTO offers_deliverytext (delivery_id, to_name, address, domain, reference, words,
    promised_date, reading_days, reply)
SELECT id, 'Generated', 'g@bench.example', 'bench.example', reference, '', made_at::date, 3, ''
FROM followups_promise p WHERE p.id BETWEEN {first} AND {last};
INSERT INTO offers_evidence (delivery_id, source, event_id, kind, grade, hard, status_code,
    occurred_at, occurred_clamped, received_at, received_by)
SELECT id, 'bench', id::text, CASE WHEN broken_at IS NULL THEN 'delivered' ELSE 'failed' END,
    CASE WHEN broken_at IS NULL THEN 2 ELSE 0 END, broken_at IS NOT NULL, '', made_at, false,
    made_at, 'system'
FROM followups_promise p WHERE p.id BETWEEN {first} AND {last} AND p.due_at <= now();
INSERT INTO followups_promisedelivery (promise_id, delivery_id, attached_at, attached_by)
SELECT id, id, made_at, 'system' FROM followups_promise p WHERE p.id BETWEEN {first} AND {last};
INSERT INTO followups_promisetext (promise_id, words, address)
SELECT id, 'I send you the offer.', '' FROM followups_promise p
WHERE p.id BETWEEN {first} AND {last}
"""
CALLS = """
INSERT INTO crm_attempt (id, source, external_id, customer_id, campaign_id, purpose, agent_id,
    team_id, direction, started_at, logged_at, logged_by, revision, result, ended_at)
SELECT {people} + i, 'dialer', i::text, 1 + i % {people}, 1 + i % {campaigns}, 'sales',
    101 + i % {agents}, 1 + (1 + i % {agents}) % {teams}, 'outbound', at, at, 'system', 1,
    CASE i % 4 WHEN 0 THEN 'answered' ELSE 'no_answer' END, at + interval '80 seconds'
FROM (SELECT i, now() - (1 - i::float8 / {calls}) * interval '365 days' AS at
    FROM generate_series({first}, {last}) i) a;
INSERT INTO followups_conduct (attempt_id, started_at, source, team_id, in_spite, asked, policy,
    judged_at, xact, failures)
SELECT id, started_at, source, team_id, CASE WHEN id % 900 = 0 THEN '{{open_promise}}'::varchar[]
    ELSE '{{}}' END, CASE WHEN id % 300 = 0 THEN 'none' ELSE 'decision' END, '', now(), 1, 0
FROM crm_attempt WHERE id BETWEEN {people} + {first} AND {people} + {last}
"""
# A month in which one call in forty is denied, each asked about twice.
DENIED = """
INSERT INTO followups_gatecheck (id, at, by, customer_ids, purpose, campaign_id, decision, code,
    codes, reserve, request_id, policy, valid_until_at, answer)
SELECT gen_random_uuid(), now() - i * interval '30 days' / {denied}, 'key:dialer',
    ARRAY[1 + i / 2 % {people}], 'sales', 1 + i / 2 % {campaigns}, 'deny',
    CASE i / 2 % 3 WHEN 0 THEN 'open_promise' ELSE 'dnc_company' END,
    ARRAY[CASE i / 2 % 3 WHEN 0 THEN 'open_promise' ELSE 'dnc_company' END], true, '', 'none',
    now(),
    jsonb_build_object('blocks', jsonb_build_array(jsonb_build_object('code', 'open_promise',
        'promise', 'B' || lpad((1 + i / 2 % {promises})::text, 7, '0'))))
FROM generate_series(1, {denied}) i
"""
SETVAL = """
SELECT setval(pg_get_serial_sequence('crm_attempt', 'id'), {people} + {calls} + 1),
    setval(pg_get_serial_sequence('followups_promise', 'id'), {promises} + 1)
"""
# Somebody was told of so many promises, and their figures have to be looked at.
TOUCH = """
INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause, data)
SELECT (random() * ({promises} - 1))::int + 1, 'kept', 'kept', now(), 'bench', 'in_delivery', '{{}}'
FROM generate_series(1, {changed})
"""
BROKEN = """
SELECT count(*) FROM followups_promise WHERE status = 'open' AND track = 'lateness'
    AND due_at <= now()
"""


@dataclass(frozen=True)
class Size:
    """How many of each; `rounds` of the gate, each of so many seconds."""

    people: int
    promises: int
    calls: int
    denied: int
    pages: int
    rounds: int
    seconds: float


SIZES = {
    "full": Size(200_000, 1_000_000, 10_000_000, 20_000, 60, 3, 30.0),
    "tenth": Size(20_000, 100_000, 1_000_000, 2_000, 40, 2, 15.0),
    "smoke": Size(400, 2_000, 4_000, 100, 3, 1, 1.0),
}
PAGES = {
    "the board of operations": ("operations", "/board/"),
    "the board of a team": ("lead", "/board/"),
    "90 days of all teams": ("operations", "/board/?days=90"),
    "one campaign and channel": ("operations", "/board/?campaign=campaign-3&channel=email"),
    "one agent": ("operations", "/board/?agent=105"),
    "one cause": ("operations", "/board/?cause=bounced"),
    "not kept in time": ("operations", "/board/?rows=kept_rate"),
    "the slowest proofs": ("operations", "/board/?rows=proof"),
    "the wallboard": ("operations", "/board/wall/"),
    "calls avoided": ("operations", "/board/avoided/"),
}


class Boarder(sweep.Climber):
    """A process of ours that counts beforehand, and tells what it did."""

    start = START


@contextmanager
def boarder(house: rig.Rig) -> Iterator[Boarder]:
    found = Boarder(house)
    try:
        yield found
    finally:
        found.process.stdin.close()  # type: ignore[union-attr]
        found.process.wait(30)


def run(profile: str) -> bool:
    size = SIZES[profile]
    say(
        f"board: {size.promises:,} promises of {AGENTS} agents in {TEAMS} teams, {size.calls:,}"
        f" calls, {size.denied:,} denied requests of a month"
    )
    with rig.house() as house:
        _fill(house, size)
        with boarder(house) as sweeper:
            rolled = _rolled(house, sweeper, size)
            cookies = {
                name: sweeper.do(f"enter {name}")["cookie"] for name in ("lead", "operations")
            }
            pages = _pages(house, size, cookies)
            series = _beside_the_gate(house, size, cookies)
    return _judge(profile, rolled, pages, series)


def _fill(house: rig.Rig, size: Size) -> None:
    begun = time.perf_counter()
    seeds.fill(house, people=size.people, promises=0)
    parts = {"calendar": workdays.DEFAULT.to_dict(), "ladder": ladder.DEFAULT.to_dict()}
    values: dict[str, sql.Composable] = {
        name: sql.SQL("{}::jsonb").format(sql.Literal(json.dumps(part)))
        for name, part in parts.items()
    }
    numbers = {
        "people": size.people,
        "promises": size.promises,
        "calls": size.calls,
        "denied": size.denied,
        "days": DAYS,
        "teams": TEAMS,
        "agents": AGENTS,
        "campaigns": CAMPAIGNS,
    }
    values |= {name: sql.Literal(number) for name, number in numbers.items()}
    values["sweeps"] = sql.Literal([line.name for line in SWEEPS])
    with house.connect() as connection:
        connection.execute(seeds.UNCHECKED)

        def go(text: str, **more: int) -> None:
            for statement in text.split(";\n"):
                filled = values | {name: sql.Literal(number) for name, number in more.items()}
                connection.execute(sql.SQL(statement).format(**filled))

        go(PEOPLE)
        step = 100_000
        for first in range(1, size.promises + 1, step):
            stretch = {"first": first, "last": min(first + step - 1, size.promises)}
            go(PROMISES, **stretch)
            go(JOURNEYS, **stretch)
        for first in range(1, size.calls + 1, step):
            go(CALLS, first=first, last=min(first + step - 1, size.calls))
        go(DENIED)
        go(SETVAL)
        connection.execute("VACUUM ANALYZE")
    say(f"filled in {time.perf_counter() - begun:.0f} s")


def _rolled(house: rig.Rig, sweeper: Boarder, size: Size) -> dict[str, float]:
    """The first round, turns with changes, turns without; and that nothing differs afterwards."""
    first = sweeper.do("roll")["milliseconds"]
    if differences := sweeper.do("check")["differences"]:
        raise SystemExit(f"{differences} figures differ from what is so")
    busy = []
    for _turn in range(5):
        with house.connect() as connection:
            connection.execute(
                sql.SQL(TOUCH).format(
                    promises=sql.Literal(size.promises), changed=sql.Literal(CHANGED)
                )
            )
        busy.append(sum(sweeper.do("roll")["milliseconds"]))
    idle = [sum(sweeper.do("roll")["milliseconds"]) for _turn in range(5)]
    return {
        "first_s": sum(first) / 1000,
        "busy_ms": statistics.median(busy),
        "idle_ms": statistics.median(idle),
    }


def page(port: int, path: str, cookie: str) -> bytes:
    return (f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n").encode()


def _pages(house: rig.Rig, size: Size, cookies: dict[str, str]) -> list[Series]:
    """Each page so many times over one connection, in milliseconds; the numbers must be right."""
    found = []
    with house.connect() as connection, rig.kept(house) as server:
        row = connection.execute(BROKEN).fetchone()
        assert row
        line = load.Line(server.port)
        for name, (who, path) in PAGES.items():
            took, before = [], _cpu(connection, server)
            for turn in range(size.pages + 2):
                begun = time.perf_counter()
                status, body = line.ask(page(server.port, path, cookies[who]))
                took.append((time.perf_counter() - begun) * 1000)
                if status != 200:
                    raise SystemExit(f"{path} answered {status}")
                if path == "/board/" and who == "operations" and turn == 0:
                    _same(row[0], body)
            each = (_cpu(connection, server) - before) / (size.pages + 2) * 1000
            say(f"{name:<30} {each:6.0f} ms of processor time, {len(body):,} bytes")
            found.append(Series(name, "ms", tuple(took[2:])))
    return found


def _cpu(connection: psycopg.Connection, server: rig.Server) -> float:
    """Seconds that the web server and the database's connections have worked so far."""
    pids = connection.execute("SELECT pid FROM pg_stat_activity WHERE client_port IS NOT NULL")
    for (pid,) in pids.fetchall():
        times = psutil.Process(pid).cpu_times()
        SPENT[pid] = times.user + times.system
    return server.cpu() + sum(SPENT.values())


def _same(broken: int, body: bytes) -> None:
    """The first number of the page is what the table says."""
    shown = body.partition(b'<b class="value">')[2].partition(b"</b>")[0]
    if int(shown) != broken:
        raise SystemExit(f"the board says {shown!r} broken, the promises {broken}")


def _beside_the_gate(house: rig.Rig, size: Size, cookies: dict[str, str]) -> dict[str, Series]:
    """The gate's rate alone and beside the screens, in turn, each on a fresh server."""
    rates: dict[str, list[float]] = {"alone": [], "screens": []}
    for _round in range(size.rounds):
        for name, found in rates.items():
            with rig.kept(house) as server:
                request = gate.asking(server.port, size.people)
                load.closed(server.port, request, connections=8, seconds=min(2.0, size.seconds))
                with _screens(server.port, cookies, on=name == "screens"):
                    result = load.closed(server.port, request, connections=8, seconds=size.seconds)
                if result.failed:
                    raise SystemExit(f"{result.failed} answers were errors: {result.statuses}")
                found.append(result.rate)
    return {
        "alone": Series("the gate alone", "/s", tuple(rates["alone"])),
        "screens": Series(f"the gate beside {SCREENS} screens", "/s", tuple(rates["screens"])),
    }


@contextmanager
def _screens(port: int, cookies: dict[str, str], *, on: bool) -> Iterator[None]:
    """Half of them boards, half walls; each asks again after EVERY seconds, one after another."""
    stop = threading.Event()

    def watch(place: int) -> None:
        line = load.Line(port)
        who = "operations" if place % 4 else "lead"
        path = "/board/wall/" if place % 2 else "/board/"
        wait = EVERY * place / SCREENS
        while not stop.wait(wait):
            line.ask(page(port, path, cookies[who]))
            wait = EVERY

    threads = [threading.Thread(target=watch, args=(n,)) for n in range(SCREENS if on else 0)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


def p95(series: Series) -> float:
    ordered = sorted(series.values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def _judge(
    profile: str, rolled: dict[str, float], pages: list[Series], series: dict[str, Series]
) -> bool:
    for one in pages:
        say(f"{one}  p95 {p95(one):,.0f}")
    for one in series.values():
        say(str(one))
    say(
        f"rollups: first round {rolled['first_s']:.0f} s; a turn with {CHANGED} changes"
        f" {rolled['busy_ms']:.0f} ms, with none {rolled['idle_ms']:.0f} ms"
    )
    share = series["screens"].median / series["alone"].median
    slowest = max(map(p95, pages))
    extra = {**rolled, "slowest_p95_ms": slowest, "share_beside_screens": share}
    keep("board", profile, [*pages, *series.values()], extra)
    if profile == "smoke":
        return True
    trusted = series["alone"].spread <= TOO_WIDE
    return all(
        [
            verdict("p95 of the slowest page, ms", slowest, PAGE_MS, least=False, trusted=True),
            verdict(
                "the gate's rate beside the screens", share, SHARE, least=True, trusted=trusted
            ),
        ]
    )
