"""Opening hours and days as a person writes them in one line, and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

CLOCK = r"(\d{1,2})[:.h](\d{2})"
PERIOD = re.compile(rf"{CLOCK}\s*[-\u2013\u2014]\s*{CLOCK}", re.ASCII)
EARLY = re.compile(rf"(\d{{1,2}})-(\d{{1,2}})\s+{CLOCK}", re.ASCII)


class Unread(ValueError):
    """A piece of the line that is neither a period nor a day; the message names it."""


def periods(text: str) -> list[list[str]]:
    """ "9:00-13:00, 14.00-19.00" as pairs of HH:MM. Raises Unread."""
    return [_period(piece) for piece in _pieces(text)]


def periods_text(found: Iterable[Iterable[str]]) -> str:
    return ", ".join("-".join(period) for period in found)


def early_ends(text: str) -> dict[str, str]:
    """ "12-24 18:30" as month and day with the time of the last call. Raises Unread."""
    found = {}
    for piece in _pieces(text):
        match = EARLY.fullmatch(piece)
        if match is None:
            words = _("“%(piece)s” is not a day and a time, such as 12-24 18:30.")
            raise Unread(words % {"piece": piece})
        month, day, hours, minutes = match.groups()
        found[f"{month:0>2}-{day:0>2}"] = f"{hours:0>2}:{minutes}"
    return found


def early_text(found: Mapping[str, str]) -> str:
    return ", ".join(f"{day} {clock}" for day, clock in found.items())


def _period(piece: str) -> list[str]:
    match = PERIOD.fullmatch(piece)
    if match is None:
        words = _("“%(piece)s” is not an opening, such as 09:00-13:00.")
        raise Unread(words % {"piece": piece})
    begins, first, ends, last = match.groups()
    return [f"{begins:0>2}:{first}", f"{ends:0>2}:{last}"]


def _pieces(text: str) -> list[str]:
    return [piece.strip() for piece in re.split(r"[,;\n]", text) if piece.strip()]
