"""The product as real processes on the test database: sink, worker, beat, web."""

from __future__ import annotations

import email
import email.policy
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import psycopg
import redis

from config import lineup
from config.processes import wait_until
from config.sink import SinkMail, message, messages
from tests.servers import with_database

T = TypeVar("T")


def until(ask: Callable[[], T], *, limit: float = 20, what: str = "it") -> T:
    """Asks until the answer is true and returns it; fails with `what` after `limit` seconds."""
    end = time.monotonic() + limit
    while not (answer := ask()):
        assert time.monotonic() < end, f"waited {limit:g} s for {what}"
        time.sleep(0.05)
    return answer


class Mailbox:
    """What the sink has accepted, oldest first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def listed(self, *, to: str = "") -> list[SinkMail]:
        return [mail for mail in messages(self.folder)[::-1] if to in mail.envelope_to]

    def mails(self, *, to: str = "") -> list[EmailMessage]:
        """The mails themselves, parsed."""
        return [
            email.message_from_bytes(message(self.folder, mail.number), policy=email.policy.default)
            for mail in self.listed(to=to)
        ]

    def wait_for(self, *, to: str = "", count: int = 1, limit: float = 20) -> list[EmailMessage]:
        def enough() -> bool:
            return len(self.listed(to=to)) >= count

        until(enough, limit=limit, what=f"{count} mail(s) to {to or 'anybody'}")
        return self.mails(to=to)

    def clear(self) -> None:
        """The sink has its log open for appending: emptied, not removed."""
        for path in self.folder.glob("*.eml"):
            path.unlink(missing_ok=True)
        for path in self.folder.glob("log.jsonl"):
            path.write_bytes(b"")


class LiveSystem:
    """Started once, asleep between tests: a table cannot be emptied under a running sweep."""

    def __init__(self, database: str) -> None:
        folder = Path(os.environ["SINK_DIR"])
        folder.mkdir(parents=True, exist_ok=True)
        self.base_url = os.environ["BASE_URL"]
        self.database_url = with_database(os.environ["DATABASE_URL"], database)
        self.redis_url = os.environ["REDIS_URL"]
        self.smtp_port = urlsplit(os.environ["EMAIL_URL"]).port or 25
        self.env = {**os.environ, "DATABASE_URL": self.database_url}
        self.env["DJANGO_SETTINGS_MODULE"] = "config.settings"
        # Beat is put to sleep between tests: not in the midst of a sweep of its own.
        self.env["STAND_IN_AFTER"] = "0"
        # As an installation has them: collected, compressed, with a digest in the name.
        self.env["STATIC_ROOT"] = str(folder.parent / f"{folder.name}-static")
        words = ["collectstatic", "--noinput", "--ignore", "ninja", "--verbosity", "0"]
        subprocess.run([sys.executable, "manage.py", *words], env=self.env, check=True)
        self.mailbox = Mailbox(folder)
        self.sink = lineup.sink(self.env, port=self.smtp_port, folder=folder)
        self.worker = lineup.worker(self.env)
        self.beat = lineup.beat(self.env, schedule=folder.parent / f"{folder.name}-beat")
        self.web = lineup.web(self.env, port=urlsplit(self.base_url).port or 80)

    @property
    def members(self) -> list[lineup.Member]:
        return [self.sink, self.worker, self.beat, self.web]

    def wake(self) -> None:
        """Starts what does not run; lets beat go on."""
        stopped = [member for member in self.members if not member.process.running()]
        for member in stopped:
            member.process.kill()
            member.process.start()
        for member in stopped:
            wait_until(member.ready, member.process, limit=60)
        self.beat.process.send(signal.SIGCONT)

    def sleep(self) -> None:
        """No new sweeps; returns when nothing of ours works in the database."""
        if self.beat.process.running():
            self.beat.process.send(signal.SIGSTOP)
        with redis.Redis.from_url(self.redis_url) as broker:
            broker.delete("celery", *broker.scan_iter("kept:nudged:*"))
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            quiet, end = 0, time.monotonic() + 10
            while quiet < 3 and time.monotonic() < end:
                quiet = quiet + 1 if not _busy(connection) else 0
                time.sleep(0.05)

    def stop(self) -> None:
        self.beat.process.send(signal.SIGCONT)
        for member in reversed(self.members):
            member.stop()

    def said(self) -> str:
        """The last lines of each process: what a failing test wants to know."""
        return "\n".join(
            f"{member.process.name}: {line}"
            for member in self.members
            for line in member.process.lines
        )


def _busy(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and state <> 'idle' and backend_type = 'client backend'"
    ).fetchone()
    return bool(row and row[0])
