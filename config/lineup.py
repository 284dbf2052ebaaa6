"""The product's processes beside its servers: mail sink, worker, beat, web, each with readiness."""

from __future__ import annotations

import http.client
import random
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import redis

from config.processes import Listener, Process, wait_until

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
# Without banners, and without the warning to root: its messages are JSON, never pickles.
CELERY = ["-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "-A", "config"]
Env = Mapping[str, str]


@dataclass(frozen=True)
class Member:
    """A process with the question that tells when it is ready."""

    process: Process
    ready: Callable[[], bool]
    patience: float = 10  # seconds from asking it to stop to killing it

    def start(self) -> None:
        self.process.start()
        wait_until(self.ready, self.process, limit=60)

    def stop(self) -> bool:
        return self.process.stop(limit=self.patience)


def python(name: str, words: list[str], env: Env, listener: Listener | None = None) -> Process:
    """A program of ours in Python, whose lines come at once."""
    environment = {**env, "PYTHONUNBUFFERED": "1"}
    return Process(name, [sys.executable, *words], env=environment, cwd=ROOT, listener=listener)


def sink(env: Env, *, port: int, folder: Path, listener: Listener | None = None) -> Member:
    words = ["-m", "config.sink", "--smtp", f"{LOOPBACK}:{port}", "--dir", str(folder)]
    words += ["--bounces", env.get("CANARY_ADDRESS", "")]
    return Member(python("sink", words, env, listener), lambda: _greets(port))


def worker(
    env: Env, *, name: str = "worker", concurrency: int = 2, listener: Listener | None = None
) -> Member:
    words = [*CELERY, "worker", "--concurrency", str(concurrency)]
    words += ["--hostname", f"{name}@kept", "--without-gossip", "--without-mingle"]
    process = python(name, words, env, listener)
    before = listening(env["REDIS_URL"])
    return Member(process, lambda: listening(env["REDIS_URL"]) > before, patience=20)


def beat(
    env: Env, *, schedule: Path, name: str = "beat", listener: Listener | None = None
) -> Member:
    """Its file holds only when each sweep was last asked for: a new one costs nothing."""
    for old in schedule.parent.glob(f"{schedule.name}*"):
        old.unlink()
    words = [*CELERY, "beat", "--schedule", str(schedule), "--pidfile="]
    made = schedule.parent.glob
    return Member(
        python(name, words, env, listener), lambda: any(made(f"{schedule.name}*")), patience=5
    )


def web(env: Env, *, port: int, workers: int = 2, listener: Listener | None = None) -> Member:
    # Static files are found where they lie; a collected folder is for other machines.
    words = [
        "-W",
        "ignore:No directory at",
        "-m",
        "config.web",
        "--port",
        str(port),
        "--workers",
        str(workers),
    ]
    return Member(python("web", words, env, listener), lambda: _serves(port), patience=10)


def listening(redis_url: str) -> int:
    """How many workers wait for work on this broker; 0 when it does not answer."""
    client = redis.Redis.from_url(redis_url, socket_connect_timeout=1, socket_timeout=1)
    try:
        database = str(client.connection_pool.connection_kwargs.get("db") or 0)
        clients = client.client_list()
    except redis.RedisError:
        return 0
    finally:
        client.close()
    return sum(c["cmd"] == "brpop" and str(c["db"]) == database for c in clients)


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Below the range from which outgoing connections take theirs, so that it stays free."""
    candidates = (random.randint(20000, 32000) for _ in range(200))  # noqa: S311  no secret
    return next(port for port in candidates if port_is_free(port))


def _greets(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as client:
            return client.recv(3) == b"220"
    except OSError:
        return False


def _serves(port: int) -> bool:
    """Any answer of the application counts; what it thinks of its health is another question."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
