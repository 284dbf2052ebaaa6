"""The whole product on its own servers: web, two workers, two beats, a sink behind a bad line."""

from __future__ import annotations

import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from config import lineup
from config.embedded import Servers
from config.lineup import Member
from config.processes import wait_until
from config.sink import entries
from config.valkey import Valkey
from tests.servers import with_database
from tests.storm.wire import Weather, Wire

Row = dict[str, Any]
COUNT = itertools.count(1)
SHIFT = """
INSERT INTO crm_clockoffset (id, shift) VALUES (1, %(by)s)
ON CONFLICT (id) DO UPDATE SET shift = crm_clockoffset.shift + %(by)s
"""
ALARMS = ("Traceback", '"level": "ERROR"', "differed")


class House:
    """Its own database, its own Valkey; the caller's PostgreSQL serves both."""

    def __init__(self, *, template: str, seed: int, mutants: str = "") -> None:
        self.template = template
        self.name = f"kept_storm_{os.getpid()}_{next(COUNT)}"
        self.folder = Path(os.environ["KEPT_TEST_FOLDER"]) / self.name
        self.folder.mkdir(mode=0o700)
        self.url = with_database(os.environ["DATABASE_URL"], self.name)
        self.said: deque[str] = deque(maxlen=4000)
        self.mail, self.faults = self.folder / "mail", self.folder / "faults.json"
        self.mail.mkdir()
        self.seed = seed
        self.servers = Servers(self.folder)
        self.valkey = Valkey(self.folder / "valkey", self.servers.claim())
        smtp, port = lineup.free_port(), lineup.free_port()
        self.wire = Wire(upstream=smtp, seed=seed)
        self.wire.start()
        self.port = port
        self.env = {
            **os.environ,
            "DATABASE_URL": self.url,
            "REDIS_URL": self.valkey.url,
            "EMAIL_URL": f"smtp://{lineup.LOOPBACK}:{self.wire.port}",
            "BASE_URL": f"http://{lineup.LOOPBACK}:{port}",
            "SINK_DIR": str(self.mail),
            "MAIL_PER_MINUTE": "1000000",
            "DJANGO_SETTINGS_MODULE": "tests.storm.twin" if mutants else "config.settings",
            "KEPT_MUTANTS": mutants,
        }
        self._smtp = smtp
        self._hand: subprocess.Popen[str] | None = None
        self._owed, self._done = 0, queue.SimpleQueue[str]()
        self.members: dict[str, Member] = {}

    def hear(self, name: str, line: str) -> None:
        self.said.append(f"{name}: {line}")

    def start(self, *, people: int) -> Row:
        """Brings everything up; returns the key, the campaigns and the people."""
        create(self.name, template=self.template)
        self.valkey.start()
        self.members = self._cast()
        for member in self.members.values():
            member.process.start()
        crowd = json.loads(
            python(self.env, "-m", "tests.storm.people", str(people), str(self.seed))
        )
        self._hand = subprocess.Popen(
            [sys.executable, "-m", "tests.storm.hand"],
            env=self.env,
            cwd=lineup.ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        threading.Thread(target=self._listen, args=[self._hand], daemon=True).start()
        threading.Thread(target=self._count, args=[self._hand], daemon=True).start()
        self.sweep("leases", "settle", "reconcile", "intake", "send")
        for member in self.members.values():
            wait_until(member.ready, member.process, limit=60)
        return dict(crowd)

    def _cast(self) -> dict[str, Member]:
        hear = self.hear
        sink = lineup.sink(self.env, port=self._smtp, folder=self.mail, listener=hear)
        sink.process.command += ["--faults", str(self.faults)]
        cast = {"sink": sink, "web": lineup.web(self.env, port=self.port, listener=hear)}
        for number in (1, 2):
            name, beat = f"worker{number}", f"beat{number}"
            cast[name] = lineup.worker(self.env, name=name, listener=hear)
            schedule = self.folder / beat
            cast[beat] = lineup.beat(self.env, schedule=schedule, name=beat, listener=hear)
        return cast

    def stop(self) -> None:
        if self._hand:
            self._hand.kill()
            self._hand.wait()
        for member in self.members.values():
            member.process.kill()
        self.wire.stop()
        self.valkey.kill()
        self.servers.release()
        if "database" in vars(self):
            self.database.close()
        drop(self.name)

    def alarms(self) -> list[str]:
        return [line for line in self.said if any(word in line for word in ALARMS)]

    # The database, seen from outside.

    @cached_property
    def database(self) -> psycopg.Connection[Row]:
        """Ours; the accidents spare it. For the thread that owns the house."""
        return psycopg.connect(self.url, autocommit=True, row_factory=dict_row)

    def rows(self, query: str, **values: object) -> list[Row]:
        return self.database.execute(query, values).fetchall()

    def count(self, query: str, **values: object) -> int:
        return int(next(iter(self.rows(query, **values)[0].values())))

    def run(self, statement: str, **values: object) -> int:
        return self.database.execute(statement, values).rowcount

    def shift(self, seconds: float) -> None:
        """The product's clock jumps. Heartbeats come along, so that the gate is not shut by it;
        leases and waits do not: that is what it is for."""
        by = f"{seconds} seconds"
        self.run(SHIFT, by=by)
        self.run("UPDATE crm_heartbeat SET beat_at = beat_at + %(by)s::interval", by=by)

    # The processes.

    def sweep(self, *names: str, limit: float = 120) -> bool:
        """Runs sweeps beside the workers; False when they have not ended within the limit."""
        hand = self._hand
        if hand is None or hand.stdin is None:
            raise RuntimeError("not started")
        for name in names:
            hand.stdin.write(f"{name}\n")
            hand.stdin.flush()
            self._owed += 1
        end = time.monotonic() + limit
        while self._owed and hand.poll() is None and time.monotonic() < end:
            with suppress(queue.Empty):
                self._done.get(timeout=0.1)
                self._owed -= 1
        return not self._owed

    def restart(self, name: str) -> None:
        self.members[name].process.kill()
        self.members[name].process.start()

    def mend(self) -> None:
        """Starts again whatever does not run (a supervisor of services does that)."""
        for name, member in self.members.items():
            if not member.process.running():
                self.restart(name)
        if self.valkey.process is None or not self.valkey.process.running():
            self.valkey.kill()
            self.valkey.start()

    def children(self, *names: str) -> list[int]:
        """The processes that these members have started."""
        found = []
        for name in names:
            for path in Path("/proc").glob(f"{self.members[name].process.pid}/task/*/children"):
                with suppress(OSError):
                    found += [int(pid) for pid in path.read_text().split()]
        return sorted(set(found))

    def pool(self) -> list[int]:
        return self.children("worker1", "worker2")

    # The weather of the mail.

    def weather(self, *, sink: dict[str, float], line: dict[str, float]) -> None:
        part = self.faults.with_suffix(".part")
        part.write_text(json.dumps({"seed": self.seed, "tarpit_seconds": 1.0, **sink}))
        part.rename(self.faults)
        self.wire.weather = Weather(line)

    def log(self) -> list[Row]:
        """What the sink says it has done with the mails of deliveries, the oldest first."""
        return [e for e in entries(self.mail) if not e["message_id"].startswith("<notice.")]

    def _count(self, hand: subprocess.Popen[str]) -> None:
        for line in hand.stdout or ():
            self._done.put(line)

    def _listen(self, hand: subprocess.Popen[str]) -> None:
        for line in hand.stderr or ():
            self.hear("hand", line.rstrip())


def python(env: Mapping[str, str], *words: str) -> str:
    """Runs a program of ours to its end; returns what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        env={**env},
        cwd=lineup.ROOT,
        text=True,
        capture_output=True,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"{words} failed\n{done.stdout}\n{done.stderr}")
    return done.stdout


def create(name: str, *, template: str = "template1") -> None:
    command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _admin(command.format(sql.Identifier(name), sql.Identifier(template)))


def drop(name: str) -> None:
    _admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def migrated(name: str) -> None:
    """An empty database with every table, from which storms are copied."""
    create(name)
    env = {**os.environ, "DATABASE_URL": with_database(os.environ["DATABASE_URL"], name)}
    python(env, "manage.py", "migrate", "--verbosity", "0", "--skip-checks")


def _admin(command: sql.Composed) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(command)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process stands still, as on a machine that swaps or migrates."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
