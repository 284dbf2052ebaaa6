"""Lists as they come: any delimiter, encoding and damage; and what is no list at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from crm.tables import Unreadable
from followups import listing
from followups.listing import Listing
from followups.records import LONGEST_LINE, PLAIN

NUMBER, OTHER = "+32470123456", "0475998877"


def listed(tmp_path: Path, content: bytes | str, **how: object) -> Listing:
    path = tmp_path / "list.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return listing.look_at(path, **how)  # type: ignore[arg-type]


def cells(found: Listing) -> list[str | None]:
    return [cell for _line, _text, _end, cell, _problem in found.rows()]


def problems(found: Listing) -> dict[int, str]:
    return {line: problem for line, _text, _end, _cell, problem in found.rows() if problem}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_dialect_is_found_out(tmp_path: Path, delimiter: str, end: str, mark: bytes) -> None:
    rows = [["Id", "Phone Number", "City"], ["1", NUMBER, "Gent"], ["2", OTHER, "Liège"]]
    text = "".join(delimiter.join(row) + end for row in rows)
    found = listed(tmp_path, mark + text.encode())
    assert (found.delimiter, found.place, found.width, found.heading) == (delimiter, 1, 3, True)
    assert cells(found) == [NUMBER, OTHER]


@pytest.mark.parametrize("name", ["TELEPHONE", "Téléphone", "tel.", "GSM", "Rufnummer", "msisdn"])
def test_the_column_is_known_by_its_name(tmp_path: Path, name: str) -> None:
    found = listed(tmp_path, f"a;{name};b\n1;;2\n")
    assert (found.place, found.heading) == (1, True)


def test_the_column_is_known_by_what_stands_in_it(tmp_path: Path) -> None:
    found = listed(tmp_path, f"a;wie;b\n1;{NUMBER};2\n2;n/a;2\n3;{OTHER};2\n")
    assert (found.place, found.heading) == (1, True)


def test_a_list_may_have_no_heading(tmp_path: Path) -> None:
    found = listed(tmp_path, f"1;{NUMBER}\n2;{OTHER}\n")
    assert (found.place, found.heading, cells(found)) == (1, False, [NUMBER, OTHER])
    assert cells(listed(tmp_path, f"{NUMBER}\n{OTHER}")) == [NUMBER, OTHER]
    assert cells(listed(tmp_path, f"x\n{OTHER}", heading=False)) == ["x", OTHER]


@pytest.mark.parametrize("column", ["mobile", "Mobile ", "3"])
def test_the_column_may_be_said(tmp_path: Path, column: str) -> None:
    found = listed(tmp_path, f"id,phone,mobile\n1,{NUMBER},{OTHER}\n", column=column)
    assert (found.place, found.heading, cells(found)) == (2, True, [OTHER])


@pytest.mark.parametrize(
    ("content", "how", "said"),
    [
        (b"", {}, "empty"),
        (b"\n\n", {}, "empty"),
        (b"PK\x03\x04rest", {}, "spreadsheet"),
        (b"\x1f\x8brest", {}, "compressed"),
        ("phone\n1".encode("utf-16"), {}, "UTF-16"),
        (b"ph\0ne\n1", {}, "not a text file"),
        (b"phone\r+32470123456\r", {}, "CR alone"),
        (b"a;b\n1;2\n", {}, "No column holds"),
        (b"x;y\n+32470123456;+32475998877\n", {}, "Several columns hold telephone numbers (x, y)"),
        (b"tel;gsm\n+32470123456;+32475998877\n", {}, "(tel, gsm)"),
        (b"id;phone\n1;2\n", {"column": "fax"}, "The first line has: id, phone"),
        (b"tel;tel\n1;2\n", {"column": "tel"}, "Several columns are called tel"),
        (b"id;phone\n1;2\n", {"column": "7"}, "There is no column 7"),
        (b"id;phone\n1;2\n", {"column": "0"}, "There is no column 0"),
        (b'id;"phone\n1;2\n', {}, "quotation marks"),
        (b"x" * (2 * LONGEST_LINE), {}, "Line 1 is longer"),
    ],
)
def test_what_is_no_list_is_refused_in_words(
    tmp_path: Path, content: bytes, how: dict[str, str], said: str
) -> None:
    with pytest.raises(Unreadable) as refused:
        listed(tmp_path, content, **how)
    assert said in str(refused.value)


def test_a_spreadsheet_is_known_by_its_name_as_well(tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"anything")
    with pytest.raises(Unreadable, match="spreadsheet"):
        listing.look_at(path)


def test_quotation_marks_may_hold_delimiters_and_line_breaks(tmp_path: Path) -> None:
    content = f'name;phone\r\n"Du;pont ""D""";"{NUMBER}"\r\n"two\r\nlines";{OTHER}\r\n5" pipe;1\r\n'
    found = listed(tmp_path, content)
    assert cells(found) == [NUMBER, OTHER, "1"]
    assert [line for line, *_rest in found.rows()] == [2, 3, 5]
    assert [text for _line, text, *_rest in found.rows()][1] == f'"two\r\nlines";{OTHER}'


def test_a_quotation_mark_that_is_never_closed_costs_its_own_line(tmp_path: Path) -> None:
    rows = "".join(f"{n};{NUMBER}\n" for n in range(40))
    found = listed(tmp_path, f'id;phone\n1;"{OTHER}\n2;"{OTHER}\n{rows}')
    assert problems(found) == dict.fromkeys((2, 3), "has quotation marks that do not match")
    assert cells(found) == [None, None, *[NUMBER] * 40]


def test_a_row_of_another_width_is_not_guessed_at(tmp_path: Path) -> None:
    found = listed(tmp_path, f"name;phone;city\nDu;pont;{NUMBER};Gent\nA;{OTHER}\n\nB;{OTHER};X\n")
    assert problems(found) == {
        2: "has 4 cells; the first line has 3",
        3: "has 2 cells; the first line has 3",
    }
    assert cells(found) == [None, None, None, OTHER]


def test_three_hundred_columns_are_a_list(tmp_path: Path) -> None:
    heading = ";".join(f"c{n}" for n in range(299))
    found = listed(tmp_path, f"{heading};phone\n" + "x;" * 299 + NUMBER)
    assert (found.width, found.place, cells(found)) == (300, 299, [NUMBER])


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "latin-1"])
def test_the_encoding_does_not_matter(tmp_path: Path, encoding: str) -> None:
    content = f"prénom;phone\nÉléonore;{NUMBER}\n".encode(encoding)
    found = listed(tmp_path, content)
    assert cells(found) == [NUMBER]
    (row,) = found.rows()
    assert row[1].encode(PLAIN) == f"Éléonore;{NUMBER}".encode(encoding)


def test_digits_of_other_scripts_are_read(tmp_path: Path) -> None:
    found = listed(tmp_path, "name;phone\nx;٠٤٧٠١٢٣٤٥٦\n")
    assert [listing.text(cell or "") for cell in cells(found)] == ["٠٤٧٠١٢٣٤٥٦"]


def test_a_line_without_end_is_not_held_in_memory(tmp_path: Path) -> None:
    rows = b"+32470123456\n" * 1000
    found = listed(tmp_path, b"phone\n" + rows + b"9" * (3 * LONGEST_LINE))
    with pytest.raises(Unreadable, match="Line 1002"):
        list(found.rows())
