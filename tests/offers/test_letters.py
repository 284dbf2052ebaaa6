"""The mail around an offer: complete in four languages, and no value can add a header."""

from __future__ import annotations

import html
from datetime import date
from typing import Any

import pytest

from offers.letters import Mail, offer_mail
from offers.wording import LANGUAGES


def letter(language: str = "fr", **other: Any) -> Mail:
    return offer_mail(
        **{
            "language": language,
            "customer_name": "Mme Dupont",
            "reference": "P-7K3M2P",
            "promised_words": "I will send you the fibre offer by e-mail.",
            "promised_on": date(2026, 3, 2),
            "company": "Exemple Télécom",
            "contact": "0800 12 345",
            "reading_days": 3,
            "link": "https://kept.example/o/abc",
            **other,
        }
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_is_whole_in_every_language(language: str) -> None:
    mail = letter(language)
    for part in (mail.text, html.unescape(mail.html)):
        for piece in ("Mme Dupont", "P-7K3M2P", "fibre offer", "2026", "0800 12 345", "/o/abc"):
            assert piece in part
        assert "{" not in part
    assert "P-7K3M2P" in mail.subject
    assert f'<html lang="{language}">' in mail.html


def test_the_letters_differ_by_language() -> None:
    assert len({letter(language).text for language in LANGUAGES}) == len(LANGUAGES)


def test_the_company_signs_and_nobody_calls_before_it_could_be_read() -> None:
    text = letter("en").text
    assert text.rstrip().endswith("Kind regards,\nExemple Télécom")
    assert "Nobody will call you to sell you anything until you have had time to read it" in text
    assert "at least 3 days" in text
    assert "on 2 March 2026" in text


def test_one_day_is_said_in_the_singular() -> None:
    assert "one full day" in letter("en", reading_days=1).text


@pytest.mark.parametrize("field", ["reference", "customer_name", "company", "contact"])
def test_no_value_adds_a_header_or_a_line(field: str) -> None:
    mail = letter(**{field: "x\r\nBcc: all@example.org\u2028y\u0085z\x00"})
    assert len(mail.subject.splitlines()) == 1
    assert not [line for line in mail.text.splitlines() if line.startswith("Bcc:")]


def test_markup_in_a_value_stays_text() -> None:
    mail = letter(promised_words="<b>5 & 6</b> {{ x }}")
    assert "<b>5 & 6</b> {{ x }}" in mail.text
    assert "&lt;b&gt;5 &amp; 6&lt;/b&gt; {{ x }}" in mail.html


def test_without_a_page_no_link_is_announced() -> None:
    mail = letter("en", link="")
    assert "this page" not in mail.text
    assert "<a " not in mail.html


def test_a_customer_without_a_name_is_greeted_all_the_same() -> None:
    assert letter("en", customer_name=" ").text.startswith("Hello,\n")


@pytest.mark.parametrize("language", LANGUAGES)
def test_another_document_is_not_called_an_offer(language: str) -> None:
    offer, other = letter(language), letter(language, kind="upload")
    assert offer.subject != other.subject
    assert offer.text != other.text
    assert "P-7K3M2P" in other.subject
