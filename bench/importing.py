"""A million customers from a CSV file, from the file to the rows; beside COPY, and beside
django-import-export on a part of them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import rig
from bench.report import TOO_WIDE, Series, keep, say, verdict

MINUTES, MEMORY, TIMES = 5.0, 300.0, 5.0  # the pass lines
HEAD = "Klantnummer;Naam;Voornaam;Taal;GSM;E-mail;Straat;Nr;Postcode;Gemeente;Factuur;Team\n"


@dataclass(frozen=True)
class Size:
    """How much is measured: lines of ours, lines of the peer, how often the limit."""

    lines: int
    peer: int
    rounds: int


SIZES = {"full": Size(1_000_000, 20_000, 3), "smoke": Size(300, 60, 1)}
TEAM = """
INSERT INTO crm_team (slug, name, calendar) VALUES ('bench', 'Bench', '{}')
"""
# The limit: the same rows by COPY into the same tables, made beforehand by somebody else.
TABLES = {
    "crm_customer": "id, reference, external_id, language, country, bill_medium, team_id,"
    " generated, created_at, erased_by",
    "crm_customertext": "customer_id, name, folded_name, note",
    "crm_postaladdress": "customer_id, street, postcode, city",
    "crm_phonenumber": "customer_id, e164, position",
    "crm_emailaddress": "customer_id, address, position",
}
EQUAL = """
SELECT (SELECT count(*) FROM crm_customer c JOIN crm_customertext t ON t.customer_id = c.id
        JOIN crm_postaladdress a ON a.customer_id = c.id
        JOIN crm_phonenumber n ON n.customer_id = c.id
        JOIN crm_emailaddress e ON e.customer_id = c.id
        WHERE t.name = 'Voor' || substr(c.external_id, 2) || ' Achter'
            AND n.e164 = '+3247' || lpad(substr(c.external_id, 2), 7, '0')
            AND e.address = 'g' || substr(c.external_id, 2) || '@bench.example'
            AND a.street = 'Kouter ' || substr(c.external_id, 2)::int % 200),
    (SELECT count(*) FROM crm_gatechange), (SELECT count(*) FROM crm_importchange)
"""


def written(folder: Path, lines: int) -> Path:
    path = folder / f"klanten-{lines}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for n in range(1, lines + 1):
            digits = f"047{n:07d}"
            number = f"{digits[:4]}/{digits[4:6]}.{digits[6:8]}.{digits[8:]}"
            file.write(
                f"K{n};Achter;Voor{n};{'NF'[n % 2]};{number};g{n}@bench.example;Kouter;{n % 200};"
                f"{1000 + n % 9000};Gent;papier;bench\n"
            )
    return path


def emptied(house: rig.Rig) -> None:
    with house.connect() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("TRUNCATE crm_customer, crm_import CASCADE")
        connection.execute("CHECKPOINT")


def brought_in(house: rig.Rig, path: Path) -> tuple[float, float, str]:
    """Seconds and megabytes of the whole command, and what it said last."""
    words = ["manage.py", "import_file", "customers", str(path), "--start", "--skip-checks"]
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words], cwd=rig.ROOT, env=house.env, stdout=said
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().splitlines()
    if process.returncode:
        raise SystemExit(f"the import ended with {process.returncode}: {text[-3:]}")
    return seconds, usage.ru_maxrss / 1024, text[-1]


def equal(house: rig.Rig, lines: int) -> None:
    """Every line is a customer with its name, number and addresses, and the feed knows of it."""
    with house.connect() as connection:
        found = connection.execute(EQUAL.encode()).fetchone()
    if found != (lines, lines, lines):
        raise SystemExit(f"{found} customers, gate changes and changes of {lines} lines")


def copied(house: rig.Rig, folder: Path) -> float:
    """Seconds of COPY of rows that are ready, with every index and key checked."""
    with house.connect() as connection:
        for table, columns in TABLES.items():
            statement = f"COPY {table} ({columns}) TO STDOUT".encode()
            with (
                (folder / table).open("wb") as file,
                connection.cursor() as cursor,
                cursor.copy(statement) as out,
            ):
                file.writelines(out)
    emptied(house)
    with house.connect() as connection:
        began = time.perf_counter()
        with connection.transaction():
            for table, columns in TABLES.items():
                statement = f"COPY {table} ({columns}) FROM STDIN".encode()
                with (
                    (folder / table).open("rb") as file,
                    connection.cursor() as cursor,
                    cursor.copy(statement) as into,
                ):
                    while piece := file.read(1 << 20):
                        into.write(piece)
        return time.perf_counter() - began


def peer(house: rig.Rig, path: Path, mode: str) -> float:
    """Lines a second of django-import-export; of a customer its own row and no more."""
    words = [sys.executable, "-m", "bench.import_export", str(path), mode]
    done = subprocess.run(
        words, cwd=rig.ROOT, env=house.env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return float(json.loads(done.stdout)["rate"])


def measure(profile: str, size: Size) -> bool:
    say(f"importing: {size.lines:,} customers, COPY {size.rounds} times, peer {size.peer:,} lines")
    there = importlib.util.find_spec("import_export") is not None
    peers: dict[str, float] = {}
    with rig.house() as house, tempfile.TemporaryDirectory(prefix="kept-import-") as name:
        folder = Path(name)
        with house.connect() as connection:
            connection.execute(TEAM.encode())
        part = written(folder, size.peer)
        for mode in ("bulk", "plain") if there else ():
            emptied(house)
            peers[mode] = peer(house, part, mode)
        emptied(house)
        ours_part, _memory, _said = brought_in(house, part)
        emptied(house)
        path = written(folder, size.lines)
        seconds, memory, said = brought_in(house, path)
        equal(house, size.lines)
        again, _memory, said_again = brought_in(house, path)
        if f"{size.lines} new" not in said or f"{size.lines} the same" not in said_again:
            raise SystemExit(f"{said}; and again: {said_again}")
        limits = tuple(copied(house, folder) for _ in range(size.rounds))
    return _told(profile, size, peers, limits, (ours_part, seconds, again, memory))


def _told(
    profile: str,
    size: Size,
    peers: dict[str, float],
    limits: tuple[float, ...],
    ours: tuple[float, float, float, float],
) -> bool:
    part, seconds, again, memory = ours
    limit = Series("COPY of finished rows, no check, no feed", "s", limits)
    series = [
        limit,
        Series("import_file: read, checked, written", "s", (seconds,)),
        Series("  the same file again: all the same", "s", (again,)),
        Series("  its memory", "MB", (memory,)),
        Series("  customers a second", "/s", (size.lines / seconds,)),
        Series(f"  of {size.peer:,} lines, Python's start included", "/s", (size.peer / part,)),
    ]
    series += [
        Series(f"django-import-export, {mode}, one table of five", "/s", (rate,))
        for mode, rate in peers.items()
    ]
    for one in series:
        say(str(one))
    if not peers:
        say("  django-import-export is absent: nothing beside it")
    say(f"  times COPY: {seconds / limit.median:.2f}")
    say("  every line is a customer with name, number and addresses; the second time all the same")
    keep("importing", profile, series, {"lines": size.lines, "times_copy": seconds / limit.median})
    if profile == "smoke":
        return True
    checks = [
        verdict("minutes", seconds / 60, MINUTES, least=False, trusted=True),
        verdict("megabytes", memory, MEMORY, least=False, trusted=True),
    ]
    if "plain" in peers:
        times = size.lines / seconds / peers["plain"]
        quiet = limit.spread <= TOO_WIDE
        checks.append(verdict("times import-export", times, TIMES, least=True, trusted=quiet))
    return all(checks)


def run(profile: str) -> bool:
    return measure(profile, SIZES[profile])
