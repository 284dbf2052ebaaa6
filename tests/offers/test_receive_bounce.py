"""`manage.py receive_bounce`: nothing that a mail server hands over is lost."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError

from offers import reports
from offers.management.commands import receive_bounce
from offers.models import UnmatchedReport

MESSAGE = b"From: <a@mail.example>\r\nTo: bounce@kept.example\r\nSubject: x\r\n\r\nhello\r\n"


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Any:
    def given(raw: bytes) -> io.BytesIO:
        stream = io.BytesIO(raw)
        monkeypatch.setattr(receive_bounce.sys, "stdin", SimpleNamespace(buffer=stream))
        return stream

    monkeypatch.setattr(receive_bounce, "nudge", lambda name: None)
    return given


@pytest.mark.django_db
def test_what_matches_nothing_is_kept(stdin: Any, capsys: pytest.CaptureFixture[str]) -> None:
    stdin(MESSAGE)
    call_command("receive_bounce")
    assert capsys.readouterr().out == "kept\n"
    assert bytes(UnmatchedReport.objects.get().raw) == MESSAGE


@pytest.mark.django_db
def test_what_matches_is_taken_in_and_the_sender_nudged(
    stdin: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[str] = []
    monkeypatch.setattr(receive_bounce, "nudge", nudged.append)
    monkeypatch.setattr(receive_bounce.bounces, "receive", lambda **kwargs: True)
    stdin(MESSAGE)
    call_command("receive_bounce")
    assert capsys.readouterr().out == "taken in\n"
    assert nudged == ["send"]


@pytest.mark.django_db
@pytest.mark.parametrize("trouble", [OperationalError("gone"), RuntimeError("a fault of ours")])
def test_in_trouble_the_mail_server_keeps_the_mail(
    stdin: Any, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def broken(**kwargs: object) -> bool:
        raise trouble

    monkeypatch.setattr(receive_bounce.bounces, "receive", broken)
    stdin(MESSAGE)
    with pytest.raises(SystemExit) as stopped:
        call_command("receive_bounce")
    assert stopped.value.code == 75


@pytest.mark.django_db
def test_nothing_at_all_is_an_error_of_the_caller(stdin: Any) -> None:
    stdin(b"\r\n")
    with pytest.raises(SystemExit) as stopped:
        call_command("receive_bounce")
    assert stopped.value.code == 65


@pytest.mark.django_db
def test_a_huge_mail_is_cut_and_read_to_its_end(
    stdin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive_bounce, "LARGEST", 200)
    stream = stdin(MESSAGE + b"x" * 300_000)
    call_command("receive_bounce")
    assert len(bytes(UnmatchedReport.objects.get().raw)) == 200
    assert stream.read() == b""
    assert receive_bounce.CHUNK < reports.LARGEST
