"""The labelled bounces, where they are at hand; the pairing of labels and findings, everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from bench import bounces

needs_samples = pytest.mark.skipif(
    not (bounces.FOLDER / "expected.json").is_file(),
    reason="no labelled bounces at hand (BOUNCE_SAMPLES names their folder)",
)
BOUNCE = b"""\
From: MAILER-DAEMON@relay.example
To: bounce@kept.example
Subject: Undelivered Mail

<a@mail.example>: 550 5.1.1 User unknown
<b@mail.example>: 552 5.2.2 Mailbox full
"""


def label(status: str, hard: bool, reason: str = "userunknown") -> dict[str, Any]:
    return {"status": status, "hard": hard, "reason": reason}


@needs_samples
def test_real_bounces_are_read_as_well_as_documented() -> None:
    verdicts = [v for several in bounces.measure(bounces.FOLDER).values() for v in several]
    hardness = sum(v.hardness for v in verdicts) / len(verdicts)
    final = sum(v.final for v in verdicts) / len(verdicts)
    assert (round(hardness, 3) >= 0.927, round(final, 3) >= 0.985) == (True, True)


def test_each_label_gets_a_finding_of_its_own() -> None:
    swapped = [label("5.2.2", False, "mailboxfull"), label("5.1.1", True)]
    assert all(v.hardness and v.final for v in bounces.judge(BOUNCE, swapped))
    both_hard = [label("5.1.1", True), label("5.1.1", True)]
    assert [v.hardness for v in bounces.judge(BOUNCE, both_hard)] == [True, False]


def test_what_is_missing_agrees_with_nothing() -> None:
    three = [label("5.1.1", True)] * 3
    assert bounces.judge(BOUNCE, three)[2].found is None
    assert not bounces.judge(BOUNCE, three)[2].final


def test_without_samples_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.setattr(bounces, "FOLDER", tmp_path)
    assert bounces.run("smoke")
    assert "nothing measured" in capsys.readouterr().out
