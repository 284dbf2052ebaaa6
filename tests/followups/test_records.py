"""Records of a list: a block of them at once is what one after the other gives."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable

import pytest

from followups import records
from followups.records import Block, Form, Record

FORM = Form(";", place=1, width=3)
PLAIN = ("a;0470123456;c", ";;", "é;+32 470 12 34 56;x y", "  ;1; ")
# Lines that need a closer look, and of which some may begin a record of several lines.
ODD = (
    "",
    " ",
    "a;b",
    "a;b;c;d",
    '"a";"0470";c',
    '"a;1";2;c',
    '5" pipe;1;c',
    '5" pipe;"1;c',
    '"two',
    'lines";1;c',
    '"never;closed;c',
    '"a""b";1;c',
    '"";"";""',
    '"',
    "a;b\r;c",
)


def one_by_one(data: bytes, form: Form, skip: int = 0) -> list[Record]:
    return [*records.each(records.lines(io.BytesIO(data)), form)][skip:]


def flat(blocks: Iterable[Block]) -> list[tuple[str, str, str | None, str]]:
    return [
        (text, end, cell, block.problems.get(place, (0, ""))[1])
        for block in blocks
        for place, (text, end, cell) in enumerate(
            zip(block.texts, block.ends, block.cells, strict=True)
        )
    ]


def rows_of(blocks: Iterable[Block]) -> list[str]:
    return [block.texts[place] for block in blocks for place in block.rows]


def lines_of(blocks: Iterable[Block]) -> list[int]:
    return [line for block in blocks for line, _why in block.problems.values()]


@pytest.mark.parametrize("odd", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("end", ["\n", "\r\n", "mixed"])
def test_blocks_are_the_records_one_by_one(
    odd: float, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(60):
        dice = random.Random(f"{seed} {odd} {end}")
        monkeypatch.setattr(records, "BLOCK", dice.choice((7, 60, 300, 5_000)))
        monkeypatch.setattr(records, "AT_ONCE", dice.choice((1, 7, 1000)))
        written = "".join(
            dice.choice(ODD if dice.random() < odd else PLAIN)
            + (dice.choice(("\n", "\r\n")) if end == "mixed" else end)
            for _ in range(dice.randrange(80))
        )
        data = written.encode("latin-1")[: None if dice.random() < 0.5 else -1]
        skip = dice.choice((0, 1))
        wanted = one_by_one(data, FORM, skip)
        found = [*records.blocks(io.BytesIO(data), FORM, skip=skip)]
        assert flat(found) == [row[1:] for row in wanted]
        assert rows_of(found) == [row[1] for row in wanted if row[3] is not None or row[4]]
        assert lines_of(found) == [row[0] for row in wanted if row[4]]


def test_plain_lines_are_not_looked_at_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    data = ("\n".join(PLAIN * 100) + "\n").encode("latin-1")
    monkeypatch.setattr(records, "each", None)
    (block,) = records.blocks(io.BytesIO(data), FORM)
    assert (len(block.texts), len(block.rows), block.cells[0]) == (400, 400, "0470123456")
    (block,) = records.blocks(io.BytesIO(data.replace(b"\n", b"\r\n")), FORM)
    assert block.ends == ["\r\n"] * 400


def test_one_odd_line_costs_its_own_block_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BLOCK", 200)
    data = (f"{PLAIN[0]}\n" * 30 + '"a;1";2;c\n' + f"{PLAIN[0]}\n" * 300).encode()
    found = [*records.blocks(io.BytesIO(data), FORM)]
    assert sum(block.odd is not None for block in found) == 1


def test_a_list_of_one_column_has_no_delimiter(monkeypatch: pytest.MonkeyPatch) -> None:
    form = Form(",", place=0, width=1)
    data = b"0470123456\n\n  \n0475\n"
    assert flat(records.blocks(io.BytesIO(data), form)) == [
        row[1:] for row in one_by_one(data, form)
    ]
