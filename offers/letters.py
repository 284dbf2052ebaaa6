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


# What a mail can carry. Each has a subject and a first sentence of its own.
KINDS = {"offer": "", "upload": "_document", "answer": "_answer"}


@dataclass(frozen=True)
class _Letter:
    """The sentences of one letter, in their order; an empty one is left out."""

    language: str
    subject: str
    greeting: str
    body: str
    contact: str
    closing: str
    company: str
    promised: str = ""
    promised_words: str = ""
    link_words: str = ""
    link: str = ""
    quiet: str = ""


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
    kind: str = "offer",
) -> Mail:
    """The mail that carries what was promised: an offer, another document, a written answer.

    Every value becomes one line of text, so that none can add a header or a paragraph of its
    own. KeyError for a language without texts, or for a kind that no mail carries.
    """
    return _mail(
        subject=_said(f"subject{KINDS[kind]}", language, reference=plain(reference)),
        body=_said(f"attached{KINDS[kind]}", language),
        link_words=_said("link", language),
        link=plain(link),
        quiet=_quiet("quiet", language, reading_days),
        **_promised(language, promised_words, promised_on),
        **_frame(language, customer_name, company, contact, reference),
    )


def portal_mail(
    *,
    language: str,
    customer_name: str,
    reference: str,
    promised_words: str,
    promised_on: date,
    company: str,
    contact: str,
    reading_days: int,
    link: str,
    kind: str = "offer",
) -> Mail:
    """Says that the document is ready on the customer's page. It carries none itself, so that it
    only proves that the page was announced."""
    return _mail(
        subject=_said(f"subject_portal{KINDS[kind]}", language, reference=plain(reference)),
        body=_said(f"ready{KINDS[kind]}", language),
        link_words=_said("link_portal", language),
        link=plain(link),
        quiet=_quiet("quiet_portal", language, reading_days),
        **_promised(language, promised_words, promised_on),
        **_frame(language, customer_name, company, contact, reference),
    )


def confirmation_mail(
    *,
    language: str,
    customer_name: str,
    reference: str,
    plan: str,
    accepted_on: date,
    company: str,
    contact: str,
    link: str = "",
) -> Mail:
    """What a customer gets who has accepted an offer; the offer is attached once more."""
    return _mail(
        subject=_said("subject_confirmation", language, reference=plain(reference)),
        body=_said("accepted_offer", language, date=day(accepted_on, language), plan=plain(plan)),
        link_words=_said("link_confirmation", language),
        link=plain(link),
        **_frame(language, customer_name, company, contact, reference),
    )


def slip_mail(
    *,
    language: str,
    customer_name: str,
    reference: str,
    promised_words: str,
    promised_on: date,
    until: date,
    company: str,
    contact: str,
) -> Mail:
    """Says that what was promised is late, and by when it comes. It carries nothing itself."""
    return _mail(
        subject=_said("subject_slip", language, reference=plain(reference)),
        body=_said("slip", language, date=day(until, language)),
        quiet=_said("quiet_slip", language),
        **_promised(language, promised_words, promised_on),
        **_frame(language, customer_name, company, contact, reference),
    )


def _mail(**sentences: str) -> Mail:
    letter = _Letter(**sentences)
    return Mail(
        subject=letter.subject,
        text=render_to_string("emails/offer.txt", {"letter": letter}),
        html=render_to_string("emails/offer.html", {"letter": letter}),
    )


def _frame(
    language: str, customer_name: str, company: str, contact: str, reference: str
) -> dict[str, str]:
    """What stands around every letter: greeting, whom to ask, who signs."""
    name, contact = plain(customer_name), plain(contact).rstrip(".")
    return {
        "language": language,
        "greeting": _said("greeting" if name else "greeting_unnamed", language, name=name),
        "contact": _said("contact", language, contact=contact, reference=plain(reference)),
        "closing": _said("closing", language),
        "company": plain(company),
    }


def _promised(language: str, words: str, on: date) -> dict[str, str]:
    return {
        "promised": _said("promised", language, date=day(on, language)),
        "promised_words": plain(words),
    }


def _said(key: str, language: str, **values: object) -> str:
    return say("letter_texts", key, language, **values)


def _quiet(key: str, language: str, days: int) -> str:
    if days == 1:
        return _said(f"{key}_one", language)
    return _said(key, language, days=number(days, language))
