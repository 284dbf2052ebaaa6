"""PostgreSQL and Valkey for a machine that has none, under one folder that one process holds."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from config.postgresql import Postgres
from config.processes import CannotStart, Listener
from config.valkey import Valkey

# The kernel takes socket paths of 107 bytes; PostgreSQL adds a lock file's ending to its own.
LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")
# A comma separates hosts and a blank ends a word somewhere between here and a client.
PLAIN_PATH = re.compile(r"[\w./-]+", re.ASCII)


NEW = 30  # seconds


class Held(CannotStart):
    """Another process holds the folder."""


class Servers:
    """Both, under one folder that one process at a time may hold."""

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = True,
        max_connections: int = 100,
        listener: Listener | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self._durable = durable
        self._max_connections = max_connections
        self._listener = listener
        self._lock: int | None = None
        self.sockets: Path | None = None
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None

    def start(self, *, postgres: bool = True, valkey: bool = True) -> tuple[str, str]:
        """Starts what is asked for; returns both addresses, "" for what is not asked for."""
        sockets = self.claim()
        self.postgres = Postgres(
            self.folder / "postgres",
            sockets,
            durable=self._durable,
            max_connections=self._max_connections,
            listener=self._listener,
        )
        self.valkey = Valkey(
            self.folder / "valkey", sockets, durable=self._durable, listener=self._listener
        )
        try:
            database_url = self.postgres.start() if postgres else ""
            return database_url, self.valkey.start() if valkey else ""
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """In the opposite order; the data stay."""
        if self.valkey is not None:
            self.valkey.stop()
        if self.postgres is not None:
            self.postgres.stop()
        self.release()

    def claim(self) -> Path:
        """Takes the folder for this process; returns the folder for the sockets."""
        if self._lock is None:
            self._lock = _hold(self.folder)
        if self.sockets is None:
            self.sockets = _socket_folder(self.folder)
        return self.sockets

    def release(self) -> None:
        if self.sockets is not None and self.sockets.parent != self.folder:
            shutil.rmtree(self.sockets, ignore_errors=True)
        self.sockets = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _hold(folder: Path) -> int:
    """An open file with an exclusive lock: the kernel gives it back when we die."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CannotStart(f"cannot write in {folder}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(handle, 32).decode() or "unknown"
        os.close(handle)
        raise Held(f"{folder} is in use by another ./kept (process {holder})") from error
    os.truncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _socket_folder(folder: Path) -> Path:
    """A private folder for sockets; a short one under /tmp when ours is too deep or too fancy."""
    note = folder / "sockets.path"
    with contextlib.suppress(OSError):
        left_behind = Path(note.read_text())
        if left_behind.name.startswith("kept-"):
            shutil.rmtree(left_behind, ignore_errors=True)
        note.unlink()
    own = folder / "sockets"
    if len(os.fsencode(own)) <= LONGEST_SOCKET_FOLDER and PLAIN_PATH.fullmatch(str(own)):
        own.mkdir(exist_ok=True, mode=0o700)
        own.chmod(0o700)
        return own
    short = Path(tempfile.mkdtemp(prefix="kept-", dir="/tmp"))
    note.write_text(str(short))
    return short


def discard_stale(parent: Path, prefix: str) -> None:
    """Removes throw-away folders under `parent` whose starter was killed.

    Not the newest: its starter may be about to take the lock.
    """
    for folder in parent.glob(f"{prefix}*"):
        with contextlib.suppress(CannotStart, OSError):
            if time.time() - folder.stat().st_mtime < NEW:
                continue
            handle = _hold(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)
