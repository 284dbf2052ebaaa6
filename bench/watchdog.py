"""The sweeper killed: is the alarm there when its age is next read? And what does watching cost?"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import load, rig, seeds, sweep
from bench.report import Series, keep, say, verdict
from config import lineup
from config.lineup import Member

# The guards of the gate, and the longest that one of them may be silent (three intervals of 60 s).
GUARDS = ("send", "settle", "reconcile", "intake")
LONGEST_S, FIRST_S = 180, 60
SLACK_S = 3.0  # of a round that waits: it asks each second, and the answer takes its time
TURN_MS, GROWTH = 1_000.0, 2.0  # one look among a million, and what ten times more rows may cost it
STRANGER = "%2B32479999999"
AUDITOR = "import django; django.setup(); from bench import auditor; auditor.main()"
SESSION = """
import django; django.setup()
from django.conf import settings
from django.test import Client
from crm.models import User
client = Client()
client.force_login(User.objects.create(pk=2, username="watch", password="!", role="operations"))
print(client.cookies[settings.SESSION_COOKIE_NAME].value)
"""
# Each open promise with the mail that serves it, accepted by the relay.
SERVED = """
INSERT INTO offers_delivery (id, key, customer_id, channel, version_id, language, status, token,
    tries, queued_at, queued_by, why, settled_at, reply_status, link_generation)
SELECT id, gen_random_uuid(), customer_id, 'email', version_id, 'fr', 'sent', 1, 1, made_at,
    'system', 'promised', made_at, '', 1 FROM followups_promise
    WHERE id NOT IN (SELECT id FROM offers_delivery);
INSERT INTO offers_deliveryproof (delivery_id, grade, failed, hard)
SELECT id, 1, false, false FROM offers_delivery
    WHERE id NOT IN (SELECT delivery_id FROM offers_deliveryproof);
INSERT INTO followups_promisedelivery (promise_id, delivery_id, attached_at, attached_by)
SELECT id, id, queued_at, 'system' FROM offers_delivery
    WHERE id NOT IN (SELECT delivery_id FROM followups_promisedelivery);
VACUUM ANALYZE
"""


@dataclass(frozen=True)
class Size:
    """Rounds, those of them that wait for real, and open promises for the cost of a look."""

    rounds: int
    waits: int
    few: int
    many: int


SIZES = {
    "full": Size(rounds=20, waits=2, few=100_000, many=1_000_000),
    "smoke": Size(rounds=2, waits=0, few=500, many=1_000),
}


@dataclass(frozen=True)
class Reading:
    """What somebody who looks is told."""

    ready: int
    late: list[str]
    banner: bool
    gate: str

    @property
    def alarmed(self) -> bool:
        named = set(GUARDS) & set(self.late)
        return bool(named) and self.ready == 503 and self.banner and self.gate == "clock_unsafe"

    @property
    def quiet(self) -> bool:
        return self.ready == 200 and not self.banner and self.gate != "clock_unsafe"


class Eye:
    """Reads health, a page and the gate of one web server."""

    def __init__(self, port: int, session: str) -> None:
        self.port, self.session = port, session

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers={"Cookie": f"kept_session={self.session}"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ready(self) -> tuple[int, list[str]]:
        status, body = self._get("/health/ready")
        return status, list(json.loads(body)["late"])

    def read(self) -> Reading:
        status, late = self.ready()
        code, page = self._get("/notices/")
        if code != 200:
            raise SystemExit(f"the page answered {code}")
        asked = load.get(self.port, f"/api/v1/gate?number={STRANGER}&reserve=0", rig.KEY)
        _code, answer = load.Line(self.port).ask(asked)
        banner = 'class="stopped"' in page and all(name in page for name in late)
        return Reading(status, late, banner, json.loads(answer)["code"])


@contextmanager
def sweepers(house: rig.Rig, kind: str) -> Iterator[list[Member]]:
    """Whoever runs the sweeps: worker and beat (which stands in), or the loop alone."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "loop":
            process = lineup.python("loop", ["manage.py", "sweep", "--loop"], house.env)
            members = [Member(process, process.running, patience=20)]
        else:
            beat = lineup.beat(house.env, schedule=Path(folder) / "beat")
            members = [lineup.worker(house.env), beat]
        for member in members:
            member.start()
        try:
            yield members
        finally:
            for member in members:
                member.process.kill()


def run(profile: str) -> bool:
    size = SIZES[profile]
    say(
        f"watchdog: the sweepers killed {size.rounds} times, {size.waits} of them waited for;"
        f" a look among {size.few:,} and {size.many:,} open promises"
    )
    with rig.house() as house:
        seeds.fill(house, people=10, promises=10)
        alarms, ages = _alarms(house, size)
    with rig.house() as house:
        costs = _costs(house, size)
    return _judge(profile, size, alarms, ages, costs)


def _alarms(house: rig.Rig, size: Size) -> tuple[int, list[float]]:
    """How often the alarm was there, and how old the heartbeat was in the rounds that waited."""
    with house.connect() as connection:
        connection.execute("DELETE FROM crm_heartbeat")
    words = [sys.executable, "-c", SESSION]
    made = subprocess.run(
        words, cwd=rig.ROOT, env=house.env, check=True, capture_output=True, text=True
    )
    alarms, ages = 0, []
    with rig.kept(house) as server:
        eye = Eye(server.port, made.stdout.split()[-1])
        for place in range(size.rounds):
            waits = place < size.waits
            kind = "loop" if place % 2 else "worker"
            alarmed, age = _round(house, eye, kind, waits=waits)
            alarms += alarmed
            ages += [age] if waits else []
            seen = f"alarm at an age of {age:.1f} s" if waits else "alarm"
            say(f"  {place + 1:>2} {kind:<6} killed: {seen if alarmed else 'NO ALARM'}")
    return alarms, ages


def _round(house: rig.Rig, eye: Eye, kind: str, *, waits: bool) -> tuple[bool, float]:
    with sweepers(house, kind) as members:
        _until_well(eye, members)
        for member in members:
            member.process.kill()  # SIGKILL, and to all that it started
    before = eye.read()
    if not waits:
        _age(house)
        return before.quiet and eye.read().alarmed, 0.0
    while eye.ready()[0] == 200 and _youngest(house) < LONGEST_S:
        time.sleep(1)
    age, after = _youngest(house), eye.read()
    return before.quiet and after.alarmed and FIRST_S <= age <= FIRST_S + SLACK_S, age


def _until_well(eye: Eye, members: list[Member]) -> None:
    end = time.monotonic() + 90
    while eye.ready() != (200, []):
        if time.monotonic() > end or not all(member.process.running() for member in members):
            lines = [line for member in members for line in member.process.lines]
            raise SystemExit("\n".join([f"never well: {eye.ready()}", *lines[-20:]]))
        time.sleep(0.2)


def _age(house: rig.Rig) -> None:
    """As if so much time had passed: the alarm is about what is read next."""
    with house.connect() as connection:
        connection.execute(
            "UPDATE crm_heartbeat SET beat_at = beat_at - %(by)s::interval,"
            " grace_until_at = grace_until_at - %(by)s::interval",
            {"by": f"{LONGEST_S} seconds"},
        )


def _youngest(house: rig.Rig) -> float:
    """The age of the heartbeat of send, which may be silent for the shortest time, in seconds."""
    with house.connect() as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM clock_timestamp() - beat_at) FROM crm_heartbeat"
            " WHERE name = 'send'"
        ).fetchone()
    return float(row[0]) if row else 0.0


def _costs(house: rig.Rig, size: Size) -> dict[int, dict[str, Any]]:
    """A look among few and among many, each promise served by a mail of its own."""
    seeds.fill(house, people=size.few, promises=size.few)
    found = {size.few: _look(house)}
    sweep._extend(house, size.few, size.few, size.many)
    return found | {size.many: _look(house)}


def _look(house: rig.Rig) -> dict[str, Any]:
    with house.connect() as connection:
        connection.execute(seeds.UNCHECKED)
        for statement in SERVED.split(";\n"):
            connection.execute(statement.encode())
    done = subprocess.run(
        [sys.executable, "-c", AUDITOR],
        cwd=rig.ROOT,
        env=house.env,
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if set(answer["found"]) - {"sweep_late"}:
        raise SystemExit(f"found what is not wrong: {answer['found']}")
    return answer


def _judge(
    profile: str, size: Size, alarms: int, ages: list[float], costs: dict[int, dict[str, Any]]
) -> bool:
    series = [
        Series(f"a look among {count:,} open promises", "ms", tuple(cost["milliseconds"]))
        for count, cost in costs.items()
    ]
    for one in series:
        say(str(one))
    for count, cost in costs.items():
        say(f"a whole round among {count:,} open promises          {cost['whole_s']:.2f} s")
    few, many = (statistics.median(one.values) for one in series)
    extra = {"alarms": alarms, "rounds": size.rounds, "ages_s": ages}
    keep("watchdog", profile, series, extra)
    good = verdict("alarms", alarms, size.rounds, least=True, trusted=True)
    if profile == "smoke":
        return good
    return all(
        [
            good,
            verdict("a look among many, ms", many, TURN_MS, least=False, trusted=True),
            verdict("its growth", many / few, GROWTH, least=False, trusted=True),
        ]
    )
