"""What is wrong with the rules of a policy, figure by figure, in words to act on. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

EMPTY_PERIOD = re.compile(r"(?P<day>[a-z]{3}): (?P<period>[\d:]+-[\d:]+) is empty or overlaps")


@dataclass(frozen=True)
class Fault:
    """`path` names the figure as crm/rules.py does, like "caps.0.most"; empty: the whole."""

    path: str
    message: str


def faults(error: ValidationError) -> list[Fault]:
    """One fault for each figure: the first of those that were found."""
    found: dict[str, Fault] = {}
    for one in error.errors():
        for fault in _faults(list(one["loc"]), one):
            found.setdefault(fault.path, fault)
    return list(found.values())


def _faults(place: list[Any], error: Any) -> Iterator[Fault]:
    if error["type"] == "value_error":
        yield _ours(place, str(error["ctx"]["error"]))
    else:
        yield Fault(_path(place), _told(place, error))


def _path(place: list[Any]) -> str:
    """The figure that a person sees: an opening is part of its day, a relation of the consents."""
    deep = {"week": 3, "early_ends": 2, "instead": 2}
    depth = deep.get(str(place[1]), len(place)) if len(place) > 1 else len(place)
    return ".".join(str(part) for part in place[:depth])


def _told(place: list[Any], error: Any) -> str:
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "string_pattern_mismatch" and place[-1] == "country":
        return _("Two capital letters, such as BE.")
    words = _words().get(kind, _("This cannot be read: %(why)s"))
    n = limits.get("ge", limits.get("le", limits.get("max_length")))
    return words % {"n": n, "why": error["msg"]}


def _words() -> dict[str, str]:
    """By pydantic's name for what is wrong."""
    return {
        "missing": _("This has to be filled in."),
        "greater_than_equal": _("At least %(n)s."),
        "less_than_equal": _("At most %(n)s."),
        "string_too_short": _(
            "Say where it comes from: a law, a code, or that it is your own choice."
        ),
        "string_too_long": _("At most %(n)s characters."),
        "literal_error": _("Choose one of the list."),
        "int_parsing": _("A whole number."),
        "int_type": _("A whole number."),
        "string_pattern_mismatch": _("2 to 30 small letters, digits or underscores."),
        "extra_forbidden": _("Kept knows no such figure."),
    }


def _ours(place: list[Any], said: str) -> Fault:
    """What the rules themselves refuse (crm/rules.py says it in plain English)."""
    day = EMPTY_PERIOD.search(said)
    if day:
        words = _("%(period)s is empty, or overlaps the one before it.")
        return Fault(f"hours.week.{day['day']}", words % {"period": day["period"]})
    path, name = _path(place), str(place[-1]) if place else ""
    if "single opening" in said:
        return Fault("hours.week.mon", _("Without a single opening nobody could ever be called."))
    if "public holidays" in said:
        return Fault(path, _("No public holidays are known of this country."))
    if "incoming" in said or "only conversations" in said:
        return Fault(f"{path}.unit", _("Only conversations come in; an attempt is a call of ours."))
    if "no grade" in said:
        return Fault("product.grades.email", _("Each channel needs its grade."))
    if "day of the year" in said:
        return Fault(path, _("A day of the year is written as 12-24."))
    if "early_ends" in path or "week" in path or name.isdigit():
        return Fault(path, _("A time is written as 09:00."))
    return Fault(path, _("This cannot be read: %(why)s") % {"why": said})
