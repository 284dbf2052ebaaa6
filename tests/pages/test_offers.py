"""The offers page: what there is by version, what the customer holds, a change, taking back."""

from __future__ import annotations

from datetime import timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm.models import AuditEntry, Customer
from followups.models import Promise
from offers import answers
from offers.models import Document, Offer, OfferVersion
from offers.rendering import render_pdf
from tests.cast import START, Cast, Relay, call_and_promise, delivery_of, offer_for, person
from tests.followups.scenes import proven
from tests.offers import sample
from tests.pages.conftest import Enter, set_clock
from tests.pages.forms import with_promise


def address(customer: Customer, tail: str = "") -> str:
    return f"/customers/{customer.reference}/{tail}"


def offers_page(client: Client, customer: Customer) -> str:
    return client.get(address(customer, "offers/")).content.decode()


def test_an_offer_is_drafted_from_a_plan_and_opens_on_its_own_page(
    monday: Cast, enter: Enter
) -> None:
    client = enter(monday.amina)
    form = {"plan": "plan:trio"}
    answer = client.post(address(monday.dupont, "offers/draft/"), form, follow=True)
    version = OfferVersion.objects.get()
    assert answer.redirect_chain[-1][0].endswith(f"/offers/{version.offer.reference}/")
    text = answer.content.decode()
    assert "Trio TV" in text
    assert "valid 30 days from when the customer has it" in text
    assert "Vous paieriez" in text


def test_a_plan_that_is_not_on_sale_is_refused(monday: Cast, enter: Enter) -> None:
    form = {"plan": "plan:invented"}
    answer = enter(monday.amina).post(address(monday.dupont, "offers/draft/"), form)
    assert answer.status_code == 422
    assert not Offer.objects.exists()


def test_a_change_is_a_new_version_and_only_the_newest_can_be_promised(
    monday: Cast, enter: Enter
) -> None:
    first = offer_for(monday.dupont)
    client = enter(monday.amina)
    page = address(monday.dupont, f"offers/{first.offer.reference}/")
    assert client.post(page, {"plan": "plan:duo"}).status_code == 302
    second = OfferVersion.objects.get(number=2)
    assert (second.offer, second.plan) == (first.offer, "Duo")
    text = client.get(address(monday.dupont)).content.decode()
    assert f'<option value="{second.pk}"' in text
    assert f'<option value="{first.pk}"' not in text


def test_a_withdrawn_offer_is_gone_from_the_form_and_can_not_be_changed(
    monday: Cast, enter: Enter
) -> None:
    version = offer_for(monday.dupont)
    client = enter(monday.amina)
    page = address(monday.dupont, f"offers/{version.offer.reference}/")
    client.post(f"{page}withdraw/")
    assert AuditEntry.objects.filter(action="offer_withdrawn").count() == 1
    assert (
        f'<option value="{version.pk}"' not in client.get(address(monday.dupont)).content.decode()
    )
    assert client.post(page, {"plan": "plan:duo"}).status_code == 422
    assert OfferVersion.objects.count() == 1


def test_a_promised_offer_is_not_withdrawn_and_the_page_says_by_which_promise(
    monday: Cast, enter: Enter
) -> None:
    promise = call_and_promise(monday.amina, monday.dupont)
    assert promise.version is not None
    page = address(monday.dupont, f"offers/{promise.version.offer.reference}/withdraw/")
    text = enter(monday.amina).post(page, follow=True).content.decode()
    assert f"{promise.reference} still promises this offer" in text
    assert Offer.objects.get().withdrawn_at is None


def test_validity_counts_from_the_moment_the_customer_can_read_it(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    promise = proven(monday, relay, at=START)
    assert promise.version is not None
    set_clock(START + timedelta(days=3))
    client = enter(monday.amina)
    text = offers_page(client, monday.dupont)
    assert "valid until 1 Apr 2026" in text
    assert (
        f'<option value="{promise.version.pk}"'
        in client.get(address(monday.dupont)).content.decode()
    )
    set_clock(START + timedelta(days=31))
    assert (
        f'<option value="{promise.version.pk}"'
        not in client.get(address(monday.dupont)).content.decode()
    )


def test_the_page_says_what_the_customer_answered(monday: Cast, enter: Enter, relay: Relay) -> None:
    promise = proven(monday, relay, at=START)
    answers.record(
        delivery=delivery_of(promise),
        kind="declined",
        by=person(monday.amina),
        at=START + timedelta(days=2),
        words="Trop cher.",
    )
    set_clock(START + timedelta(days=3))
    client = enter(monday.amina)
    assert "does not want the offer" in offers_page(client, monday.dupont)
    sheet = client.get(address(monday.dupont)).content.decode()
    assert sheet.count("Trop cher.") == 3  # the offer, what was answered, the timeline


def test_the_preview_is_the_pdf_in_the_customers_language_and_keeps_nothing(
    monday: Cast, enter: Enter
) -> None:
    version = offer_for(monday.dupont)
    tail = f"offers/{version.offer.reference}/v1.pdf"
    answer = enter(monday.amina).get(address(monday.dupont, tail))
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert not Document.objects.exists()


def test_a_document_on_file_can_be_promised_by_its_name(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    pdf = SimpleUploadedFile("terms.pdf", render_pdf(sample.document()), "application/pdf")
    client.post(address(monday.dupont, "documents/"), {"title": "Conditions", "pdf": pdf})
    document = Document.objects.get()
    sheet = client.get(address(monday.dupont)).content.decode()
    assert f'<option value="{document.pk}">Conditions</option>' in sheet
    line = {"promises-0-kind": "send_document", "promises-0-document": str(document.pk)}
    client.post(address(monday.dupont, "calls/"), with_promise(**line))
    assert Promise.objects.get().document == document


def test_a_file_that_is_no_pdf_is_refused_beside_its_field(monday: Cast, enter: Enter) -> None:
    file = SimpleUploadedFile("terms.pdf", b"GIF89a", "application/pdf")
    form = {"title": "Conditions", "pdf": file}
    answer = enter(monday.amina).post(address(monday.dupont, "documents/"), form)
    assert answer.status_code == 422
    assert "The file is not a PDF." in answer.content.decode()


def test_another_teams_offers_are_not_found_and_stay_as_they_are(
    monday: Cast, enter: Enter
) -> None:
    version, client = offer_for(monday.peeters), enter(monday.amina)
    page = f"offers/{version.offer.reference}/"
    for tail in ("offers/", page, f"{page}v1.pdf"):
        assert client.get(address(monday.peeters, tail)).status_code == 404
    for tail in ("offers/draft/", "documents/", page, f"{page}withdraw/"):
        assert client.post(address(monday.peeters, tail), {"plan": "plan:duo"}).status_code == 404
    assert client.get(address(monday.dupont, page)).status_code == 404
    assert OfferVersion.objects.count() == 1
    assert Offer.objects.get().withdrawn_at is None
