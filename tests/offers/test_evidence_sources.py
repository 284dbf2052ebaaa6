"""Providers that sign: a secret shown once, rotated, switched off; and the command for it."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from crm.models import AuditEntry
from offers import evidence_sources
from offers.evidence_sources import BadSource
from offers.models import EvidenceSource
from tests.cast import MINUTE, START, SYSTEM

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("evidence_source", *words, stdout=out)
    return out.getvalue().strip()


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


def test_a_secret_shows_nowhere_but_once() -> None:
    opened = evidence_sources.add(name="press", carries="paper", by=SYSTEM, at=START)
    assert len(opened.secret) > 40
    assert opened.source.shared_secret == opened.secret
    for thing in (opened, opened.source, run("list"), AuditEntry.objects.values()):
        assert opened.secret not in f"{thing!r} {thing}"


@pytest.mark.parametrize("name", ["", "Press", "a" * 31, "a b", "-a", "a\n"])
def test_a_name_that_cannot_stand_in_a_report_is_refused(name: str) -> None:
    with pytest.raises(BadSource):
        evidence_sources.add(name=name, carries="paper", by=SYSTEM, at=START)


def test_a_name_is_given_once() -> None:
    evidence_sources.add(name="press", carries="paper", by=SYSTEM, at=START)
    with pytest.raises(BadSource, match="already"):
        evidence_sources.add(name="press", carries="mail", by=SYSTEM, at=START)
    assert EvidenceSource.objects.get().carries == "paper"


def test_another_secret_ends_the_old_one() -> None:
    first = evidence_sources.add(name="press", carries="paper", by=SYSTEM, at=START)
    later = START + MINUTE
    second = evidence_sources.rotate(source=first.source, by=SYSTEM, at=later)
    row = EvidenceSource.objects.get()
    assert row.shared_secret == second.secret != first.secret
    assert (row.rotated_at, row.rotated_by) == (later, SYSTEM.code)


def test_what_is_switched_off_is_not_there() -> None:
    source = evidence_sources.add(name="press", carries="paper", by=SYSTEM, at=START).source
    assert evidence_sources.switch(source=source, on=False, by=SYSTEM, at=START)
    assert not evidence_sources.switch(source=source, on=False, by=SYSTEM, at=START)
    assert evidence_sources.named("press") is None
    assert evidence_sources.switch(source=source, on=True, by=SYSTEM, at=START)
    assert evidence_sources.named("press") == source
    assert actions() == [f"evidence_source_{what}" for what in ("added", "off", "on")]


def test_the_command_adds_lists_rotates_and_switches() -> None:
    secret = run("add", "press", "--carries", "paper")
    assert EvidenceSource.objects.get().shared_secret == secret
    assert run("list") == "press\tpaper\ton"
    assert run("rotate", "press") != secret
    run("off", "press")
    assert run("list") == "press\tpaper\toff"
    run("on", "press")
    with pytest.raises(CommandError, match="already"):
        run("add", "press", "--carries", "paper")
    with pytest.raises(CommandError, match="no source"):
        run("off", "nobody")
