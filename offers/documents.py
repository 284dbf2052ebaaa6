"""Documents: the immutable rendering of an offer version, and uploads. The only writer."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

import pikepdf
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm.actors import Actor
from crm.models import Customer
from offers import content
from offers.comparison import Comparison, Line, Terms, compare
from offers.models import Document, OfferLine, OfferVersion
from offers.rendering import page_count, render_html, render_pdf
from offers.sheet import Content
from offers.wording import read

MOST_BYTES = 4 * 1024 * 1024
MOST_PAGES = 50


class NotADocument(ValueError):
    """An upload that cannot be sent; the message says why."""


def terms(version: OfferVersion, side: str) -> Terms:
    """One side of an offer version as the comparison reads it."""
    proposed = side == OfferLine.Side.PROPOSED
    return Terms(
        plan=version.plan if proposed else version.today_plan,
        lines=tuple(
            Line(
                label=line.label,
                monthly=line.monthly,
                promo_monthly=line.promo_monthly,
                promo_until=line.promo_until_date,
                one_off=line.one_off,
                speed_down_mbps=line.speed_down_mbps,
                speed_up_mbps=line.speed_up_mbps,
                volume=line.volume,
            )
            for line in version.lines.all()
            if line.side == side
        ),
        commitment_until=(
            version.commitment_until_date if proposed else version.today_commitment_until_date
        ),
        termination_fee=(version.termination_fee if proposed else version.today_termination_fee),
    )


def comparison(version: OfferVersion) -> Comparison:
    """Today's contract beside the proposed one, as of the issue date."""
    today, proposed = (terms(version, side) for side in OfferLine.Side.values)
    return compare(today, proposed, version.issue_date)


def blank(customers: Iterable[int]) -> None:
    """The bytes and the title of what was written for these customers; that it was, and its sum,
    stay."""
    rows = Document.objects.filter(customer__in=list(customers))
    rows.update(pdf=b"", html="", title="")


def ensure(*, version: OfferVersion, language: str, by: Actor, at: datetime) -> Document:
    """The document of an offer version in a language, rendered the first time.

    Deterministic: the same version and language give the same bytes, so two workers that
    render at once write the same row.
    """
    known = Document.objects.filter(version=version, language=language).first()
    if known:
        return known
    made = _rendered(version, language, by=by, at=at)
    Document.objects.bulk_create([made], ignore_conflicts=True)
    return Document.objects.get(version=version, language=language)


def ensure_many(
    *, wanted: Sequence[tuple[OfferVersion, str]], by: Actor, at: datetime
) -> dict[tuple[int, str], Document]:
    """The same for a few hundred at a time, by version and language; the bytes stay unread.

    Versions come with their offer and lines fetched. One that cannot be rendered raises, and
    then none is kept.
    """
    known = _without_bytes(wanted)
    missing = {(v.pk, code): v for v, code in wanted if (v.pk, code) not in known}
    made = [_rendered(v, code, by=by, at=at) for (_pk, code), v in missing.items()]
    Document.objects.bulk_create(made, ignore_conflicts=True)
    return known | _without_bytes([(v, code) for (_pk, code), v in missing.items()])


def _without_bytes(
    wanted: Sequence[tuple[OfferVersion, str]],
) -> dict[tuple[int, str], Document]:
    rows = Document.objects.filter(version__in=[version for version, _code in wanted])
    keys = {(version.pk, code) for version, code in wanted}
    found = {(row.version_id or 0, row.language): row for row in rows.defer("pdf", "html")}
    return {key: row for key, row in found.items() if key in keys}


def _rendered(version: OfferVersion, language: str, *, by: Actor, at: datetime) -> Document:
    words = worded(version, language)
    pdf = render_pdf(words)
    return Document(
        kind=Document.Kind.OFFER,
        customer=version.offer.customer,
        version=version,
        language=language,
        title=read("contract_summary")["title"][language]["text"],
        pdf=pdf,
        html=render_html(words),
        sha256=hashlib.sha256(pdf).hexdigest(),
        pages=page_count(pdf),
        created_at=at,
        created_by=by.code,
    )


def worded(version: OfferVersion, language: str) -> Content:
    return content.build(
        today=terms(version, OfferLine.Side.TODAY),
        proposed=terms(version, OfferLine.Side.PROPOSED),
        comparison=comparison(version),
        language=language,
        company=settings.COMPANY_NAME,
        contact=settings.COMPANY_CONTACT,
        reference=version.offer.reference,
        version=version.number,
        issued=version.issue_date,
        valid_days=version.valid_days,
    )


def preview(*, version: OfferVersion, language: str) -> bytes:
    """The PDF as the customer has it or would get it; nothing is kept of a preview."""
    known = Document.objects.filter(version=version, language=language).first()
    return bytes(known.pdf) if known else render_pdf(worded(version, language))


def _pages(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return len(opened.pages)


@transaction.atomic
def upload(
    *,
    customer: Customer,
    title: str,
    pdf: bytes,
    language: str,
    by: Actor,
    at: datetime,
    kind: str = Document.Kind.UPLOAD,
) -> Document:
    """Keeps an uploaded PDF for a customer; a written answer says so by its kind.

    Raises NotADocument, in words, for anything that is no readable PDF.
    """
    if len(pdf) > MOST_BYTES:
        raise NotADocument(_("The file is larger than 4 MB."))
    if not pdf.startswith(b"%PDF-"):
        raise NotADocument(_("The file is not a PDF."))
    try:
        pages = _pages(pdf)
    except pikepdf.PasswordError as error:
        raise NotADocument(_("The PDF is locked with a password.")) from error
    except pikepdf.PdfError as error:
        raise NotADocument(_("The PDF is damaged and cannot be opened.")) from error
    if not 1 <= pages <= MOST_PAGES:
        raise NotADocument(_("The PDF has more than %(most)s pages.") % {"most": MOST_PAGES})
    return Document.objects.create(
        kind=kind,
        customer=customer,
        language=language,
        title=title[:160],
        pdf=pdf,
        sha256=hashlib.sha256(pdf).hexdigest(),
        pages=pages,
        created_at=at,
        created_by=by.code,
    )
