"""What the pages are made of: every block says what it is, and why it is not run if it is not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.docs.blocks import LANGUAGES, REASONS, blocks, indented, pages, printed, shape, unlike
from tests.sources import ROOT

PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))


@PAGES
def test_every_block_says_what_it_is(page: Path) -> None:
    assert indented(page) == [], "lines of code outside of a fence"
    strange = [block.place for block in blocks(page) if block.language not in LANGUAGES]
    assert strange == []


@PAGES
def test_what_is_not_run_says_why_and_only_what_can_be_run_has_a_reason(page: Path) -> None:
    marked = [block for block in blocks(page) if block.mark]
    assert {block.mark for block in marked} <= REASONS
    assert [block.place for block in marked if block.language != "sh"] == []
    assert page.read_text(encoding="utf-8").count("<!-- not run:") == len(marked)


def test_every_reason_is_used() -> None:
    assert {block.mark for page in pages() for block in blocks(page)} - {""} == REASONS


@PAGES
def test_every_command_can_be_read_by_a_shell(page: Path) -> None:
    """What cannot be run here is at least written as a shell reads it."""
    for block in blocks(page):
        if block.language == "sh":
            words = ["bash", "-n", "-c", block.text]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{block.place}: {done.stderr}"


def test_an_example_is_held_against_the_answer_by_its_shape() -> None:
    shown = shape('{"a": 1, "b": [{"c": "…"}], "d": null}')
    assert list(unlike(shown, {"a": 2, "b": [{"c": "x"}, {}], "d": "y"})) == []
    assert sorted(unlike(shown, {"a": "2", "b": [], "e": 1})) == [
        "$.a is str, and int is shown",
        "$.d is not there",
        "$.e is not shown",
    ]
    assert list(unlike(shape('{"a": 1, …}'), {"a": 1, "b": 2})) == []


def test_lines_are_held_against_what_was_printed() -> None:
    assert printed("7 rows: … new").search("before\n12 rows: 3 new")
    assert not printed("7 rows: 3 new").search("12 rows: 3 old")
