"""Instants on screens: in the reader's words, on the clock of the house, the exact one on hover."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from django.template import Context, Template
from django.utils import translation

from crm.templatetags import words
from tests.sources import ROOT

# Documents and mails are paper: nothing hovers there.
ON_PAPER = {"documents", "emails"}
SCREENS = [
    path
    for path in (ROOT / "templates").rglob("*.html")
    if path.relative_to(ROOT / "templates").parts[0] not in ON_PAPER
]
# Django's own filters of time, and any filter but a default put on something that is an instant.
RAW = re.compile(
    r"\|(?:date|time|timesince|timeuntil|naturaltime|naturalday)\b|{%\s*now\b"
    r"|\w*(?:_at|page_at)\|(?!default)\w+|{{\s*[\w.]+_at\s*}}"
)
MIDNIGHT = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)  # in Brussels it is the day after


def raw(source: str) -> list[str]:
    return RAW.findall(source)


def test_every_instant_on_a_screen_goes_through_its_own_tag() -> None:
    assert len(SCREENS) > 100
    found = {path.name: raw(path.read_text(encoding="utf-8")) for path in SCREENS}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_a_raw_instant_would_be_seen() -> None:
    assert raw("{{ row.made_at|date:'c' }}") and raw("{{ row.made_at|day }}")
    assert raw("{{ row.made_at }}") and raw("{% now 'Y' %}")
    assert not raw("{% instant row.made_at|default:row.queued_at %} {{ on|day }}")


def shown(tag: str, **given: object) -> str:
    with translation.override("fr"):
        return Template("{% load words %}" + tag).render(Context(given))


def test_the_exact_instant_stands_on_hover_with_its_offset() -> None:
    for tag in ("{% instant at %}", "{% instant_day at %}", "{% instant_age at age %}"):
        page = shown(tag, at=MIDNIGHT, age=timedelta(seconds=40))
        assert 'title="mardi 3 mars 2026, 00:30:00 +0100"' in page, tag
        assert 'datetime="2026-03-02T23:30:00+00:00"' in page, tag


def test_the_day_of_an_instant_is_that_of_the_house_and_not_of_greenwich() -> None:
    assert ">3 mars 2026<" in shown("{% instant_day at %}", at=MIDNIGHT)
    assert ">40\u202fs<" in shown(
        "{% instant_age at age %}", at=MIDNIGHT, age=timedelta(seconds=40)
    )
    assert shown("{% instant_day at %}{% instant_age at age %}", at=None, age=None) == ""


def test_an_entry_of_the_audit_shows_no_brackets() -> None:
    with translation.override("en"):
        assert words.plainly(["open_promise:P-1", "retry"]) == "open_promise:P-1, retry"
        assert (words.plainly(False), words.plainly(True), words.plainly(3)) == ("no", "yes", "3")
