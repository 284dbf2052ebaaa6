"""The sink says in its log what it did before it says so to anybody else."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import smtplib
import subprocess
import sys
import threading
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from config import sink
from offers import message, reports
from offers.channels.smtp import Outcome, Timeouts, transmit

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = "0f" * 16 + "-a1b2c3d4e5"
PATH = message.verp("bounces@kept.example", KEY)
TO = "dupont@mail.example"
HASTY = Timeouts(connect=1, command=1, prelude=3, body=1, verdict=0.6)
ROOT = Path(__file__).parents[2]


def letter(number: int = 1) -> bytes:
    return message.build(
        message_id=f"<d{number}@kept.example>",
        mail_from="Kept <offers@kept.example>",
        reply_to="answers@kept.example",
        to_name="Mme Éléonore Dupont",
        to_address=TO,
        subject="Votre offre à 39,99 €",
        text="Bonjour\n.\nÀ bientôt",
        html="<p>Bonjour</p>",
        attachments=[("offre.pdf", "application/pdf", b"%PDF-1.7 " + bytes(range(256)) * 200)],
        date=AT,
    )


def send(url: str, number: int = 1, *, envelope_from: str = PATH) -> Outcome:
    return transmit(
        url=url,
        envelope_from=envelope_from,
        recipient=TO,
        message=letter(number),
        before_body=lambda: True,
        envelope_id=KEY,
        timeouts=HASTY,
    )


def weather(folder: Path, **shares: float) -> Path:
    path = folder / "faults.json"
    path.write_text(json.dumps(shares))
    return path


def test_a_mail_is_kept_byte_for_byte_and_listed(tmp_path: Path) -> None:
    with sink.running(tmp_path) as url:
        outcome = send(url)
    assert (outcome.kind, outcome.reply) == ("sent", "250 2.0.0 Ok: queued as 1")
    (mail,) = sink.messages(tmp_path)
    assert (mail.number, mail.subject, mail.message_id) == (
        1,
        "Votre offre à 39,99 €",
        "<d1@kept.example>",
    )
    assert (mail.envelope_from, mail.envelope_to) == (PATH, TO)
    assert "Dupont" in mail.to
    assert mail.at.tzinfo
    assert sink.message(tmp_path, 1) == letter()
    (entry,) = sink.entries(tmp_path)
    assert entry["sha256"] == hashlib.sha256(letter()).hexdigest()
    assert (entry["accepted"], entry["reply"]) == (True, outcome.reply)


def test_the_newest_mail_comes_first_and_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    for number in (1, 2):
        with sink.running(tmp_path) as url:
            send(url, number)
    assert [mail.message_id for mail in sink.messages(tmp_path)] == [
        "<d2@kept.example>",
        "<d1@kept.example>",
    ]


def test_the_log_is_written_before_the_reply(tmp_path: Path) -> None:
    with sink.running(tmp_path) as url:
        send(url)
        assert [entry["number"] for entry in sink.entries(tmp_path)] == [1]


def test_a_folder_emptied_meanwhile_fills_again(tmp_path: Path) -> None:
    with sink.running(tmp_path) as url:
        send(url)
        for path in tmp_path.iterdir():
            path.unlink()
        send(url, 2)
    assert [mail.message_id for mail in sink.messages(tmp_path)] == ["<d2@kept.example>"]


def test_an_empty_or_torn_log_is_no_accident(tmp_path: Path) -> None:
    assert sink.messages(tmp_path / "nowhere") == []
    (tmp_path / "log.jsonl").write_bytes(b'{"at": "2026-03-')
    with sink.running(tmp_path) as url:
        send(url)
    assert len(sink.messages(tmp_path)) == 1


def test_a_mail_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sink.message(tmp_path, 7)


def test_delivery_reports_are_offered(tmp_path: Path) -> None:
    with sink.running(tmp_path) as url, smtplib.SMTP(url.removeprefix("smtp://")) as client:
        client.ehlo("test.example")
        assert client.has_extn("dsn")
        assert client.has_extn("smtputf8")


def test_many_at_once_get_one_number_each(tmp_path: Path) -> None:
    with sink.running(tmp_path) as url:
        threads = [threading.Thread(target=send, args=(url, number)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    listed = sink.messages(tmp_path)
    assert sorted(mail.number for mail in listed) == list(range(1, 13))
    for mail in listed:
        assert mail.message_id.encode() in sink.message(tmp_path, mail.number)


@pytest.mark.parametrize(
    ("fault", "kind", "accepted"),
    [
        ("rcpt_4xx", "retry", False),
        ("rcpt_5xx", "failed", False),
        ("dot_4xx", "retry", False),
        ("dot_5xx", "failed", False),
        ("drop_after_dot", "unknown", True),
        ("drop_before_dot", "unknown", False),
        ("garbage", "unknown", True),
        ("tarpit", "unknown", True),
    ],
)
def test_each_fault_does_what_its_name_says(
    tmp_path: Path, fault: str, kind: str, accepted: bool
) -> None:
    faults = weather(tmp_path, **{fault: 1.0, "tarpit_seconds": 2})
    with sink.running(tmp_path / "mail", faults=faults) as url:
        outcome = send(url)
        weather(tmp_path)
        assert send(url, 2).kind == "sent"
    assert outcome.kind == kind
    first, second = sink.entries(tmp_path / "mail")
    assert (first["fault"], first["accepted"]) == (fault, accepted)
    assert (second["fault"], second["accepted"]) == ("", True)
    assert len(sink.messages(tmp_path / "mail")) == 1 + accepted
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1 + accepted
    if kind in ("retry", "failed"):
        assert outcome.reply == first["reply"]
    if fault.startswith("drop"):
        assert "connection" in outcome.reply.lower()


def test_the_same_seed_brings_the_same_weather(tmp_path: Path) -> None:
    def course(folder: str, seed: int) -> list[str]:
        faults = weather(tmp_path, seed=seed, rcpt_4xx=0.3, dot_5xx=0.3)
        with sink.running(tmp_path / folder, faults=faults) as url:
            for number in range(20):
                send(url, envelope_from=f"b{number % 10}@kept.example")
        return [entry["fault"] for entry in sink.entries(tmp_path / folder)]

    first = course("a", 11)
    assert first == course("b", 11)
    assert first != course("c", 12)
    assert set(first) == {"", "rcpt_4xx", "dot_5xx"}


@pytest.mark.parametrize("content", ["{", "[]", "null"])
def test_a_faults_file_that_makes_no_sense_brings_fair_weather(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "faults.json").write_text(content)
    with sink.running(tmp_path / "mail", faults=tmp_path / "faults.json") as url:
        assert send(url).kind == "sent"


@pytest.mark.parametrize(
    ("kind", "status", "hard"),
    [("failed", "5.1.1", True), ("delayed", "4.4.1", False), ("delivered", "2.0.0", False)],
)
def test_the_whole_way_there_and_back(tmp_path: Path, kind: str, status: str, hard: bool) -> None:
    with sink.running(tmp_path) as url:
        assert send(url).kind == "sent"
    (mail,) = sink.messages(tmp_path)
    original = sink.message(tmp_path, mail.number)
    raw = sink.dsn(kind, original, mail.envelope_to, mail.envelope_from, AT)  # type: ignore[arg-type]
    (report,) = reports.read(raw)
    assert (report.kind, report.status, report.hard) == (kind, status, hard)
    assert (report.recipient, report.arrived) == (TO, AT)
    assert report.original_message_id == "<d1@kept.example>"
    assert message.read_verp(report.envelope_to, "bounces@kept.example") == KEY


def test_a_full_mailbox_fails_without_blaming_the_address() -> None:
    raw = sink.dsn(
        "failed", letter(), TO, PATH, AT, status="5.2.2", diagnostic="552 5.2.2 Mailbox full"
    )
    (report,) = reports.read(raw)
    assert (report.kind, report.status, report.hard) == ("failed", "5.2.2", False)


def test_a_complaint_comes_back_as_a_complaint() -> None:
    (report,) = reports.read(sink.complaint(letter(), TO, PATH, AT))
    assert (report.kind, report.recipient) == ("complaint", TO)
    assert report.original_message_id == "<d1@kept.example>"
    assert message.read_verp(report.envelope_to, "bounces@kept.example") == KEY


def test_a_report_sent_twice_is_the_same_report_and_another_is_another() -> None:
    once = sink.dsn("failed", letter(), TO, PATH, AT)
    assert once == sink.dsn("failed", letter(), TO, PATH, AT)
    ids = {
        message_from_bytes(raw, policy=policy.default)["Message-ID"]
        for raw in (
            once,
            sink.dsn("delivered", letter(), TO, PATH, AT),
            sink.dsn("failed", letter(2), TO, PATH, AT),
            sink.complaint(letter(), TO, PATH, AT),
        )
    }
    assert len(ids) == 4


@pytest.mark.parametrize(
    "raw", [sink.dsn("delayed", letter(), TO, PATH, AT), sink.complaint(letter(), TO, PATH, AT)]
)
def test_a_report_is_well_formed(raw: bytes) -> None:
    mail = message_from_bytes(raw, policy=policy.default)
    assert [part.defects for part in mail.walk()] == [[] for _ in mail.walk()]
    assert mail.get_content_type() == "multipart/report"
    assert mail["To"] == PATH
    assert raw.count(b"\n") == raw.count(b"\r\n")


def test_as_a_process_it_takes_mail_and_ends_when_it_is_told(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "config.sink", "--smtp", "127.0.0.1:0", "--dir", tmp_path / "mail"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stderr
        port = process.stderr.readline().decode().strip().rpartition(":")[2]
        url = f"smtp://127.0.0.1:{port}"
        assert send(url).kind == "sent"
        with smtplib.SMTP("127.0.0.1", int(port), local_hostname="idle.example"):
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
    finally:
        process.kill()
        process.communicate()
    assert len(sink.messages(tmp_path / "mail")) == 1


def test_the_sink_knows_nothing_of_the_product() -> None:
    code = "import sys, config.sink; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    loaded = set(done.stdout.decode().split())
    assert "config.sink" in loaded
    assert not loaded & {"offers", "crm", "followups", "django.db.models"}
