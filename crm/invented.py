"""Names, numbers and addresses made up from a seed, for sample files that have none. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from crm.customers import fold

T = TypeVar("T")
WORDS = Path(__file__).parent / "data" / "invented_words.json"
# Numbers that several people have: one in SHARING takes one of that many.
SHARING, SHARED_NUMBERS = 30, 60
WITHOUT_EMAIL = 12
GENERATORS = (
    "name",
    "language",
    "phones",
    "email",
    "street",
    "postcode",
    "city",
    "bill_day",
)


class Dice:
    """The same throws for the same seed, in every version of Python."""

    def __init__(self, seed: str) -> None:
        self._left = int.from_bytes(hashlib.shake_256(seed.encode()).digest(64), "big")

    def below(self, most: int) -> int:
        self._left, thrown = divmod(self._left, most)
        return thrown

    def pick(self, among: Sequence[T]) -> T:
        return among[self.below(len(among))]


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    """The lists of words, which belong to this project."""
    loaded: dict[str, Any] = json.loads(WORDS.read_text(encoding="utf-8"))
    return loaded


def person(seed: str, key: str) -> Mapping[str, str]:
    """A value for each generator; the same seed and key are the same person."""
    dice, lists = Dice(f"{seed} {key}"), words()
    language = _weighted(dice, lists["weights"])
    own = lists[language]
    first, last = dice.pick(own["first"]), dice.pick(own["last"])
    postcode, city = dice.pick(own["places"])
    street = _street(language, dice.pick(own["streets"]), dice.below(140) + 1)
    return {
        "name": f"{first} {last}",
        "language": language,
        "phones": ";".join(_phones(seed, dice)),
        "email": _email(dice, first, last, lists["domains"]),
        "street": street,
        "postcode": postcode,
        "city": city,
        "bill_day": str(dice.below(28) + 1),
    }


def _weighted(dice: Dice, weights: Mapping[str, int]) -> str:
    thrown = dice.below(sum(weights.values()))
    for name, weight in weights.items():
        thrown -= weight
        if thrown < 0:
            return name
    raise AssertionError("a throw below the sum of the weights")


def _street(language: str, street: str, number: int) -> str:
    return f"{street}, {number}" if language == "fr" else f"{street} {number}"


def _mobile(dice: Dice) -> str:
    return f"+324{dice.pick('789')}{dice.below(10_000_000):07d}"


def _phones(seed: str, dice: Dice) -> list[str]:
    own = _mobile(dice)
    fixed = f"+324{dice.pick('23')}{dice.below(1_000_000):06d}"
    second, shares, which = dice.below(3), dice.below(SHARING), dice.below(SHARED_NUMBERS)
    numbers = [own] if second else [own, fixed]
    if not shares:
        numbers.append(_mobile(Dice(f"{seed} shared {which}")))
    return numbers


def _email(dice: Dice, first: str, last: str, domains: Sequence[str]) -> str:
    number, domain = dice.below(10_000), dice.pick(domains)
    if not dice.below(WITHOUT_EMAIL):
        return ""
    local = ".".join(_ascii(part) for part in (first, last))
    return f"{local}.{number:04d}@{domain}"


def _ascii(text: str) -> str:
    plain = fold(text).replace("ß", "ss")
    return "".join(c for c in plain if c.isascii() and c.isalnum())
