"""The mail around a promised offer: what was promised, when, and that it can be read in peace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.template.loader import render_to_string

from offers.sheet import plain
from offers.wording import day, number, say


@dataclass(frozen=True)
class Mail:
    """A subject of one line, and the same letter twice."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class _Letter:
    """The sentences of one letter, in their order."""

    language: str
    subject: str
    greeting: str
    promised: str
    promised_words: str
    attached: str
    link_words: str
    link: str
    quiet: str
    contact: str
    closing: str
    company: str


def offer_mail(
    *,
    language: str,
    customer_name: str,
    reference: str,
    promised_words: str,
    promised_on: date,
    company: str,
    contact: str,
    reading_days: int,
    link: str = "",
    offer: bool = True,
) -> Mail:
    """The mail that carries the offer, or another document when `offer` is false.

    Every value becomes one line of text, so that none can add a header or a paragraph of its
    own. KeyError for a language without texts.
    """
    name, reference = plain(customer_name), plain(reference)
    letter = _Letter(
        language=language,
        subject=_said("subject" if offer else "subject_document", language, reference=reference),
        greeting=_said("greeting" if name else "greeting_unnamed", language, name=name),
        promised=_said("promised", language, date=day(promised_on, language)),
        promised_words=plain(promised_words),
        attached=_said("attached" if offer else "attached_document", language),
        link_words=_said("link", language),
        link=plain(link),
        quiet=_quiet(language, reading_days),
        contact=_said("contact", language, contact=plain(contact).rstrip("."), reference=reference),
        closing=_said("closing", language),
        company=plain(company),
    )
    return Mail(
        subject=letter.subject,
        text=render_to_string("emails/offer.txt", {"letter": letter}),
        html=render_to_string("emails/offer.html", {"letter": letter}),
    )


def suggested(*, language: str, offer: bool) -> str:
    """What an agent may say when promising it, in the customer's language."""
    return _said("suggested_offer" if offer else "suggested_document", language)


def _said(key: str, language: str, **values: object) -> str:
    return say("letter_texts", key, language, **values)


def _quiet(language: str, days: int) -> str:
    if days == 1:
        return _said("quiet_one", language)
    return _said("quiet", language, days=number(days, language))
