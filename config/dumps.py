"""A dump of the database into one file, and back into an empty database, by PostgreSQL's programs.

The file holds every row, documents and print files among them, and none of the settings: SECRET_KEY
and HASH_PEPPER are kept elsewhere. Without them its links and hashes are dead.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from django.db import connection

from config.postgresql import postgres_programs

# libpq's names for what Django calls its parameters.
PARTS = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
PARTS |= {"dbname": "PGDATABASE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
# Whose database it becomes is for the server that takes it; comments on extensions are its own.
PLAIN = ["--no-owner", "--no-privileges", "--no-comments"]


class Failed(RuntimeError):
    """PostgreSQL's program refused; the message is what it said."""


def dump(path: Path) -> int:
    """Writes the database as it is at one instant, while others go on; returns the bytes.

    The file gets its name when it is whole. It is readable by its owner alone.
    """
    part = path.with_name(f"{path.name}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        _run("pg_dump", ["--format=custom", *PLAIN, f"--file={part}"])
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def restore(path: Path) -> None:
    """Reads a dump into this database, which must be empty: all of it or nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()")
        (tables,) = cursor.fetchone()
    connection.close()
    if tables:
        raise Failed(
            f"This database is not empty ({tables} tables), and nothing was changed. Make a new one"
            " and name it in DATABASE_URL."
        )
    database = connection.settings_dict["NAME"]
    options = ["--single-transaction", "--exit-on-error", *PLAIN, f"--dbname={database}"]
    _run("pg_restore", [*options, str(path)])


def _run(program: str, words: list[str]) -> None:
    command = [str(postgres_programs() / program), *words]
    done = subprocess.run(  # noqa: S603  (our own program; no shell)
        command, env=_env(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(done.stderr.strip() or f"{program} ended with {done.returncode}")


def _env() -> dict[str, str]:
    """How to reach the database: in the environment, where no list of processes shows it."""
    asked = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    given = connection.get_connection_params()
    found = {PARTS[name]: str(value) for name, value in given.items() if name in PARTS and value}
    return asked | found | {"PGCONNECT_TIMEOUT": "10", "LC_ALL": "C.UTF-8"}
