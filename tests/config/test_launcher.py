"""`./kept up` as a whole: starts, stops, dies, starts again with its data."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from config.lineup import LOOPBACK, ROOT, free_port, port_is_free
from tests.config.test_embedded import alive, gone

OURS = {"DATABASE_URL", "REDIS_URL", "BASE_URL", "SINK_DIR", "SECRET_KEY", "HASH_PEPPER"}


class Running:
    """An `up` without the demo, its mails meant for a server that is not there."""

    def __init__(self, data: Path) -> None:
        self.port = free_port()
        self.data = data
        env = {
            name: value
            for name, value in os.environ.items()
            if name not in OURS and not name.startswith(("KEPT_", "PYTEST_"))
        }
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "config.launcher", "up", "--no-demo"),
                *("--port", str(self.port), "--data", str(data)),
            ],
            cwd=ROOT,
            env={**env, "EMAIL_URL": "smtp://127.0.0.1:9"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        for line in self.process.stdout or ():
            self.lines.append(line)
            if "Ctrl-C stops" in line:
                break
        self.children = psutil.Process(self.process.pid).children(recursive=True)

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self.children]

    def serves(self) -> bool:
        address = f"http://{LOOPBACK}:{self.port}/health/live"
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        except OSError:
            return False
        return True

    def child(self, words: str) -> psutil.Process:
        return next(child for child in self.children if words in " ".join(child.cmdline()))

    def end(self) -> str:
        """Everything that it still says, until it ends."""
        rest, _ = self.process.communicate(timeout=60)
        return "".join(self.lines) + rest

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        made = json.loads((self.data / "environment.json").read_text())
        with psycopg.connect(made["DATABASE_URL"]) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="kept-try-"))
    yield made
    shutil.rmtree(made)


def test_it_starts_in_order_and_ctrl_c_stops_in_the_opposite_order(data: Path) -> None:
    running = Running(data)
    assert running.serves(), "".join(running.lines)
    running.sql("create table left_by_the_first_start as select 1 as one")
    running.process.send_signal(signal.SIGINT)
    said = running.end()
    assert running.process.returncode == 0
    order = ("own servers", "migrate", "worker", "beat", "web")
    places = [said.index(f"] {name}") for name in order]
    assert places == sorted(places)
    places = [said.index(f"{name} stopped") for name in ("web", "beat", "worker", "PostgreSQL")]
    assert places == sorted(places)
    assert not any(alive(pid) for pid in running.pids)
    assert "\033" not in said


def test_a_dead_web_server_is_named_and_takes_the_others_along(data: Path) -> None:
    running = Running(data)
    assert running.sql("select one from left_by_the_first_start") == [(1,)]
    running.child("config.web").kill()
    said = running.end()
    assert running.process.returncode == 1
    assert "web was killed by SIGKILL" in said
    assert gone(running.pids)
    assert port_is_free(running.port)


def test_killing_it_leaves_nothing_that_serves(data: Path) -> None:
    running = Running(data)
    assert len(running.pids) > 8
    running.process.kill()
    running.end()
    assert gone(running.pids)
    assert not running.serves()


def test_a_port_in_use_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = ["-m", "config.launcher", "up", "--port", str(port), "--data", str(tmp_path / "x")]
        run = subprocess.run(
            [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert run.returncode == 1
    assert f"Port {port} is in use" in run.stderr
    assert not (tmp_path / "x").exists()


def test_a_port_that_is_none_is_refused_in_words() -> None:
    words = ["-m", "config.launcher", "up", "--port", "70000"]
    run = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.returncode, "from 1 to 65535" in run.stderr) == (2, True)
