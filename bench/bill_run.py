"""A bill run: documents, covers, volumes and manifest, by two builders of which one is killed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pikepdf
import psutil
import psycopg

from bench import load, rig, seeds
from bench.gate import asking
from bench.report import Series, keep, say, verdict

SIZES = {"full": 100_000, "smoke": 120}
MINUTES, MEMORY_MB, GATE_P99 = 15.0, 1000.0, 100.0  # the pass lines
BUILDERS = 2
GATE_RATE = 50.0
WINDOW = 5.0  # seconds of one stretch of gate questions
LOOK = 0.25
RUN = """
INSERT INTO crm_postaladdress (customer_id, street, postcode, city)
SELECT i, 'rue Generated ' || i, (1000 + i %% 9000)::text, 'Bench'
FROM generate_series(1, {people}) i;
INSERT INTO offers_offerline (version_id, side, position, label, monthly, one_off, volume,
    speed_down_mbps)
SELECT i, side, place, 'Line ' || place, 20 + (i * 7 + place * 3) %% 60, place * 10, '',
    CASE WHEN place = 0 THEN 100 * (1 + i %% 9) END
FROM generate_series(1, {people}) i, unnest(ARRAY['today', 'proposed']) side,
    generate_series(0, 1) place;
WITH opened AS (INSERT INTO offers_printrun (id, kind, bill_day, status, cut_off_at, mailing_date,
    opened_at, opened_by, closed_by, printed_by, mailed_by, whole_by)
VALUES (1, 'bill_run', 12, 'open', now() - interval '1 minute', current_date + 3, now(), 'bench',
    '', '', '', '') RETURNING id)
INSERT INTO offers_printrunevent (run_id, from_status, to_status, at, by, cause, data)
SELECT id, '', 'open', now(), 'bench', 'opened', '{{}}' FROM opened
"""
LINES = """
BEGIN;
INSERT INTO offers_delivery (id, key, customer_id, channel, version_id, language, status, token,
    tries, next_try_at, queued_at, queued_by, why, reply_status, link_generation)
SELECT i, gen_random_uuid(), i, 'bill_insert', i, 'fr', 'queued', 0, 0, now(), now(), 'bench',
    'promised', '', 1 FROM generate_series({first}, {last}) i;
INSERT INTO offers_deliveryevent (delivery_id, from_status, to_status, token, at, by, cause)
SELECT i, '', 'queued', 0, now(), 'bench', 'promised' FROM generate_series({first}, {last}) i;
INSERT INTO offers_deliverytext (delivery_id, to_name, address, domain, reference, words,
    promised_date, reading_days, reply)
SELECT i, 'Generated ' || i, 'rue Generated ' || i || E'\\n' || (1000 + i %% 9000) || ' Bench', '',
    'P-' || i, 'Vous recevrez l''offre avec votre facture.', current_date, 3, ''
FROM generate_series({first}, {last}) i;
INSERT INTO offers_printline (run_id, delivery_id, joined_at, joined_by, sha256, status)
SELECT 1, i, now(), 'bench', '', 'pending' FROM generate_series({first}, {last}) i;
COMMIT
"""
AT_ONCE = 5_000


@dataclass
class Watched:
    """What was seen while the run was built."""

    peak_mb: float = 0.0
    kills: int = 0
    gate: list[load.Result] = field(default_factory=list)


def fill(house: rig.Rig, sheets: int) -> None:
    seeds.fill(house, people=sheets, promises=min(sheets, 20_000))
    with house.connect() as connection:
        for statement in RUN.format(people=sheets).replace("%%", "%").split(";\n"):
            connection.execute(statement.encode())
        for first in range(1, sheets + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, sheets)
            text = LINES.format(first=first, last=last).replace("%%", "%")
            connection.execute(text.encode())
        connection.execute("VACUUM ANALYZE")


def builder(house: rig.Rig) -> subprocess.Popen[bytes]:
    words = [sys.executable, "manage.py", "bill_run", "build"]
    log = subprocess.DEVNULL
    return subprocess.Popen(words, cwd=rig.ROOT, env=house.env, stdout=log, stderr=log)


def counted(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0] or 0) if row else 0


PREPARED = "SELECT count(*) FROM offers_printline WHERE pages IS NOT NULL"
BUILT = "SELECT count(*) FROM offers_printvolume WHERE built_at IS NOT NULL"
VOLUMES = "SELECT count(*) FROM offers_printvolume"
READY = "SELECT count(*) FROM offers_printrun WHERE id = 1 AND ready_at IS NOT NULL"


def built(house: rig.Rig, sheets: int, watched: Watched) -> float:
    """Seconds until the run is ready. One builder is killed amid the documents, and one amid the
    volumes; another takes its place at once."""
    begun = time.perf_counter()
    crew = [builder(house) for _ in range(BUILDERS)]
    try:
        with house.connect() as connection:
            while not counted(connection, READY):
                watched.peak_mb = max(watched.peak_mb, _memory(crew))
                if _time_to_kill(connection, sheets, watched.kills):
                    crew[0].kill()
                    crew[0].wait()
                    crew[0], watched.kills = builder(house), watched.kills + 1
                crew = [one if one.poll() is None else builder(house) for one in crew]
                time.sleep(LOOK)
        return time.perf_counter() - begun
    finally:
        for one in crew:
            one.kill()
            one.wait()


def _time_to_kill(connection: psycopg.Connection, sheets: int, kills: int) -> bool:
    if kills == 0:
        return counted(connection, PREPARED) >= sheets // 2
    volumes = counted(connection, VOLUMES)
    return kills == 1 and volumes > 1 and counted(connection, BUILT) >= volumes // 2


def _memory(crew: list[subprocess.Popen[bytes]]) -> float:
    total = 0
    for one in crew:
        try:
            total += psutil.Process(one.pid).memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


@contextmanager
def asked(port: int, people: int, watched: Watched) -> Iterator[None]:
    """Gate questions at a steady rate for as long as the body runs."""
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            stretch = load.opened(
                port, asking(port, people), connections=4, rate=GATE_RATE, seconds=WINDOW
            )
            watched.gate.append(stretch)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def faults(house: rig.Rig, sheets: int) -> list[str]:
    """Every sheet once, in order, and every volume as its sum says; empty when all is well."""
    found = []
    with house.connect() as connection:
        rows = connection.execute(
            "SELECT id, first, last, sheets, sha256 FROM offers_printvolume ORDER BY number"
        ).fetchall()
        expected = 1
        for pk, first, last, pages, sha256 in rows:
            if first != expected:
                found.append(f"volume {pk} begins at {first}, not {expected}")
            expected = last + 1
            if (seen := _pages(connection, pk)) != (pages, sha256):
                found.append(f"volume {pk} has {seen[0]} pages, not {pages}")
        whole = counted(connection, "SELECT sum(pages) FROM offers_printline")
        listed = counted(connection, "SELECT count(DISTINCT sequence) FROM offers_printline")
    if expected != sheets + 1 or listed != sheets:
        found.append(f"{listed} lines in order, {expected - 1} in volumes, of {sheets}")
    if sum(row[3] for row in rows) != whole:
        found.append("the volumes and the lines differ in their pages")
    return found


def _pages(connection: psycopg.Connection, volume: int) -> tuple[int, str]:
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "volume.pdf"
        with file.open("wb") as opened, connection.transaction():
            pieces = connection.cursor("pieces")
            pieces.itersize = 1
            pieces.execute(
                "SELECT data FROM offers_printpiece WHERE volume_id = %s ORDER BY number", [volume]
            )
            for (data,) in pieces:
                opened.write(data)
                digest.update(data)
            pieces.close()
        with pikepdf.open(file) as pdf:
            return len(pdf.pages), digest.hexdigest()


MANIFEST = """
import os, sys, django
django.setup()
from offers import manifests
from offers.models import PrintRun
with open(sys.argv[1], "w", encoding="utf-8", newline="") as file:
    for part in manifests.write(PrintRun.objects.get(pk=1)):
        file.write(part)
"""


def manifest(house: rig.Rig) -> tuple[float, int]:
    """Seconds to write it, and its lines without the header."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "manifest.csv"
        begun = time.perf_counter()
        words = [sys.executable, "-c", MANIFEST, str(file)]
        subprocess.run(words, cwd=rig.ROOT, env=house.env, check=True)
        seconds = time.perf_counter() - begun
        with file.open(encoding="utf-8") as opened:
            return seconds, sum(1 for _line in opened) - 1


def run(profile: str) -> bool:
    return measure(SIZES[profile], profile)


def measure(sheets: int, profile: str) -> bool:
    """Builds one run of so many sheets and says how it went."""
    say(f"bill_run: {sheets:,} inserts, {BUILDERS} builders, {GATE_RATE:g} gate questions a second")
    watched = Watched()
    with rig.house() as house:
        fill(house, sheets)
        with rig.kept(house) as server, asked(server.port, sheets, watched):
            seconds = built(house, sheets, watched)
        wrong = faults(house, sheets)
        writing, lines = manifest(house)
        with house.connect() as connection:
            size = counted(connection, "SELECT sum(size) FROM offers_printvolume") / 1e6
            volumes = counted(connection, VOLUMES)
    gate = load.merged(watched.gate, 1.0)
    if wrong or lines != sheets or gate.failed:
        raise SystemExit(f"wrong: {wrong[:5]}, {lines} manifest lines, gate {gate.statuses}")
    say(f"  {volumes} volumes, {size:,.0f} MB; killed {watched.kills} times; every sheet once")
    series = [
        Series("built and merged", "s", (seconds,)),
        Series("manifest written", "s", (writing,)),
        Series("sheets a second", "/s", (sheets / seconds,)),
        Series("memory of both builders, highest", "MB", (watched.peak_mb,)),
        Series("gate p99 meanwhile", "ms", (gate.percentile(0.99),)),
    ]
    for one in series:
        say(f"  {one}")
    keep("bill_run", profile, series, {"sheets": sheets, "volumes": volumes})
    if profile == "smoke":
        return True
    checks = [
        verdict("minutes", (seconds + writing) / 60, MINUTES, least=False, trusted=True),
        verdict("memory, MB", watched.peak_mb, MEMORY_MB, least=False, trusted=True),
        verdict("gate p99, ms", gate.percentile(0.99), GATE_P99, least=False, trusted=True),
    ]
    return all(checks)
