"""How the languages of the house are set: apostrophes, quotation marks, spaces. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Not prose: what is filled in, markup, addresses, times, commands of the shell.
NOT_PROSE = re.compile(r"%\(\w+\)[sdr]|%%|\{[^{}]*\}|<[^<>]+>|https?:\S*|\d+:\d+|\./\S+")
# U+00A0, the no-break space: the narrow one is missing in many a font of many a mail program.
HARD = "\u00a0"
EVERYWHERE = (
    (re.compile(r"'"), "a straight apostrophe"),
    (re.compile(r'"'), "a straight quotation mark"),
    (re.compile(r"\.\.\."), "three full stops instead of …"),
    (re.compile(r"  "), "two spaces"),
    (re.compile(r"\u202f"), "a narrow no-break space: the house sets U+00A0"),
)
TALL = r"[:;!?»]"
RULES = {
    "fr": (
        (re.compile(rf"(?<![\s{HARD}]){TALL}(?=[\s).]|$)"), "no space before a tall mark"),
        (re.compile(rf"(?<=\S) {TALL}(?=[\s).,]|$)"), "a space that breaks before a tall mark"),
        (re.compile(rf"«(?!{HARD})"), "no hard space after «"),
        (re.compile(r"[“”„]"), "a foreign quotation mark"),
    ),
    "nl": (
        (re.compile(rf"[ {HARD}][:;!?](?=\s|$)"), "a space before a mark"),
        (re.compile(r"[«»„]|‘(?!s\b|t\b|n\b)"), "a foreign quotation mark"),
    ),
    "de": (
        (re.compile(rf"[ {HARD}][:;!?](?=\s|$)"), "a space before a mark"),
        (re.compile(r"[«»”]"), "a foreign quotation mark"),
    ),
    "en": ((re.compile(rf"[ {HARD}][:;!?](?=\s|$)"), "a space before a mark"),),
}


def faults(text: str, language: str) -> Iterator[str]:
    """What a typesetter of that language would mark in the text."""
    prose = NOT_PROSE.sub("x", text)
    for rule, fault in (*EVERYWHERE, *RULES[language]):
        if rule.search(prose):
            yield fault
