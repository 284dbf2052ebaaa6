"""Spreadsheets from strangers: looked over as an archive first, then read by a limited process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils.translation import gettext as _

from crm.importing import sheet
from crm.tables import Unreadable

MOST_BYTES = 64 * 1024 * 1024
MOST_UNPACKED = 600 * 1024 * 1024
MOST_MEMBERS = 1_000
# Honest sheets are packed 5 to 30 times smaller; one of equal rows comes near 100.
MOST_RATIO = 200
SMALL = 1024 * 1024  # unpacked: harmless whatever its ratio
PATIENCE = 150  # seconds
ROOT = Path(__file__).resolve().parents[2]


def look_over(path: Path) -> None:
    """Raises Unreadable before anything is unpacked. What the archive says of itself is checked
    once more by the limits of the process that reads it."""
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable(_("The spreadsheet is larger than 64 MB: save it as CSV."))
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise Unreadable(
            _("This is no spreadsheet of the kind .xlsx, or it is damaged.")
        ) from error
    names = {member.filename for member in members}
    if "xl/workbook.xml" not in names or "[Content_Types].xml" not in names:
        raise Unreadable(_("This is no spreadsheet of the kind .xlsx, or it is damaged."))
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if (
        len(members) > MOST_MEMBERS
        or unpacked > MOST_UNPACKED
        or unpacked > max(SMALL, MOST_RATIO * packed)
    ):
        raise Unreadable(_("The spreadsheet unpacks to more than we read: save it as CSV."))


@contextmanager
def rows(path: Path) -> Iterator[tuple[str, Iterator[tuple[int, list[str]]]]]:
    """The name of its first visible sheet that has something in it, and the rows of that, numbered
    as the sheet numbers them. Raises Unreadable."""
    look_over(path)
    with tempfile.TemporaryDirectory(prefix="kept-sheet-") as folder:
        out = Path(folder) / "rows.jsonl"
        _read(path, out)
        with out.open(encoding="utf-8") as lines:
            name = json.loads(next(lines))
            yield name, ((number, cells) for number, cells in map(json.loads, lines))


def _read(path: Path, out: Path) -> None:
    words = [sys.executable, "-m", "crm.importing.sheet", str(path), str(out)]
    # Nothing of ours comes along: no address of the database, no secret.
    env = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(  # noqa: S603 (our own program, no shell)
            words, cwd=ROOT, env=env, capture_output=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise Unreadable(_("Reading the spreadsheet takes too long: save it as CSV.")) from error
    if done.returncode == sheet.EMPTY:
        raise Unreadable(_("The spreadsheet has no visible sheet with something in it."))
    if done.returncode == sheet.TOO_LARGE or done.returncode < 0:
        raise Unreadable(_("The spreadsheet unpacks to more than we read: save it as CSV."))
    if done.returncode:
        raise Unreadable(_("This is no spreadsheet of the kind .xlsx, or it is damaged."))
