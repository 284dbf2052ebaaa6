"""The campaigns of operations: how far each has come, who is blocked, a file of more."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from crm import suppressions
from crm.models import Campaign, CampaignEntry
from tests.cast import HOUR, START, SYSTEM, Cast
from tests.followups.test_campaign_calls import lined_up, rings
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_desk import queries

LATER = START + 2 * HOUR


def send(client: Client, text: str, **more: object) -> object:
    file = SimpleUploadedFile("list.csv", text.encode())
    return client.post("/campaigns/fibre/", {"file": file, **more})


def test_each_campaign_says_how_far_it_has_come(monday: Cast, enter: Enter) -> None:
    people = [lined_up(monday, number) for number in range(4)]
    rings(monday, people[0], at=START + HOUR)
    CampaignEntry.objects.filter(customer=people[1]).update(
        status="done", closed_at=START, closed_by="user:1", closed_cause="accepted"
    )
    Campaign.objects.create(slug="old", name="Another one", active=False)
    set_clock(LATER)
    client = enter(monday.dirk)
    rows = client.get("/campaigns/").context["rows"]
    assert [row.campaign.slug for row in rows] == ["fibre", "old"]
    assert (rows[0].open, rows[0].due, rows[0].resting, rows[0].done) == (3, 2, 1, 1)
    page = client.get("/campaigns/fibre/").content.decode()
    assert "accepts the offer" in page and "All of them may be called." in page


def test_who_is_blocked_is_counted_by_the_gate_with_the_reason(monday: Cast, enter: Enter) -> None:
    first, _second = lined_up(monday, 1), lined_up(monday, 2)
    suppressions.add(customer=first, kind="dnc_company", origin="call", by=SYSTEM, at=START)
    set_clock(LATER)
    client = enter(monday.dirk)
    assert "1 of the first 2" in client.get("/campaigns/fibre/blocked/").content.decode()
    page = client.get("/campaigns/fibre/").content.decode()
    assert "1 of the first 2" in page and "never call me" in page


def test_operations_put_the_customers_of_a_file_on_the_list(monday: Cast, enter: Enter) -> None:
    assert monday.sales
    text = f"customer\n{monday.dupont.reference}\n{monday.peeters.reference}\n"
    client = enter(monday.dirk)
    assert send(client, text).status_code == 302  # type: ignore[attr-defined]
    assert "2 put on the list" in client.get("/campaigns/fibre/").content.decode()
    row = CampaignEntry.objects.first()
    assert row and row.added_by == f"user:{monday.dirk.pk}"


def test_bad_lines_are_said_and_nobody_is_added(monday: Cast, enter: Enter) -> None:
    assert monday.sales
    text = f"customer\n{monday.dupont.reference}\nC-999999\n"
    client = enter(monday.dirk)
    refused = send(client, text)
    assert refused.status_code == 422  # type: ignore[attr-defined]
    said = refused.content.decode()  # type: ignore[attr-defined]
    assert "1 of 2 lines is bad" in said and "Line 3: C-999999 is no customer of ours" in said
    assert not CampaignEntry.objects.exists()
    assert send(client, text, leave_bad="on").status_code == 302  # type: ignore[attr-defined]
    assert CampaignEntry.objects.count() == 1


def test_a_file_that_is_no_list_is_refused_beside_its_field(monday: Cast, enter: Enter) -> None:
    assert monday.sales
    client = enter(monday.dirk)
    for text, why in (
        ("", "empty"),
        ("name;town\na;b\n", "No column is named"),
        ("x" * 3_000_000, "larger than 2 MB"),
    ):
        refused = send(client, text)
        assert refused.status_code == 422  # type: ignore[attr-defined]
        assert why in refused.content.decode()  # type: ignore[attr-defined]
    assert client.post("/campaigns/fibre/").status_code == 422
    assert not CampaignEntry.objects.exists()


def test_campaigns_are_for_those_who_plan_and_a_supervisor_only_looks(
    monday: Cast, enter: Enter
) -> None:
    assert monday.sales
    Campaign.objects.create(slug="gent", name="Gent only", team=monday.gent)
    text = f"customer\n{monday.dupont.reference}\n"
    for somebody in (monday.amina, monday.eva):
        client = enter(somebody)
        for address in ("/campaigns/", "/campaigns/fibre/", "/campaigns/fibre/blocked/"):
            assert client.get(address).status_code == 403
        assert send(client, text).status_code == 403  # type: ignore[attr-defined]
    client = enter(monday.chloe)
    rows = client.get("/campaigns/").context["rows"]
    assert [row.campaign.slug for row in rows] == ["fibre"]
    assert "Put more customers" not in client.get("/campaigns/fibre/").content.decode()
    assert client.get("/campaigns/gent/").status_code == 404
    assert client.get("/campaigns/gent/blocked/").status_code == 404
    assert send(client, text).status_code == 403  # type: ignore[attr-defined]
    assert not CampaignEntry.objects.exists()


def test_without_a_campaign_it_says_how_one_is_made(monday: Cast, enter: Enter) -> None:
    assert "There is no campaign yet" in enter(monday.dirk).get("/campaigns/").content.decode()
    assert monday.sales
    page = enter(monday.dirk).get("/campaigns/fibre/").content.decode()
    assert "Nobody is on the list of this campaign." in page


def test_the_campaigns_cost_the_same_number_of_queries_for_one_and_for_thirty(
    monday: Cast, enter: Enter
) -> None:
    client = enter(monday.dirk)
    lined_up(monday, 0)
    client.get("/campaigns/")
    few = queries(client, "/campaigns/")
    for number in range(1, 31):
        other = Campaign.objects.create(slug=f"c{number}", name=f"Campaign {number}")
        lined_up(monday, number, campaign=other)
    assert queries(client, "/campaigns/") == few
