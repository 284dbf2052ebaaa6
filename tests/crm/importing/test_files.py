"""Files of every spelling, and files that mean harm: read alike, or refused in words."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from crm.importing import files, sheet, spreadsheets
from crm.tables import Unreadable

TEXT = "naam;plaats\nZoë;Liège\n"


def read(tmp_path: Path, content: bytes, name: str = "file.csv") -> tuple[list[str], list[Any]]:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with files.opened(path, name) as found:
        return found.headings, list(found.lines)


def workbook(rows: list[list[Any]], **more: list[list[Any]]) -> bytes:
    book = openpyxl.Workbook()
    for number, (title, lines) in enumerate({"List": rows, **more}.items()):
        page = book.active if number == 0 else book.create_sheet()
        page.title = title
        for line in lines:
            page.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_every_encoding_and_delimiter_is_read_alike(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    content = TEXT.replace(";", delimiter).encode(encoding)
    assert read(tmp_path, content) == (["naam", "plaats"], [(2, ["Zoë", "Liège"], "")])


def test_quoted_cells_hold_delimiters_and_line_breaks(tmp_path: Path) -> None:
    content = b'a;b\n"x;y";"two\nlines"\n1;2\n'
    assert read(tmp_path, content)[1] == [(2, ["x;y", "two\nlines"], ""), (4, ["1", "2"], "")]


def test_a_spreadsheet_is_read_with_its_days_and_numbers(tmp_path: Path) -> None:
    began = datetime.fromisoformat("2026-11-20 14:05")
    rows = [
        ["Naam", "GSM", "Sinds", "Begin", "Bedrag", "Ja"],
        [
            "Zoë",
            470123456,
            date(2026, 11, 20),
            began,
            12.5,
            True,
        ],
        [None, None, None, None, None, None],
        ["=1+1", "0470", None, None, 3.0, None],
    ]
    found, lines = read(tmp_path, workbook(rows), "file.XLSX")
    assert found == ["naam", "gsm", "sinds", "begin", "bedrag", "ja"]
    assert lines[0] == (
        2,
        ["Zoë", "470123456", "2026-11-20", "2026-11-20 14:05:00", "12.5", "yes"],
        "",
    )
    assert lines[1][0] == 4 and lines[1][1][4] == "3"


def test_the_first_sheet_with_something_in_it_is_read(tmp_path: Path) -> None:
    content = workbook([], People=[["naam"], ["Zoë"]])
    assert read(tmp_path, content, "a.xlsx") == (["naam"], [(2, ["Zoë"], "")])


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def bomb() -> bytes:
    """Ten thousand times larger than it looks."""
    return zipped(
        **{
            "[Content_Types].xml": b"<x/>",
            "xl__workbook.xml": b"<x/>",
            "xl__worksheets__sheet1.xml": b"0" * 30_000_000,
        }
    )


def crowd() -> bytes:
    members = {f"xl__media__{n}": b"x" for n in range(1_100)}
    return zipped(**{"[Content_Types].xml": b"<x/>", "xl__workbook.xml": b"<x/>", **members})


def far_cell() -> bytes:
    """One cell in the last row of the last column: a whole sheet of nothing before it."""
    book = openpyxl.Workbook()
    book.active["A1"] = "naam"
    book.active["XFD1048576"] = "x"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "empty"),
        ("a.pdf", b"%PDF", "must end in"),
        ("a.xls", b"\xd0\xcf", "save it as .xlsx"),
        ("a.xlsx", b"PK\x03\x04 broken", "damaged"),
        ("a.xlsx", b"name;city\n", "damaged"),
        ("a.xlsx", zipped(hello=b"x"), "damaged"),
        ("a.xlsx", bomb(), "unpacks to more"),
        ("a.xlsx", crowd(), "unpacks to more"),
        ("a.csv", b"PK\x03\x04", "not a text file"),
        ("a.csv", b"a;A\n1;2\n", "same name"),
        ("a.csv", b"x" * 50_000, "longer"),
        ("a.csv", b"\xff\xfe\x00\xd8", "UTF-16"),
    ],
)
def test_what_is_no_file_of_ours_is_refused_before_anything_is_kept(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=words):
        files.check(path, name)


def test_a_file_that_is_too_large_is_refused_by_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(TEXT.encode())
    monkeypatch.setattr(files, "MOST_BYTES", 10)
    with pytest.raises(Unreadable, match="cut it in two"):
        files.check(path, "a.csv")


def test_a_sheet_that_is_wide_and_empty_ends_its_reader_and_nobody_else(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="unpacks to more"):
        read(tmp_path, far_cell(), "a.xlsx")


def test_the_reader_of_spreadsheets_is_given_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    class Done:
        returncode = sheet.EMPTY

    def noted(words: list[str], **given: Any) -> Done:
        seen.update(given)
        return Done()

    monkeypatch.setattr(spreadsheets.subprocess, "run", noted)
    with pytest.raises(Unreadable, match="no visible sheet"):
        read(tmp_path, workbook([["a"], ["b"]]), "a.xlsx")
    assert set(seen["env"]) == {"PATH", "LC_ALL"}


def test_a_reader_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheets, "PATIENCE", 0.001)
    with pytest.raises(Unreadable, match="too long"):
        read(tmp_path, workbook([["a"], ["b"]]), "a.xlsx")
