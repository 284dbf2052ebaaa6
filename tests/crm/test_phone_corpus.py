"""Telephone numbers as people, dialers and files write them: spellings.jsonl, line by line.

Each line is a spelling, the country whose national numbers are meant, and the E.164 number that it
is, or in words why it is none.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import phonenumbers
import pytest

from crm import phone

Line = tuple[str, str, str]
CORPUS = Path(__file__).with_name("spellings.jsonl")
# Here the library answers, because it looks for a number in a text. A gate must not guess.
GUESSED = {
    "a dial string",
    "a machine",
    "a sentence",
    "letters",
    "raised digits",
    "two numbers",
    "two signs",
    "unreadable",
}
REASONS = GUESSED | {
    "a date or an amount",
    "emergency",
    "no country",
    "not assigned",
    "service code",
    "short",
    "too long",
    "too short",
    "withheld",
}


def _lines() -> list[Line]:
    rows = map(json.loads, CORPUS.read_text(encoding="utf-8").splitlines())
    return [(spelling, region, meant) for spelling, region, meant in rows]


LINES = _lines()
NUMBERS = [line for line in LINES if line[2].startswith("+")]
NONE = [line for line in LINES if not line[2].startswith("+")]


def _by_us(spelling: str, region: str) -> str | None:
    try:
        return phone.normalise(spelling, region)
    except phone.NotANumber:
        return None


def _by_library(spelling: str, region: str) -> str | None:
    try:
        number = phonenumbers.parse(spelling, region.upper())
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def test_the_corpus_is_long_enough_and_repeats_nothing() -> None:
    assert len(LINES) >= 500
    seen = Counter((spelling, region) for spelling, region, _ in LINES)
    assert [line for line, times in seen.items() if times > 1] == []
    assert {meant for _, _, meant in NONE} == REASONS


@pytest.mark.parametrize(("spelling", "region", "meant"), NUMBERS)
def test_a_spelling_means_its_number(spelling: str, region: str, meant: str) -> None:
    assert phone.normalise(spelling, region) == meant


@pytest.mark.parametrize(("spelling", "region", "why"), NONE)
def test_what_is_no_number_is_none(spelling: str, region: str, why: str) -> None:
    assert _by_us(spelling, region) is None, why


@pytest.mark.parametrize("region", sorted({region for _, region, _ in LINES}))
def test_many_at_once_mean_what_each_of_them_means(region: str) -> None:
    # Each spelling, also as one of another region, and with a line break that nobody expects.
    written = [spelling for spelling, _, _ in LINES]
    for several in (written, [spelling.replace("\n", " ") for spelling in written]):
        found = phone.normalise_all(several, region)
        assert found == [_by_us(spelling, region) for spelling in several]


def test_where_the_library_reads_a_spelling_it_reads_the_same() -> None:
    read = [(line, _by_library(*line[:2])) for line in NUMBERS]
    assert [line for line, number in read if number not in {None, line[2]}] == []
    # Most of them it reads; the rest are URIs, percent signs and lost plus signs.
    assert sum(number is not None for _, number in read) > len(NUMBERS) * 0.7


def test_where_only_the_library_finds_a_number_it_had_to_guess() -> None:
    read = [line for line in NONE if _by_library(*line[:2]) is not None]
    assert [line for line in read if line[2] not in GUESSED] == []


def test_every_number_of_the_corpus_is_one_that_can_be_assigned() -> None:
    meant = {number for _, _, number in NUMBERS}
    assert [number for number in meant if _by_library(number, "ZZ") != number] == []


def test_every_number_of_the_corpus_reads_back_in_groups() -> None:
    for _, region, meant in NUMBERS:
        assert phone.normalise(phone.international(meant), region) == meant
