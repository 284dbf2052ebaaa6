"""A throw-away house for measuring: PostgreSQL with fsync on, Valkey, fresh web servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from config import lineup
from config.embedded import Servers
from config.processes import Process, wait_until

ROOT = Path(__file__).resolve().parent.parent
THREADS = 5
KEY_ID, KEY = "bench00000000000", "kept_bench00000000000_" + "b" * 43


@dataclass(frozen=True)
class Rig:
    """Where everything is, and the environment of its processes."""

    database_url: str
    env: dict[str, str]
    servers: Servers

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.database_url, autocommit=True)


def cpu_of(process: psutil.Process) -> float:
    """Processor time of a process and everything below it, ended children included."""
    own = process.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _allow_bulk(servers: Servers) -> None:
    """Whoever fills millions of rows may leave out what is checked and written row by row."""
    assert servers.postgres
    address = servers.postgres.url_as("postgres", "postgres")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("GRANT SET ON PARAMETER session_replication_role TO kept")
        connection.execute("GRANT pg_checkpoint TO kept")


@contextmanager
def house() -> Iterator[Rig]:
    """Servers and a migrated, empty database; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="kept-bench-"))
    servers = Servers(folder, durable=True, max_connections=100)
    try:
        database_url, redis_url = servers.start()
        _allow_bulk(servers)
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("KEPT_")},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "BASE_URL": "http://127.0.0.1:8000",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "SECRET_KEY": "only-for-measuring-" * 4,
            "HASH_PEPPER": "only-for-measuring-" * 3,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "REQUIRE_SECOND_FACTOR": "",  # who logs in here is a program
        }
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True
        )
        yield Rig(database_url, env, servers)
    finally:
        servers.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Server:
    """A web server under measurement."""

    port: int
    pid: int

    def cpu(self) -> float:
        return cpu_of(psutil.Process(self.pid))


@contextmanager
def kept(rig: Rig, workers: int = 2) -> Iterator[Server]:
    """The product's own web server on a port where nothing listened before."""
    port = lineup.free_port()
    member = lineup.web(rig.env, port=port, workers=workers)
    member.start()
    try:
        yield Server(port, member.process.pid)
    finally:
        member.stop()


@contextmanager
def raw(rig: Rig, workers: int = 2) -> Iterator[Server]:
    """The limit: one look-up behind a bare WSGI callable, same server, same workers."""
    port = lineup.free_port()
    words = ["-m", "bench.raw", str(port), str(workers), str(THREADS)]
    process = Process("raw", [sys.executable, *words], env=rig.env, cwd=ROOT)
    process.start()
    try:
        wait_until(lambda: not lineup.port_is_free(port), process, limit=30)
        yield Server(port, process.pid)
    finally:
        process.stop(limit=5)
