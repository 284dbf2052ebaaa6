"""Documents: rendered once, always the same bytes; an upload is looked at before it is kept."""

from __future__ import annotations

import hashlib
import io
from decimal import Decimal

import pikepdf
import pytest

from offers import documents
from offers.documents import NotADocument
from offers.models import Document
from tests.cast import DAY, START, SYSTEM, Cast, offer_for, pdf_for


def made(pages: int, **save: object) -> bytes:
    """A PDF with so many empty pages."""
    target = io.BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page()
        pdf.save(target, **save)  # type: ignore[arg-type]
    return target.getvalue()


def test_a_version_is_rendered_once_in_each_language(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    first = documents.ensure(version=version, language="fr", by=SYSTEM, at=START)
    again = documents.ensure(version=version, language="fr", by=SYSTEM, at=START + DAY)
    other = documents.ensure(version=version, language="nl", by=SYSTEM, at=START)
    assert first == again and other != first
    assert first.sha256 == hashlib.sha256(bytes(first.pdf)).hexdigest() != other.sha256
    assert first.customer == cast.dupont and first.pages >= 1


def test_the_same_version_gives_the_same_bytes_again(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    first = documents.ensure(version=version, language="fr", by=SYSTEM, at=START)
    Document.objects.all().delete()
    again = documents.ensure(version=version, language="fr", by=SYSTEM, at=START + DAY)
    assert (again.pk != first.pk) and (again.sha256, again.html) == (first.sha256, first.html)


def test_both_sides_of_the_comparison_come_from_the_version(cast: Cast) -> None:
    version = offer_for(cast.dupont)
    assert documents.comparison(version).difference == Decimal("48.00") - Decimal("54.95")
    sides = [documents.terms(version, side).plan for side in ("today", "proposed")]
    assert sides == ["Tempo Duo", "Flex Fibre 500"]


def test_an_upload_is_kept_as_it_came(cast: Cast) -> None:
    pdf = made(2)
    document = pdf_for(cast.dupont, text=pdf)
    assert (bytes(document.pdf), document.pages, document.kind) == (pdf, 2, "upload")


@pytest.mark.parametrize(
    ("pdf", "words"),
    [
        (b"", "not a PDF"),
        (b"<html>", "not a PDF"),
        (b"%PDF-1.7\nnothing more", "damaged"),
        (b"%PDF-" + b"x" * documents.MOST_BYTES, "larger than 4 MB"),
        (made(documents.MOST_PAGES + 1), "more than 50 pages"),
        (made(1, encryption=pikepdf.Encryption(owner="o", user="u")), "password"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(cast: Cast, pdf: bytes, words: str) -> None:
    with pytest.raises(NotADocument, match=words):
        pdf_for(cast.dupont, text=pdf)
    assert not Document.objects.exists()
