"""The pages of an agent: the search among a million customers, and the sheet of somebody with five
hundred events."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import quote

from psycopg import sql

from bench import load, rig, seeds
from bench.board import boarder, p95, page
from bench.report import Series, keep, say, verdict

SEARCH_MS, SHEET_MS = 100.0, 150.0  # the pass lines
# 400 first names, 1,728 family names of which some are frequent (the first: seven in a thousand),
# and a form of address before each.
NAMES = """
WITH syllables AS (SELECT ARRAY['du', 'van', 'pe', 'mar', 'le', 'ja', 'cla', 'ver', 'de', 'bo',
    'ho', 'wil', 'sa', 'ni', 'ro', 'ka', 'lo', 'mi', 'te', 'an'] AS s),
drawn AS (SELECT customer_id, (power(random(), 1.5) * 1727)::int AS f,
    (random() * 399)::int AS g, (random() * 3)::int AS t FROM crm_customertext)
UPDATE crm_customertext c SET folded_name = x.n, name = initcap(x.n)
FROM (SELECT customer_id, (ARRAY['mme', 'm.', 'dhr.', 'mevr.'])[t + 1] || ' '
        || s[g % 20 + 1] || s[g / 20 + 1] || 'a ' || s[f % 12 + 1] || s[f / 12 % 12 + 1]
        || s[f / 144 + 1] || 's' AS n FROM drawn, syllables) x
WHERE x.customer_id = c.customer_id
"""
# What is typed, as an agent with a headset types it.
SEARCHED = {
    "a frequent name": "dududus",
    "the beginning of many": "mar",
    "one letter": "v",
    "first and family name, both begun": "verja holos",
    "accents and capitals": "VÉRJA HÓLO",
    "nobody": "zzyzx",
    "a number, +32": "+32 47 000 05 01",
    "a number, 0": "0470000502",
    "a reference": "C-000503",
}
EVENTS = """
INSERT INTO crm_attempt (source, external_id, customer_id, purpose, agent_id, team_id, direction,
    started_at, logged_at, logged_by, revision, result)
SELECT 'desk', i::text, {customer}, 'sales', 1, 1, 'outbound', now() - i * interval '5 hours',
    now() - i * interval '5 hours', 'system', 1,
    (ARRAY['answered', 'no_answer', 'voicemail'])[i % 3 + 1]
FROM generate_series(1, {calls}) i;
INSERT INTO crm_attempttext (attempt_id, number, note, recording_ref)
SELECT id, '', 'What was said in call ' || id, '' FROM crm_attempt WHERE source = 'desk';
INSERT INTO followups_promise ({columns}, id, reference, attempt_id, made_at, due_at, status,
    closed_at, closed_by)
SELECT {columns}, {top} + a.call, 'D' || lpad(a.call::text, 7, '0'), a.call, a.called,
    a.called + interval '2 days', 'withdrawn', a.called + interval '1 day', 'user:1'
FROM followups_promise p, (SELECT id AS call, started_at AS called FROM crm_attempt
    WHERE source = 'desk' ORDER BY id LIMIT {promises}) a
WHERE p.customer_id = {customer} AND p.id <= {top};
INSERT INTO followups_promisetext (promise_id, words, address)
SELECT id, 'I will send it', '' FROM followups_promise WHERE customer_id = {customer};
INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause, data)
SELECT p.id, CASE e WHEN 0 THEN '' ELSE 'open' END, CASE e WHEN 4 THEN 'withdrawn' ELSE 'open' END,
    p.made_at + e * interval '1 hour', 'system',
    (ARRAY['made', 'in_delivery', 'rung_owner', 'broken', 'withdrawn'])[e + 1],
    CASE e WHEN 2 THEN '{{"rung": 0, "told": 1}}'::jsonb ELSE '{{}}' END
FROM followups_promise p, generate_series(0, 4) e WHERE p.customer_id = {customer} AND p.id > {top}
"""
CUSTOMER = 77


@dataclass(frozen=True)
class Size:
    """So many customers; so many calls and promises of the one whose sheet is opened, which with
    the events of each promise are five hundred; and how often each page is asked for."""

    people: int
    promises: int
    calls: int
    times: int


SIZES = {
    "full": Size(people=999_999, promises=30, calls=345, times=60),
    "smoke": Size(people=1_000, promises=3, calls=20, times=2),
}


def run(profile: str) -> bool:
    size = SIZES[profile]
    events = size.calls + 5 * size.promises + 5
    say(
        f"desk: {size.people:,} customers of one team, {events} events on one sheet; each page"
        f" {size.times} times, 2 web workers"
    )
    with rig.house() as house:
        _fill(house, size)
        with boarder(house) as process:
            cookie = process.do("enter bench")["cookie"]
        with rig.kept(house) as server:
            line = load.Line(server.port)
            searches = [
                _asked(line, server.port, f"/customers/?q={_typed(text)}", cookie, name, size)
                for name, text in SEARCHED.items()
            ]
            path = f"/customers/C-{CUSTOMER:06d}/"
            sheet = _asked(line, server.port, path, cookie, "the sheet", size)
    return _judge(profile, searches, sheet)


def _typed(text: str) -> str:
    return quote(text)


def _fill(house: rig.Rig, size: Size) -> None:
    seeds.fill(house, people=size.people, promises=min(size.people, 1_000))
    with house.connect() as connection:
        connection.execute(NAMES)
        found = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'followups_promise'::regclass"
            " AND attnum > 0 AND NOT attisdropped AND attname <> ALL(%s)",
            [["id", "reference", "attempt_id", "made_at", "due_at", "status", "closed_at",
              "closed_by"]],
        ).fetchall()  # fmt: skip
        values = {"customer": CUSTOMER, "calls": size.calls, "promises": size.promises}
        named = {key: sql.Literal(value) for key, value in (values | {"top": 1_000}).items()}
        columns = sql.SQL(", ").join(sql.Identifier(name) for (name,) in found)
        connection.execute(seeds.UNCHECKED)
        for statement in EVENTS.split(";\n"):
            connection.execute(sql.SQL(statement).format(columns=columns, **named))
        connection.execute("VACUUM ANALYZE")


def _asked(line: load.Line, port: int, path: str, cookie: str, name: str, size: Size) -> Series:
    """Milliseconds of each time; the first two warm the connection."""
    took = []
    for _turn in range(size.times + 2):
        begun = time.perf_counter()
        status, _body = line.ask(page(port, path, cookie))
        took.append((time.perf_counter() - begun) * 1000)
        if status not in {200, 302}:
            raise SystemExit(f"{path} answered {status}")
    return Series(name, "ms", tuple(took[2:]))


def _judge(profile: str, searches: list[Series], sheet: Series) -> bool:
    for one in [*searches, sheet]:
        say(f"{one}  p95 {p95(one):,.0f}")
    slowest = max(map(p95, searches))
    extra = {"slowest_search_p95_ms": slowest, "sheet_p95_ms": p95(sheet)}
    keep("desk", profile, [*searches, sheet], extra)
    if profile == "smoke":
        return True
    good = [
        verdict("p95 of the slowest search, ms", slowest, SEARCH_MS, least=False, trusted=True),
        verdict("p95 of the sheet, ms", p95(sheet), SHEET_MS, least=False, trusted=True),
    ]
    return all(good)
