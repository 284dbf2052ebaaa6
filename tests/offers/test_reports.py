"""What comes back is read for what it says, and never for more."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.reports import Report, read

KEY = "0f" * 16 + "-a1b2c3d4e5"
PATH = f"bounces+{KEY}@kept.example"
SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "bounces"

HUMAN = "This is the mail system at relay.example. I could not deliver your message."
HEADERS = """\
From: Kept <offers@kept.example>
To: Mme Dupont <dupont@mail.example>
Subject: Votre offre
Message-ID: <d1.k@kept.example>
"""


def report(status: str, *, kind: str = "delivery-status", returned: str = HEADERS) -> bytes:
    text = f"""\
Return-Path: <>
X-Original-To: {PATH}
Delivered-To: bounces@mailbox.internal
Received: by kept.example (Postfix) for <{PATH}>; Mon, 2 Mar 2026 09:05:02 +0100
Date: Mon, 2 Mar 2026 09:05:00 +0100 (CET)
From: MAILER-DAEMON@relay.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {PATH}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind};
\tboundary="4F2A1.1772/relay.example"
Message-Id: <20260302080500.B7@relay.example>

This is a MIME-encapsulated message.

--4F2A1.1772/relay.example
Content-Type: text/plain; charset=us-ascii

{HUMAN}

--4F2A1.1772/relay.example
Content-Type: message/{kind}

{status}
--4F2A1.1772/relay.example
Content-Type: text/rfc822-headers

{returned}
--4F2A1.1772/relay.example--
"""
    return text.replace("\n", "\r\n").encode()


def fate(action: str, status: str, diagnostic: str = "", extra: str = "") -> str:
    said = f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else ""
    return (
        "Reporting-MTA: dns; relay.example\nX-Postfix-Queue-ID: 4F2A1\n"
        "Arrival-Date: Mon,  2 Mar 2026 09:04:59 +0100 (CET)\n\n"
        "Final-Recipient: rfc822; dupont@mail.example\n"
        "Original-Recipient: rfc822;dupont@mail.example\n"
        f"Action: {action}\nStatus: {status}\n{extra}{said}"
    )


def only(raw: bytes) -> Report:
    (found,) = read(raw)
    return found


def letter(head: str, body: str = "Merci, bien reçu.") -> bytes:
    return f"{head}\n\n{body}\n".encode()


PERSON = (
    f"From: Mme Dupont <dupont@mail.example>\nTo: {PATH}\nDate: Mon, 2 Mar 2026 10:00:00 +0100\n"
    "Message-ID: <r1@mail.example>\nIn-Reply-To: <d1.k@kept.example>\nSubject: Re: Votre offre"
)


def test_a_bounce_says_who_why_and_which_mail() -> None:
    words = "550 5.1.1 <dupont@mail.example>: Recipient address\n    rejected: User unknown"
    assert only(report(fate("failed", "5.1.1", words))) == Report(
        kind="failed",
        status="5.1.1",
        hard=True,
        action="failed",
        recipient="dupont@mail.example",
        original_message_id="<d1.k@kept.example>",
        envelope_to=PATH,
        message_id="<20260302080500.B7@relay.example>",
        arrived=datetime(2026, 3, 2, 8, 5, tzinfo=UTC),
        diagnostic="smtp; 550 5.1.1 <dupont@mail.example>: Recipient address "
        "rejected: User unknown",
    )


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("delivered", "2.0.0", "delivered"),
        ("relayed", "2.0.0", "relayed"),
        ("expanded", "2.0.0", "expanded"),
        ("delayed", "4.4.1", "delayed"),
        ("Failed (permanent)", "5.0.0", "failed"),
        ("failed", "4.4.7 (delivery time expired)", "failed"),
        ("bewildered", "5.3.0", "failed"),
    ],
)
def test_every_action_of_the_standard_is_understood(action: str, status: str, kind: str) -> None:
    found = only(report(fate(action, status)))
    assert (found.kind, found.status, found.hard) == (kind, status.split()[0], False)


@pytest.mark.parametrize(
    ("status", "diagnostic", "hard"),
    [
        ("5.1.1", "", True),
        ("5.1.2", "", True),
        ("5.1.3", "", True),
        ("5.1.6", "", True),
        ("5.1.10", "", True),
        ("5.4.4", "", True),
        ("5.2.2", "552 5.2.2 mailbox full", False),
        ("5.1.1", "552 mailbox full", False),
        ("5.7.1", "550 5.7.1 rejected as spam: user unknown to us", False),
        ("5.1.1", "550 your host is on a blocklist", False),
        ("5.3.4", "552 5.3.4 message too big", False),
        ("5.1.0", "", False),
        ("5.0.0", "550 5.1.1 no such user", True),
        ("5.0.0", "550 Unknown user dupont", True),
        ("5.0.0", "550 rejected", False),
        ("5.2.1", "550 5.2.1 User unknown", True),
        ("5.2.1", "550 5.2.1 mailbox disabled", False),
        ("4.4.7", "550 5.1.1 user unknown", False),
        ("4.1.1", "450 user unknown", False),
    ],
)
def test_hard_means_only_that_the_address_is_bad(status: str, diagnostic: str, hard: bool) -> None:
    found = only(report(fate("failed", status, diagnostic)))
    assert (found.kind, found.hard) == ("failed", hard)


def test_a_report_on_several_people_is_several_reports() -> None:
    both = fate("failed", "5.1.1") + "\n" + fate("delivered", "2.1.5").partition("\n\n")[2]
    both = both.replace("dupont@mail.example", "peeters@mail.example", 2)
    first, second = read(report(both))
    assert (first.kind, first.recipient) == ("failed", "peeters@mail.example")
    assert (second.kind, second.recipient) == ("delivered", "dupont@mail.example")


def test_a_blank_line_inside_a_block_does_not_hide_its_end() -> None:
    split = fate("failed", "5.1.1").replace("Action:", "\nAction:")
    assert only(report(split)).status == "5.1.1"


def test_an_encoded_status_part_is_decoded() -> None:
    plain = fate("failed", "5.1.10")
    for encoding, body in (
        ("base64", base64.encodebytes(plain.encode()).decode()),
        ("quoted-printable", plain.replace("dupont@", "dupont=40").replace("5.1.10", "5.1=\n.10")),
    ):
        raw = report(body).replace(
            b"message/delivery-status\r\n",
            f"message/delivery-status\r\nContent-Transfer-Encoding: {encoding}\r\n".encode(),
        )
        found = only(raw)
        assert (found.kind, found.status) == ("failed", "5.1.10")
        assert found.recipient == "dupont@mail.example"


def test_the_whole_message_may_come_back_instead_of_its_headers() -> None:
    raw = report(fate("failed", "5.1.1"), returned=HEADERS + "\nBonjour")
    whole = raw.replace(b"text/rfc822-headers", b"message/rfc822")
    assert only(whole).original_message_id == "<d1.k@kept.example>"
    assert only(raw).original_message_id == "<d1.k@kept.example>"


def test_a_server_that_says_multipart_mixed_is_believed_only_as_a_machine() -> None:
    raw = report(fate("failed", "5.1.1")).replace(b"multipart/report", b"multipart/mixed")
    assert only(raw).kind == "failed"
    person = raw.replace(b"Return-Path: <>", b"Return-Path: <dupont@mail.example>")
    person = person.replace(b"MAILER-DAEMON@relay", b"dupont@mail").replace(
        b"Auto-Submitted: auto-replied\r\n", b""
    )
    assert only(person).kind == "reply"


def test_a_bounce_that_somebody_forwards_is_no_bounce() -> None:
    inner = report(fate("failed", "5.1.1")).decode().replace("\r\n", "\n")
    raw = letter(
        PERSON + "\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=outer",
        "--outer\nContent-Type: text/plain\n\nLook\n--outer\nContent-Type: message/rfc822\n\n"
        f"{inner}"
        "\n--outer--",
    )
    assert only(raw).kind == "reply"


def receipt(disposition: str) -> bytes:
    return report(
        "Reporting-UA: mail.example; MUA 1\nOriginal-Recipient: rfc822;dupont@mail.example\n"
        "Final-Recipient: rfc822;dupont@mail.example\nOriginal-Message-ID: <d1.k@kept.example>\n"
        f"Disposition: {disposition}\n",
        kind="disposition-notification",
        returned="",
    )


@pytest.mark.parametrize(
    ("disposition", "kind"),
    [
        ("manual-action/MDN-sent-manually; displayed", "read_receipt"),
        ("manual-action/MDN-sent-automatically;Displayed/warning", "read_receipt"),
        ("automatic-action/MDN-sent-automatically; displayed", "auto_reply"),
        ("automatic-action/MDN-sent-automatically; deleted", "auto_reply"),
        ("manual-action/MDN-sent-manually; deleted", "auto_reply"),
        ("", "auto_reply"),
    ],
)
def test_only_a_displayed_mail_gives_a_read_receipt(disposition: str, kind: str) -> None:
    found = only(receipt(disposition))
    assert (found.kind, found.original_message_id) == (kind, "<d1.k@kept.example>")
    assert found.recipient == "dupont@mail.example"


@pytest.mark.parametrize(
    ("feedback", "kind"),
    [("abuse", "complaint"), ("not-spam", "not_a_report"), ("auth-failure", "not_a_report")],
)
def test_a_complaint_is_one_only_when_somebody_complains(feedback: str, kind: str) -> None:
    fields = (
        f"Feedback-Type: {feedback}\nUser-Agent: Loop/1\nVersion: 1\n"
        f"Original-Mail-From: <{PATH}>\nOriginal-Rcpt-To: <dupont@mail.example>\n"
    )
    raw = report(fields, kind="feedback-report", returned=HEADERS + "\nBonjour")
    found = only(raw.replace(b"text/rfc822-headers", b"message/rfc822"))
    assert (found.kind, found.envelope_to) == (kind, PATH)
    if kind == "complaint":
        assert found.recipient == "dupont@mail.example"
        assert found.original_message_id == "<d1.k@kept.example>"


def test_a_person_who_answers_is_a_reply() -> None:
    found = only(letter(PERSON))
    assert (found.kind, found.recipient) == ("reply", "dupont@mail.example")
    assert (found.original_message_id, found.envelope_to) == ("<d1.k@kept.example>", PATH)


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; owner-email=x",
        "Precedence: bulk",
        "X-Autoreply: yes",
        "X-Auto-Reply: yes",
        "List-Id: <x.example>",
    ],
)
def test_an_automatic_answer_is_no_reply(header: str) -> None:
    assert only(letter(f"{PERSON}\n{header}")).kind == "auto_reply"


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Votre offre",
        "Out of the office",
        "=?utf-8?q?R=C3=A9ponse_automatique_=3A_Votre_offre?=",
        "Automatisch antwoord: Uw aanbod",
        "Abwesenheit: Ihr Angebot",
    ],
)
def test_an_absence_is_known_by_its_subject_too(subject: str) -> None:
    head = PERSON.replace("Subject: Re: Votre offre", f"Subject: {subject}")
    assert only(letter(head)).kind == "auto_reply"


def test_ordinary_marks_do_not_make_a_person_a_machine() -> None:
    head = f"{PERSON}\nAuto-Submitted: no\nX-Auto-Response-Suppress: OOF\nPrecedence: normal"
    assert only(letter(head)).kind == "reply"


def test_a_machine_that_speaks_no_standard_is_not_taken_for_the_customer() -> None:
    for head in (
        PERSON.replace("Mme Dupont <dupont@", "Mail Delivery <MAILER-DAEMON@"),
        f"Return-Path: <>\n{PERSON}",
    ):
        assert only(letter(head, "User unknown")).kind == "not_a_report"


def test_the_return_path_is_found_wherever_the_server_wrote_it() -> None:
    plain = PERSON.replace(f"To: {PATH}", "To: bounces@kept.example")
    assert only(letter(plain)).envelope_to == "bounces@kept.example"
    for header in (
        f"Delivered-To: {PATH}",
        f"X-Original-To: {PATH}",
        f"Envelope-To: <{PATH}>",
        f"Received: from a by b with ESMTP\n\tfor <{PATH}>; Mon, 2 Mar 2026 09:00:00 +0100",
    ):
        assert only(letter(f"{header}\n{plain}")).envelope_to == PATH


@pytest.mark.parametrize(
    ("date", "arrived"),
    [
        ("Mon, 2 Mar 2026 10:00:00 +0100", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("Mon, 2 Mar 2026 10:00:00 -0000", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("Fri, 31 Dec 9999 23:00:00 -1400", None),
        ("Mon, 32 Mar 2026 10:00:00 +0100", None),
    ],
)
def test_a_date_is_an_instant_or_nothing(date: str, arrived: datetime | None) -> None:
    head = PERSON.replace("Mon, 2 Mar 2026 10:00:00 +0100", date)
    assert only(letter(head)).arrived == arrived


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 100,
        b"no header at all",
        b"From: \r\n\r\n",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x",
        b"Content-Type: multipart/report\r\n\r\nnothing",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n" * 5000,
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
            for n in range(3000)
        ),
    ],
)
def test_what_makes_no_sense_is_no_report_and_no_accident(raw: bytes) -> None:
    assert [found.kind for found in read(raw)] == ["not_a_report"]


@pytest.mark.parametrize("status", ["no: field", ""])
def test_a_report_that_says_nothing_to_machines_is_read_as_a_letter(status: str) -> None:
    found = only(report(status))
    assert (found.kind, found.hard) == ("failed", False)
    assert found.original_message_id == "<d1.k@kept.example>"


def test_a_huge_mail_is_read_as_far_as_allowed() -> None:
    raw = report(fate("failed", "5.1.1"), returned=HEADERS + "x" * 3_000_000)
    assert only(raw).original_message_id == "<d1.k@kept.example>"
    assert [found.kind for found in read(raw, max_bytes=100)] == ["not_a_report"]


def test_a_report_names_only_so_many_people() -> None:
    block = fate("failed", "5.1.1").partition("\n\n")[2] + "\n"
    assert len(read(report("Reporting-MTA: dns; x\n\n" + block * 500))) == 100


def test_no_field_carries_what_a_database_or_a_page_refuses() -> None:
    raw = report(fate("failed", "5.1.1", "550 a\x00b")).replace(b"a\x00b", b"a\x00b\xff\xc3\xa9")
    found = only(raw)
    assert found.kind == "failed"
    assert "\x00" not in found.diagnostic
    assert "é" in found.diagnostic
    found.diagnostic.encode()


@given(st.binary(max_size=400), st.integers(0, 3000))
def test_a_damaged_report_raises_nothing(noise: bytes, place: int) -> None:
    raw = report(fate("failed", "5.1.1", "550 5.1.1 x"))
    for damaged in (noise, raw[:place] + noise + raw[place:], raw[:place]):
        for found in read(damaged):
            f"{found}".encode()


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no bounce samples in {SAMPLES}")
@pytest.mark.parametrize(
    ("name", "kind", "status", "hard"),
    [
        ("rfc3464-26.eml", "failed", "5.1.1", True),
        ("lhost-postfix-38.eml", "failed", "4.0.0", False),
        ("lhost-courier-01.eml", "failed", "5.1.1", True),
        ("lhost-outlook-01.eml", "failed", "5.2.2", False),
        ("lhost-amazonses-18.eml", "failed", "5.4.4", True),
        ("lhost-sendmail-21.eml", "failed", "4.4.7", False),
        ("rhost-google-06.eml", "failed", "5.7.25", False),
        ("rhost-godaddy-02.eml", "failed", "5.1.3", False),
        ("rfc3834-01.eml", "auto_reply", "", False),
        ("arf-18.eml", "not_a_report", "", False),
    ],
)
def test_reports_of_real_servers_are_read(name: str, kind: str, status: str, hard: bool) -> None:
    found = only((SAMPLES / name).read_bytes())
    assert (found.kind, found.status, found.hard) == (kind, status, hard)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no bounce samples in {SAMPLES}")
def test_no_bounce_of_a_real_server_is_taken_for_the_customers_answer() -> None:
    bounces = sorted(SAMPLES.glob("[lr]host-*.eml"))
    assert bounces
    assert [path.name for path in bounces if read(path.read_bytes())[0].kind == "reply"] == []
