"""The mails that leave: link, one-click unsubscribing, words by kind, the portal's announcement."""

from __future__ import annotations

import html
from datetime import date
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest

from crm import preferences
from offers import bounces, documents, links, message
from offers.channels import CHANNELS, email, portal, smtp
from offers.letters import KINDS, Mail, confirmation_mail, offer_mail, portal_mail
from offers.models import Delivery, Document, Evidence, UnmatchedReport
from offers.wording import LANGUAGES
from tests.cast import HOUR, SENT, START, SYSTEM, Cast, pdf_for
from tests.offers.journeys import sent
from tests.offers.test_bounces import dsn, letter

FRAME = {
    "customer_name": "Mme Dupont",
    "reference": "P-7K3M2P",
    "company": "Exemple Télécom",
    "contact": "0800 12 345",
    "link": "https://kept.example/o/abc/",
}
PROMISED = {"promised_words": "the offer", "promised_on": date(2026, 3, 2), "reading_days": 3}


def rendered(delivery: Delivery) -> Document:
    assert delivery.version
    return documents.ensure(
        version=delivery.version, language=delivery.language, by=SYSTEM, at=START
    )


def opened(raw: bytes) -> tuple[Message, str, str, list[bytes]]:
    """The mail, its text, its HTML, and what is attached."""
    mail = message_from_bytes(raw)
    bodies = {p.get_content_type(): p.get_payload(decode=True) for p in mail.walk()}
    pdfs = [
        part.get_payload(decode=True)
        for part in mail.walk()
        if part.get_content_type() == "application/pdf"
    ]
    return mail, bodies["text/plain"].decode(), bodies["text/html"].decode(), pdfs


def test_the_mail_carries_the_document_and_the_link_to_the_page(cast: Cast) -> None:
    delivery = sent(cast)
    mail, text, markup, pdfs = opened(email.compose(delivery, rendered(delivery), START))
    assert links.url(delivery) in text
    assert f'href="{html.escape(links.url(delivery))}"' in markup
    assert len(pdfs) == 1 and pdfs[0].startswith(b"%PDF")
    assert mail["Reply-To"] == email.return_path(delivery)


def test_one_press_of_the_mail_program_unsubscribes(cast: Cast, settings: Any) -> None:
    settings.BASE_URL = "https://kept.example"
    delivery = sent(cast)
    mail, *_ = opened(email.compose(delivery, rendered(delivery), START))
    way = [part.strip(" \r\n<>") for part in mail["List-Unsubscribe"].split(",")]
    assert way == [links.unsubscribe_url(delivery), f"mailto:{email.unsubscribe_path(delivery)}"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_one_press_is_only_announced_where_it_can_be_made(cast: Cast, settings: Any) -> None:
    settings.BASE_URL = "http://127.0.0.1:8000"
    delivery = sent(cast)
    mail, *_ = opened(email.compose(delivery, rendered(delivery), START))
    assert mail["List-Unsubscribe"] and not mail["List-Unsubscribe-Post"]


@pytest.mark.parametrize("address", ["https://x/\r\nBcc: a@b", "https://x/>", "x", "javascript:x"])
def test_no_address_to_unsubscribe_at_adds_a_header(address: str) -> None:
    with pytest.raises(ValueError, match="unsubscribe"):
        message.unsubscribe_fields([address])


def test_a_mail_to_the_address_of_leaving_stops_offers_and_answers_nothing(cast: Cast) -> None:
    delivery = sent(cast)
    raw = letter(email.unsubscribe_path(delivery), subject="unsubscribe")
    assert bounces.receive(raw=raw, by=SYSTEM, at=START + HOUR)
    assert bounces.receive(raw=raw, by=SYSTEM, at=START + HOUR)
    assert not preferences.standing(cast.dupont)["offers_by_mail"]
    assert cast.dupont.preferences.count() == 1
    assert not Evidence.objects.exists() and not UnmatchedReport.objects.exists()


def test_nobody_can_leave_for_somebody_else(cast: Cast) -> None:
    delivery = sent(cast)
    path = email.unsubscribe_path(delivery)
    for forged in (
        path.replace("-", "-0", 1),
        path[:-20] + "0" * 10 + path[-10:],
        email.return_path(delivery).replace("+", "+u-"),
    ):
        assert email.key_of_unsubscribe_path(forged) is None
    assert email.key_of_unsubscribe_path(path.upper()) == delivery.key
    assert email.key_of_return_path(path) is None


def test_an_uploaded_document_and_a_written_answer_have_words_of_their_own(cast: Cast) -> None:
    delivery, subjects = sent(cast), set()
    for kind in (Document.Kind.UPLOAD, Document.Kind.ANSWER):
        document = pdf_for(cast.dupont)
        document.kind = kind
        subjects.add(email.letter(delivery, document).subject)
    subjects.add(email.letter(delivery, rendered(delivery)).subject)
    assert len(subjects) == 3


def test_an_acceptance_is_confirmed_with_the_offer_attached(cast: Cast) -> None:
    delivery = sent(cast)
    delivery.why = email.CONFIRMATION
    _mail, text, _, pdfs = opened(email.compose(delivery, rendered(delivery), START))
    assert "Flex Fibre 500" in text and "Le 2 mars 2026" in text
    assert len(pdfs) == 1
    assert "Personne ne vous appellera" not in text


def test_the_portals_mail_announces_and_carries_nothing(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery, flown = sent(cast), []

    def transmit(**facts: Any) -> smtp.Outcome:
        flown.append(facts)
        return SENT

    monkeypatch.setattr(smtp, "transmit", transmit)
    assert portal.carry(delivery, rendered(delivery), lambda: True, START).kind == "sent"
    assert flown[0]["envelope_from"] == email.return_path(delivery)
    mail, text, _, pdfs = opened(flown[0]["message"])
    assert pdfs == []
    assert links.url(delivery) in text
    assert mail["List-Unsubscribe"] and mail["Message-ID"] == email.message_id(delivery)


def test_the_portal_cannot_go_where_no_mail_can(cast: Cast) -> None:
    way = CHANNELS["portal"]
    assert way.address_of(cast.dupont) == "dupont@mail.example"
    cast.dupont.emails.update(bad_at=START)
    assert way.address_of(cast.dupont) is None


# --- whose bounce it is, without our path and our Message-ID ----------------------------------


def bare(delivery: Delivery, **more: str) -> bytes:
    """A report to a plain mailbox that returns no header of the mail."""
    raw = dsn(delivery, to="postmaster@kept.example", quoted="", **more)
    return raw.replace(b"Message-ID: \n", b"")


def test_the_one_mail_to_an_address_is_found_by_who_did_not_get_it(cast: Cast) -> None:
    delivery = sent(cast)
    assert bounces.receive(raw=bare(delivery), by=SYSTEM, at=START + HOUR)
    assert Evidence.objects.get().delivery == delivery


def test_of_two_mails_to_an_address_nobody_knows_which(cast: Cast) -> None:
    first, _second = sent(cast), sent(cast)
    assert not bounces.receive(raw=bare(first), by=SYSTEM, at=START + HOUR)


@pytest.mark.parametrize("days", [-1, 8])
def test_only_a_mail_of_the_last_days_is_meant(cast: Cast, days: int) -> None:
    delivery = sent(cast)
    assert not bounces.receive(raw=bare(delivery), by=SYSTEM, at=START + days * 24 * HOUR)


def test_that_it_arrived_is_not_believed_from_who_knows_an_address_only(cast: Cast) -> None:
    delivery = sent(cast)
    raw = bare(delivery, action="delivered", status="2.0.0")
    assert not bounces.receive(raw=raw, by=SYSTEM, at=START + HOUR)
    assert not bounces.receive(raw=letter("answers@kept.example"), by=SYSTEM, at=START + HOUR)
    assert not Evidence.objects.exists()


# --- answers that are none --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "more"),
    [
        ("Réponse automatique : Votre offre", ""),
        ("Message d'absence", ""),
        ("Je suis absente jusqu'au 12 mars", ""),
        ("Automatisch antwoord: Uw aanbod", ""),
        ("Afwezigheidsbericht", ""),
        ("Ik ben afwezig", ""),
        ("Abwesenheitsnotiz", ""),
        ("Automatische Antwort: Ihr Angebot", ""),
        ("Ich bin nicht im Büro", ""),
        ("Out of office", ""),
        ("Re: Out of Office until Monday", ""),
        ("Automatic reply: Your offer", ""),
        ("Re: Votre offre", "Auto-Submitted: auto-replied\n"),
        ("Re: Votre offre", "X-Autoreply: yes\n"),
        ("Re: Votre offre", "Precedence: auto_reply\n"),
        ("Absence du bureau", "Return-Path: <>\n"),
    ],
)
def test_an_answering_machine_is_taken_in_and_proves_nothing(
    cast: Cast, subject: str, more: str
) -> None:
    delivery = sent(cast)
    raw = letter(email.return_path(delivery), subject=subject, more=more)
    assert bounces.receive(raw=raw, by=SYSTEM, at=START + HOUR)
    assert not Evidence.objects.exists()


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Undelivered Mail Returned to Sender",
        "Votre mail « failure notice »",
        "Absence de fibre",
    ],
)
def test_a_person_who_quotes_a_bounce_has_answered(cast: Cast, subject: str) -> None:
    delivery = sent(cast)
    quoted = b"> <dupont@mail.example>: 550 5.1.1 User unknown\n> permanent error\n"
    raw = letter(email.return_path(delivery), subject=subject) + quoted
    assert bounces.receive(raw=raw, by=SYSTEM, at=START + HOUR)
    assert Evidence.objects.get().kind == "reply"


# --- four languages ---------------------------------------------------------------------------


def all_mails(language: str) -> dict[str, Mail]:
    mails = {}
    for kind in KINDS:
        mails[f"{kind} by mail"] = offer_mail(language=language, kind=kind, **PROMISED, **FRAME)
        mails[f"{kind} on the page"] = portal_mail(
            language=language, kind=kind, **PROMISED, **FRAME
        )
    mails["confirmation"] = confirmation_mail(
        language=language, plan="Flex {Fibre}", accepted_on=date(2026, 3, 4), **FRAME
    )
    return mails


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mail_is_whole_in_every_language(language: str) -> None:
    mails = all_mails(language)
    assert len({mail.subject for mail in mails.values()}) == len(mails)
    assert len({mail.text for mail in mails.values()}) == len(mails)
    for mail in mails.values():
        for part in (mail.text, html.unescape(mail.html)):
            for piece in ("Mme Dupont", "P-7K3M2P", "/o/abc/", "0800 12 345", "Exemple Télécom"):
                assert piece in part
            assert "{" not in part.replace("{Fibre}", "")
            assert "\n\n\n" not in part and not part.startswith("\n")


def test_no_two_languages_share_a_sentence() -> None:
    by_language = {language: all_mails(language) for language in LANGUAGES}
    for name in by_language["en"]:
        assert len({mails[name].text for mails in by_language.values()}) == len(LANGUAGES)
