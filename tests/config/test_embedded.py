"""PostgreSQL and Valkey of our own: as root and not as root, after kill -9, in odd folders."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config import postgresql
from config.embedded import Held, Servers, discard_stale
from config.lineup import ROOT
from config.processes import CannotStart

HOLDER = """
    import sys
    from pathlib import Path
    from config.embedded import Servers
    servers = Servers(Path(sys.argv[1]), durable=False)
    servers.start()
    print(servers.postgres.process.pid, servers.valkey.process.pid, flush=True)
    sys.stdin.read()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def short_folder() -> Iterator[Path]:
    """Short, unlike tmp_path, and for every uid to pass."""
    made = Path(tempfile.mkdtemp(prefix="kept-try-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


folder = pytest.fixture(short_folder)
used_folder = pytest.fixture(short_folder, scope="module")


@pytest.fixture
def servers(used_folder: Path) -> Iterator[Servers]:
    """On a folder that keeps its data from test to test: initdb is the slow part."""
    made = Servers(used_folder)
    yield made
    made.stop()


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def gone(pids: list[int], limit: float = 10) -> bool:
    end = time.monotonic() + limit
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def holder(
    folder: Path, *, before: tuple[str, ...] = ()
) -> tuple[subprocess.Popen[str], list[int]]:
    """Another process that starts both servers, and the servers' pids."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", textwrap.dedent(HOLDER), str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, [int(word) for word in process.stdout.readline().split()]


def end(process: subprocess.Popen[str], pids: list[int]) -> None:
    """Kills the starter; its servers have to follow."""
    process.kill()
    process.communicate()
    assert gone(pids)


def test_both_servers_answer_and_are_set_as_the_product_needs(servers: Servers) -> None:
    database_url, redis_url = servers.start()
    with psycopg.connect(database_url) as connection:
        shown = [
            connection.execute(f"show {name}").fetchone()[0]
            for name in ("server_encoding", "timezone", "fsync", "listen_addresses")
        ]
        collation = connection.execute(
            "select datcollate, rolsuper from pg_database, pg_roles"
            " where datname = current_database() and rolname = current_user"
        ).fetchone()
    assert shown == ["UTF8", "UTC", "on", ""]
    assert collation == ("C", False)
    with redis.Redis.from_url(redis_url) as client:
        config = client.config_get("*")
    assert (config["appendonly"], config["maxmemory-policy"]) == ("yes", "noeviction")
    assert (config["port"], config["unixsocketperm"]) == ("0", "700")
    assert servers.sockets is not None
    assert servers.sockets.stat().st_mode & 0o777 == 0o700


def test_data_survive_a_restart_and_stopping_leaves_no_process(servers: Servers) -> None:
    database_url, redis_url = servers.start()
    with psycopg.connect(database_url) as connection:
        connection.execute("create table promise as select 42 as given")
    with redis.Redis.from_url(redis_url) as client:
        client.set("nudge", "kept")
    pids = [servers.postgres.process.pid, servers.valkey.process.pid]
    servers.stop()
    assert gone(pids, limit=0)
    database_url, redis_url = servers.start()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select given from promise").fetchone() == (42,)
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("nudge") == b"kept"


def test_killing_the_starter_leaves_nothing_and_the_next_start_recovers(
    used_folder: Path, servers: Servers
) -> None:
    process, pids = holder(used_folder)
    assert len(pids) == 2
    end(process, pids)
    database_url, _ = servers.start()
    psycopg.connect(database_url).close()


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(servers: Servers) -> None:
    servers.start()
    servers.stop()
    stale = servers.folder / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{stale.parent}\n1\n5432\n")
    database_url, _ = servers.start()
    psycopg.connect(database_url).close()


def test_postgres_killed_alone_starts_again_with_its_data(servers: Servers) -> None:
    database_url, _ = servers.start()
    with psycopg.connect(database_url) as connection:
        connection.execute("create table offer as select 7 as given")
    servers.postgres.kill()
    servers.postgres.start()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select given from offer").fetchone() == (7,)


def test_a_folder_is_held_by_one_process_at_a_time(used_folder: Path, servers: Servers) -> None:
    process, pids = holder(used_folder)
    try:
        with pytest.raises(Held, match=f"process {process.pid}"):
            servers.start()
    finally:
        end(process, pids)


def test_a_deep_folder_with_blanks_gets_short_sockets(folder: Path) -> None:
    servers = Servers(folder / ("a blank, an é and much depth " * 4).strip())
    try:
        database_url, redis_url = servers.start()
        psycopg.connect(database_url).close()
        assert redis.Redis.from_url(redis_url).ping()
        sockets = servers.sockets
        assert sockets is not None
        assert len(str(sockets)) < 40
    finally:
        servers.stop()
    assert not sockets.exists()


def test_throw_away_folders_of_killed_starters_are_removed(folder: Path) -> None:
    left, held, fresh = (folder / f"kept-x-{name}" for name in ("left", "held", "fresh"))
    left.mkdir()
    fresh.mkdir()
    keeper = Servers(held)
    keeper.claim()
    for old in (left, held):
        os.utime(old, (0, 0))
    discard_stale(folder, "kept-x-")
    assert (left.exists(), held.exists(), fresh.exists()) == (False, True, True)
    keeper.release()


@as_root
def test_root_without_user_namespaces_starts_it_as_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.chmod(0o700)
    servers = Servers(folder)
    monkeypatch.setattr(postgresql, "_namespace", list)
    database_url, _ = servers.start()
    psycopg.connect(database_url).close()
    assert psutil.Process(servers.postgres.process.pid).uids().real == postgresql.NOBODY
    servers.stop()
    monkeypatch.undo()
    psycopg.connect(servers.start()[0]).close()
    servers.stop()


@as_root
def test_it_starts_as_a_user_that_is_not_root(folder: Path) -> None:
    somebody = next(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("no setpriv to become somebody else with")
    os.chown(folder, somebody, somebody)
    powers = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    before = (setpriv, f"--reuid={somebody}", f"--regid={somebody}", "--clear-groups", *powers)
    process, pids = holder(folder, before=before)
    try:
        assert len(pids) == 2
        assert {psutil.Process(pid).uids().real for pid in pids} == {somebody}
    finally:
        end(process, pids)


def test_a_machine_where_nothing_works_is_told_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = Servers(folder)
    monkeypatch.setattr(postgresql, "_namespace", list)
    monkeypatch.setattr(postgresql, "_nobody", list)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(CannotStart, match="set DATABASE_URL"):
        servers.start()
