"""Every command of README.md and docs/, run as it stands there, page by page, in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.blocks import Block, blocks, pages, printed, shape, unlike
from tests.docs.reader import House, Reader, answer_of, missing

RUN = [page for page in pages() if any(block.is_run for block in blocks(page))]


def test_every_command_does_what_its_page_says(house: House, tmp_path: Path) -> None:
    """In one house, as somebody who reads on: starting one for each page takes longer than all
    its commands."""
    absent: list[str] = []
    for number, page in enumerate(RUN):
        folder = tmp_path / str(number)
        folder.mkdir()
        reader = Reader(house, folder)
        for block in blocks(page):
            if not block.is_run:
                continue
            if programs := missing(block.text):
                absent.append(f"{block.place} needs {', '.join(programs)}")
                continue
            compared(block, reader.types(block))
    if absent:
        pytest.skip("; ".join(absent))


def compared(block: Block, said: str) -> None:
    if not block.answer:
        return
    if not block.answer.startswith("{"):
        assert printed(block.answer).search(said), f"{block.place}: printed was\n{said}"
        return
    told = answer_of(said)
    assert told, f"{block.place}: no JSON in\n{said}"
    wrong = list(unlike(shape(block.answer), told[-1]))
    assert wrong == [], f"{block.place}: {wrong} in {told[-1]}"
