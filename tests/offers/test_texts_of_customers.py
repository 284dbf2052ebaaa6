"""What customers read, offers/data/*_texts.yaml: whole in each of their languages, and well set."""

from __future__ import annotations

import re
from typing import Any

import pytest

from config import typography
from offers.wording import DATA, LANGUAGES, _spaced, read

ROOMS = sorted(path.stem for path in DATA.glob("*_texts.yaml"))
HOLDER = re.compile(r"\{(\w+)")


def texts(room: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """(name, language -> text) of a room; a fault of its own where something is no such table."""
    return [(name, table if isinstance(table, dict) else {}) for name, table in room.items()]


def faults(room: dict[str, Any]) -> list[str]:
    """Languages that are missing or too many, empty texts, other placeholders, bad typesetting."""
    found = []
    for name, table in texts(room):
        if set(table) != set(LANGUAGES) or not all(str(text).strip() for text in table.values()):
            found.append(f"{name}: has {', '.join(sorted(table))}")
            continue
        holders = {language: set(HOLDER.findall(text)) for language, text in table.items()}
        if len({frozenset(names) for names in holders.values()}) > 1:
            found.append(f"{name}: other placeholders: {holders}")
        for language, text in table.items():
            set_text = _spaced(text, language)
            # English has its apostrophe as it is typed: typewriters set it, and readers know it.
            if language == "en":
                set_text = set_text.replace("'", "’")
            found += [f"{name}.{language}: {x}" for x in typography.faults(set_text, language)]
    return found


def test_there_are_texts() -> None:
    assert len(ROOMS) >= 7
    assert sum(len(texts(read(room))) for room in ROOMS) > 200


@pytest.mark.parametrize("room", ROOMS)
def test_every_text_of_a_customer_stands_in_all_of_their_languages(room: str) -> None:
    assert faults(read(room)) == []


@pytest.mark.parametrize(
    "table",
    [
        {"fr": "Oui", "nl": "Ja", "en": "Yes"},
        {"fr": "Oui", "nl": "Ja", "de": "", "en": "Yes"},
        {"fr": "Oui {name}", "nl": "Ja {name}", "de": "Ja", "en": "Yes {name}"},
        {"fr": "L'offre", "nl": "Aanbod", "de": "Angebot", "en": "Offer"},
        {"fr": "Oui", "nl": "Ja", "de": "Ja", "en": "Yes", "it": "Sì"},
    ],
)
def test_a_text_that_is_not_whole_is_found(table: dict[str, str]) -> None:
    assert faults({"planted": table})
