"""What an offer's document says: every word and figure, ready to be set as PDF or as a page.

The promise, the customer's name and address are not in it, so that the same offer version in the
same language is the same document, byte for byte, whoever it was promised to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from offers.comparison import Comparison, Terms
from offers.contrast import compared
from offers.sheet import Content, Draft, plain
from offers.summary import SECTIONS, section
from offers.wording import read

LONGEST_REFERENCE = 40  # it stands on one line, in the footer of every page


def build(
    *,
    today: Terms,
    proposed: Terms,
    comparison: Comparison,
    language: str,
    company: str,
    contact: str,
    reference: str,
    version: int,
    issued: date,
    valid_days: int,
    currency: str = "EUR",
    extra: Mapping[str, tuple[str, ...]] | None = None,
) -> Content:
    """Everything the document says. `extra` adds the company's own paragraphs below a heading,
    by its id (SECTIONS). KeyError for an unknown language, ValueError for an unknown heading."""
    more = _paragraphs(extra or {})
    today, proposed = _plain_terms(today), _plain_terms(proposed)
    draft = Draft(today, proposed, _plain_comparison(comparison), language, currency, valid_days)
    return Content(
        language=language,
        title=read("contract_summary")["title"][language]["text"],
        company=plain(company),
        issued=issued,
        issue_line=draft(
            "issued",
            reference=plain(reference)[:LONGEST_REFERENCE],
            version=version,
            date=draft.day(issued),
        ),
        contact_line=draft("contact", contact=plain(contact)),
        page_line=draft("page"),
        introduction=read("contract_summary")["introduction"][language]["text"],
        sections=tuple(section(name, draft, more.get(name, ())) for name in SECTIONS),
        compared=compared(draft),
        page_limit=_page_limit(proposed),
    )


def _page_limit(proposed: Terms) -> int:
    """Three pages for a bundle with internet. A bundle with voice alone could have them too, but
    a line does not say that it is voice, and the shorter limit is always lawful."""
    allowed: dict[str, int] = read("contract_summary")["format"]["pages"]
    internet = any(line.speed_down_mbps or line.speed_up_mbps for line in proposed.lines)
    return allowed["bundle" if internet and len(proposed.lines) > 1 else "single"]


def _paragraphs(extra: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    unknown = set(extra) - set(SECTIONS)
    if unknown:
        raise ValueError(f"no such heading: {', '.join(sorted(unknown))}")
    return {name: tuple(plain(text) for text in texts) for name, texts in extra.items()}


def _plain_terms(terms: Terms) -> Terms:
    lines = tuple(
        replace(line, label=plain(line.label), volume=plain(line.volume)) for line in terms.lines
    )
    return replace(terms, plan=plain(terms.plan), lines=lines)


def _plain_comparison(comparison: Comparison) -> Comparison:
    return replace(
        comparison,
        gained=tuple(plain(label) for label in comparison.gained),
        lost=tuple(plain(label) for label in comparison.lost),
    )
