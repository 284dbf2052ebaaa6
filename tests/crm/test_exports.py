"""What leaves the house as a file: no spreadsheet runs what a stranger wrote into a cell."""

from __future__ import annotations

import ast
import csv
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import openpyxl
import pytest

from crm import audit_log, exports
from crm.importing import bad_lines
from crm.imports import Refusal
from crm.refusals import Refusals
from followups.api import feed
from followups.board import exports as board
from offers import manifests
from tests.cast import Cast
from tests.crm.importing.files import HEAD, checked
from tests.sources import modules

HOSTILE = (
    "=1+1",
    '=HYPERLINK("http://evil.example","x")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "\u00a0=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
)
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def runs(cell: str) -> bool:
    """Whether a spreadsheet takes it for a formula, as OWASP has it, also behind blanks."""
    return cell.lstrip(" \u00a0").startswith(STARTS)


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    plain = io.StringIO(text.removeprefix("\ufeff"), newline="")
    return list(csv.reader(plain, delimiter=delimiter))


# Every file that the house writes for a spreadsheet, with one hostile cell in it.


def _bad_lines(value: str, cast: Cast, folder: Path) -> list[list[str]]:
    quoted = '"' + value.replace('"', '""') + '"'
    row = checked(f"{HEAD};{quoted};xx;;;;;;liege\n")
    return read("".join(bad_lines.write(row)), ";")


def _refusals(value: str, cast: Cast, folder: Path) -> list[list[str]]:
    refused = Refusals(folder / "refused.csv")
    refused.add(Refusal(2, "name", value))
    refused.close()
    return read((folder / "refused.csv").read_bytes().decode())


def _manifest(value: str, cast: Cast, folder: Path) -> list[list[str]]:
    text = SimpleNamespace(address=f"{value}\n4000 {value}", reference=value, to_name=value)
    line = SimpleNamespace(
        sequence=1, code="d1", pages=2, sha256="00", delivery=SimpleNamespace(text=text)
    )
    run: Any = SimpleNamespace(total=1)
    with mock.patch("offers.print_lines.stretch", lambda *args, **kwargs: [line]):
        return read("".join(manifests.write(run)))


def _board_csv(value: str, cast: Cast, folder: Path) -> list[list[str]]:
    with mock.patch.object(board, "cells", lambda row: [value]):
        return read("".join(board.as_csv([mock.Mock()])))


def _board_xlsx(value: str, cast: Cast, folder: Path) -> list[list[str]]:
    with (
        mock.patch.object(board, "cells", lambda row: [value]),
        board.as_xlsx([mock.Mock()]) as out,
    ):
        sheet: Any = openpyxl.load_workbook(out).active
    assert all(cell.data_type == "s" for row in sheet.iter_rows() for cell in row if cell.value)
    return [[str(cell.value or "") for cell in row] for row in sheet.iter_rows()]


def _feed(value: str, cast: Cast, folder: Path) -> list[list[str]]:
    names = ("number", "state", "code", "not_before", "expires_at")
    return read(feed._table([dict.fromkeys(names, value)]))


def _audit(value: str, cast: Cast, folder: Path) -> list[list[str]]:
    with mock.patch.object(audit_log, "_rows", lambda asked: [[value] * len(audit_log.HEADS)]):
        return read("".join(audit_log._written(mock.Mock())))


# What is read by programs alone, and never by a person with a spreadsheet.
NOT_FOR_SPREADSHEETS = {
    "crm.pull_list": "codes and references of ours, for `erase_customer --again`",
    "followups.demo": "the demo's customers, on their way into an import",
    "followups.demo_house": "likewise",
}
FILES = (_bad_lines, _refusals, _manifest, _board_csv, _board_xlsx, _feed, _audit)


@pytest.mark.django_db
@pytest.mark.parametrize("write", FILES)
@pytest.mark.parametrize("value", HOSTILE)
def test_no_file_of_the_house_has_a_cell_that_a_spreadsheet_runs(
    cast: Cast, tmp_path: Path, write: Callable[..., list[list[str]]], value: str
) -> None:
    rows = write(value, cast, tmp_path)
    assert any(value[-2:] in cell for cell in rows[-1]), "the cell is there"
    assert [cell for row in rows for cell in row if runs(cell)] == []


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("=1+1", "'=1+1"),
        ("-x", "'-x"),
        ("+32 470 12 34 56", "+32 470 12 34 56"),
        ("+32470123456", "+32470123456"),
        ("-12,50", "-12,50"),
        ("+32;=1", "'+32;=1"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_a_number_with_its_sign_stays_one_and_everything_else_is_text(cell: str, kept: str) -> None:
    assert exports.harmless(cell) == kept


def test_what_a_spreadsheet_cannot_hold_is_left_out_and_breaks_no_file() -> None:
    rows = [["a\x00b\x0bc\ufffe"]]
    with exports.xlsx_file("x", ["h"], rows, widths=[10]) as file:
        sheet: Any = openpyxl.load_workbook(file).active
    assert sheet["A2"].value == "abc"


def test_only_one_room_writes_files_for_spreadsheets() -> None:
    """Whoever adds a list takes `crm.exports`, and adds it to FILES above."""
    writers = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if (
            isinstance(node, ast.Attribute)
            and ast.unparse(node) in {"csv.writer", "csv.DictWriter"}
        )
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openpyxl"))
    }
    assert writers == {"crm.exports", *NOT_FOR_SPREADSHEETS}
    askers = {
        module.name
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"exports.csv_lines", "exports.csv_file", "exports.xlsx_file"}
    }
    assert askers == {
        "crm.audit_log",
        "crm.importing.bad_lines",
        "crm.refusals",
        "followups.api.feed",
        "followups.board.exports",
        "offers.manifests",
    }
