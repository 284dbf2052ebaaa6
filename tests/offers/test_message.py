"""The message on the wire is always the same, is what was meant, and carries no stowaway."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.message import build, read_verp, verp, wire_address

PDF = b"%PDF-1.7\r\n\x00\xff\r\n.\r\n%%EOF"
KNOWN = {
    "From",
    "To",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
}


def letter(**changes: object) -> bytes:
    words: dict[str, object] = {
        "message_id": "<d1.k@kept.example>",
        "mail_from": "Kept <offers@kept.example>",
        "reply_to": "answers@kept.example",
        "to_name": "Mme Éléonore Dupont",
        "to_address": "dupont@mail.example",
        "subject": "Votre offre : 39,99 € par mois",
        "text": "Bonjour,\r\n.\r\nFrom here on: é\n",
        "html": "<p>Bonjour é</p>",
        "attachments": [("offre-é.pdf", "application/pdf", PDF)],
        "date": datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    }
    return build(**{**words, **changes})  # type: ignore[arg-type]


def parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]


def test_the_same_words_give_the_same_bytes() -> None:
    assert letter() == letter()


def test_it_reads_as_it_was_meant() -> None:
    mail = parsed(letter())
    assert mail["To"].addresses[0].display_name == "Mme Éléonore Dupont"
    assert mail["To"].addresses[0].addr_spec == "dupont@mail.example"
    assert mail["Subject"] == "Votre offre : 39,99 € par mois"
    assert mail["Message-ID"] == "<d1.k@kept.example>"
    assert mail["Date"].datetime == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None and html is not None
    assert plain.get_content().splitlines() == ["Bonjour,", ".", "From here on: é"]
    assert html.get_content().strip() == "<p>Bonjour é</p>"
    (paper,) = mail.iter_attachments()
    assert (paper.get_filename(), paper.get_content_type()) == ("offre-é.pdf", "application/pdf")
    assert paper.get_content() == PDF


def test_it_has_the_shape_that_mail_programs_expect() -> None:
    assert [part.get_content_type() for part in parsed(letter()).walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "application/pdf",
    ]
    assert parsed(letter(attachments=[])).get_content_type() == "multipart/alternative"


def test_every_line_is_short_ascii_and_ends_in_crlf() -> None:
    raw = letter(text="é" * 5000, subject="à" * 390, to_name="ü" * 390)
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, raw.split(b"\r\n"))) < 998


@pytest.mark.parametrize("field", ["to_name", "subject"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\x00"])
def test_typed_words_cannot_add_a_header(field: str, end: str) -> None:
    raw = letter(**{field: f"x{end}Bcc: all@evil.example{end}{end}<script>"})
    mail = parsed(raw)
    assert set(mail.keys()) == KNOWN
    assert len(mail["To"].addresses) == 1
    assert mail["To"].addresses[0].addr_spec == "dupont@mail.example"


@pytest.mark.parametrize(
    "name",
    [
        "Dupont, Éléonore, avec un nom si long qu'il faut le plier plusieurs fois, vraiment",
        'Dupont "Léo" \\',
        'Dupont, "Leo" \\',
        "a@b.example, c@d.example",
        "=?utf-8?q?x=40evil=2Eexample=2C?=",
        "<evil@evil.example>",
    ],
)
def test_no_name_can_add_a_recipient(name: str) -> None:
    (address,) = parsed(letter(to_name=name))["To"].addresses
    assert address.addr_spec == "dupont@mail.example"
    # Python 3.11 reads a blank between two encoded words of a name where RFC 2047 has none.
    assert address.display_name.replace(" ", "") == name.replace(" ", "")


@given(st.text(max_size=80), st.text(max_size=200))
def test_any_text_goes_into_a_name_or_a_subject(name: str, subject: str) -> None:
    mail = parsed(letter(to_name=name, subject=subject))
    assert set(mail.keys()) == KNOWN
    assert [a.addr_spec for a in mail["To"].addresses] == ["dupont@mail.example"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "dupont",
        "a@b.example\r\nBcc: c@d.example",
        "a@b.example, c@d.example",
        "a b@c.example",
        "<a@b.example>",
        "a@b@c.example",
        '"a"@b.example',
        "a@-b.example",
        "a@b..example",
        f"{'x' * 65}@b.example",
        "a@[127.0.0.1]",
        "a@" + "b." * 130 + "example",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        letter(to_address=address)


def test_an_address_in_other_letters_stands_in_the_form_of_the_wire() -> None:
    assert wire_address(" jo@bücher.example ") == "jo@xn--bcher-kva.example"
    assert b"<jo@xn--bcher-kva.example>" in letter(to_address="jo@bücher.example")
    assert "<éva@mail.example>".encode() in letter(to_address="éva@mail.example")


@pytest.mark.parametrize("name", ["../../etc/passwd", 'a"\r\nX: y.pdf', "\x00", ""])
def test_a_file_name_is_only_a_name(name: str) -> None:
    (paper,) = parsed(letter(attachments=[(name, "application/pdf", PDF)])).iter_attachments()
    assert set(paper.keys()) == {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition"}
    shown = paper.get_filename()
    assert shown
    assert not set(shown) & set('/\\"\r\n')


@pytest.mark.parametrize("wrong", ["d1@kept.example", "<d1>", "<a@b>\r\nX: y", "<a b@c>"])
def test_a_message_id_must_be_one(wrong: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        letter(message_id=wrong)


def test_a_media_type_must_be_one() -> None:
    with pytest.raises(ValueError, match="media type"):
        letter(attachments=[("a", "text/plain\r\nX: y", b"")])


def test_a_return_path_gives_its_key_back_in_whatever_case_it_returns() -> None:
    key = "0f" * 16 + "-a1b2c3d4e5"
    path = verp("bounces@kept.example", key)
    assert path == f"bounces+{key}@kept.example"
    for seen in (path, path.upper(), f"<{path}>", f" {path} "):
        assert read_verp(seen, "bounces@kept.example") == key


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bounces@kept.example",
        "bounces+@kept.example",
        "bounces+k@other.example",
        "x+k@kept.example",
        "bounces+k k@kept.example",
        "bounces+k@kept.example@kept.example",
    ],
)
def test_an_address_without_a_key_of_ours_gives_none(address: str) -> None:
    assert read_verp(address, "bounces@kept.example") is None


@pytest.mark.parametrize("key", ["", "UPPER", "a b", "a@b", "x" * 60, "a\r\nb"])
def test_a_key_that_would_not_survive_the_journey_is_refused(key: str) -> None:
    with pytest.raises(ValueError):
        verp("bounces@kept.example", key)
