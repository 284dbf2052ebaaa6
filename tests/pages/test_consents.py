"""The consent ledger on the sheet: written down with its proof, withdrawn at once."""

from __future__ import annotations

from typing import Any

from crm.models import Campaign, Consent
from tests.cast import START, Cast
from tests.pages.conftest import Enter
from tests.pages.test_sheet import address, page

FORM = {
    "consent-origin": "form",
    "consent-basis": "consent",
    "consent-given_on": "2026-02-20",
    "consent-until": "",
    "consent-proof": "form 12/2026",
    "consent-words": "You may call me about <offers>.",
}


def test_a_consent_is_recorded_from_the_sheet_and_opens_the_lamp(
    monday: Cast, enter: Enter
) -> None:
    Campaign.objects.create(slug="de", name="Berlin", policy="de", team=monday.liege)
    Campaign.objects.exclude(slug="de").update(active=False)
    client, dupont = enter(monday.amina), monday.dupont
    before = page(client, dupont)
    assert "Sales calls need a consent here, and none is on file." in before
    assert "judged for a sales call of Berlin" in before
    answer = client.post(address(dupont, "consents/"), FORM)
    assert answer.status_code == 302
    row = Consent.objects.get()
    assert (row.origin, row.proof, row.recorded_by) == (
        "form",
        "form 12/2026",
        f"user:{monday.amina.pk}",
    )
    after = page(client, dupont)
    assert "Sales calls need a consent here" not in after
    assert "form 12/2026" in after
    assert "&lt;offers&gt;" in after
    gone = client.post(address(dupont, f"consents/{row.pk}/withdraw/"), follow=True)
    assert "The consent is withdrawn." in gone.content.decode()
    assert "Sales calls need a consent here, and none is on file." in page(client, dupont)


def test_a_form_that_cannot_be_a_consent_says_why_beside_the_field(
    monday: Cast, enter: Enter
) -> None:
    client = enter(monday.amina)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"consent-proof": ""}, "This field is required."),
        ({"consent-given_on": "2031-01-01"}, "This moment has not come yet."),
        ({"consent-until": "2025-01-01"}, "It would end before it began."),
        ({"consent-origin": "import"}, "Select a valid choice."),
    ]
    for more, words in wrong:
        answer = client.post(address(monday.dupont, "consents/"), FORM | more)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert not Consent.objects.exists()


def test_nobody_records_or_withdraws_for_a_customer_whom_they_may_not_open(
    monday: Cast, enter: Enter
) -> None:
    enter(monday.amina).post(address(monday.dupont, "consents/"), FORM)
    row = Consent.objects.get()
    for somebody in (monday.bram, monday.dirk, monday.eva):
        client = enter(somebody)
        for tail in ("consents/", f"consents/{row.pk}/withdraw/"):
            assert client.post(address(monday.dupont, tail), FORM).status_code in (403, 404)
    row.refresh_from_db()
    assert (Consent.objects.count(), row.withdrawn_at) == (1, None)
    assert row.given_at < START
