"""Taking the next call on the desk: one press, one person, held until called or let go."""

from __future__ import annotations

from datetime import timedelta

from django.test import Client

from crm import campaign_entries
from crm.campaign_entries import Wanted
from crm.models import Attempt, CampaignEntry
from followups.models import Lease
from tests.cast import HOUR, MINUTE, START, SYSTEM, Cast
from tests.followups.test_campaign_calls import lined_up
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_desk import queries

LATER = START + HOUR


def press(client: Client) -> str:
    return str(client.post("/desk/next/")["Location"])


def test_one_press_leads_to_the_next_customers_sheet_and_holds_them(
    monday: Cast, enter: Enter
) -> None:
    customer = lined_up(monday, 1)
    client = enter(monday.amina)
    set_clock(LATER)
    address = press(client)
    assert address.startswith(f"/customers/{customer.reference}/?decision=")
    sheet = client.get(address).content.decode()
    assert 'href="tel:+32471000001"' in sheet
    assert f'<option value="{monday.sales.pk}" selected>Fibre</option>' in sheet
    desk = client.get("/desk/").content.decode()
    assert "You hold Neighbour 1" in desk and "Take the next one" not in desk


def test_who_holds_somebody_is_led_back_to_them(monday: Cast, enter: Enter) -> None:
    for number in (1, 2):
        lined_up(monday, number)
    client = enter(monday.amina)
    set_clock(LATER)
    first = press(client)
    assert press(client) == first
    assert "You still hold Neighbour 1" in client.get(first).content.decode()
    assert Lease.objects.count() == 1


def test_who_holds_somebody_does_not_take_another_from_their_sheet(
    monday: Cast, enter: Enter
) -> None:
    first, second = lined_up(monday, 1), lined_up(monday, 2)
    amina = enter(monday.amina)
    set_clock(LATER)
    held = amina.post(f"/customers/{first.reference}/take/")
    answer = amina.post(f"/customers/{second.reference}/take/")
    assert answer["Location"] == held["Location"]
    assert Lease.objects.filter(customer=second).count() == 0
    again = amina.post(f"/customers/{first.reference}/take/")
    assert first.reference in again["Location"] and "decision=" in again["Location"]


def test_who_is_let_go_is_free_for_a_colleague_at_once(monday: Cast, enter: Enter) -> None:
    customer = lined_up(monday, 1)
    amina, chloe = enter(monday.amina), enter(monday.chloe)
    set_clock(LATER)
    press(amina)
    assert press(chloe) == "/desk/"
    lease = Lease.objects.get()
    chloe.post(f"/leases/{lease.decision_id}/let-go/")
    lease.refresh_from_db()
    assert lease.released_at is None, "it is Amina's"
    assert amina.post(f"/leases/{lease.decision_id}/let-go/")["Location"] == "/desk/"
    lease.refresh_from_db()
    assert lease.released_by == f"user:{monday.amina.pk}"
    CampaignEntry.objects.update(next_try_at=START)  # Chloé's press had put it off
    assert customer.reference in press(chloe)


def test_a_hold_is_kept_for_two_minutes_more_and_runs_out_by_itself(
    monday: Cast, enter: Enter
) -> None:
    lined_up(monday, 1)
    client = enter(monday.amina)
    at = set_clock(LATER)
    press(client)
    lease = Lease.objects.get()
    set_clock(LATER + MINUTE)
    kept = client.post(f"/leases/{lease.decision_id}/keep/", follow=True).content.decode()
    assert "Yours until 10:03." in kept
    lease.refresh_from_db()
    assert lease.until_at - at >= timedelta(minutes=2, seconds=59)
    set_clock(LATER + 4 * MINUTE)
    desk = client.get("/desk/").content.decode()
    assert "You hold" not in desk
    assert "Neighbour 1 was yours to call at 10:00. Say first what came of it." in desk
    late = client.post(f"/leases/{lease.decision_id}/keep/", follow=True).content.decode()
    assert "That was over already" in late


def test_the_saved_call_lets_go_and_counts_on_the_list(monday: Cast, enter: Enter) -> None:
    customer = lined_up(monday, 1)
    client = enter(monday.amina)
    set_clock(LATER)
    address = press(client)
    form = client.get(address).context["form"].initial
    saved = client.post(
        f"/customers/{customer.reference}/calls/",
        {
            "form_id": form["form_id"],
            "opened": form["opened"],
            "decision": form["decision"],
            "direction": "outbound",
            "number": "+32471000001",
            "campaign": form["campaign"],
            "result": "no_answer",
            "promises-TOTAL_FORMS": 0,
            "promises-INITIAL_FORMS": 0,
        },
    )
    assert saved.status_code == 302
    assert Attempt.objects.get(customer=customer).campaign == monday.sales
    entry = CampaignEntry.objects.get()
    assert (entry.tries, entry.fresh) == (1, False)
    assert "You hold" not in client.get("/desk/").content.decode()


def test_a_campaign_on_the_desk_is_the_one_for_which_the_gate_is_asked(
    monday: Cast, enter: Enter
) -> None:
    customer = lined_up(monday, 1)
    client = enter(monday.amina)
    set_clock(LATER)
    take = f"/customers/{customer.reference}/take/"
    assert "?decision=" in client.post(take, {"campaign": "fibre"})["Location"]
    assert client.post(take, {"campaign": "no-such"}).status_code == 404


def test_only_who_calls_takes(monday: Cast, enter: Enter) -> None:
    lined_up(monday, 1)
    set_clock(LATER)
    for somebody in (monday.dirk, monday.eva):
        client = enter(somebody)
        assert client.post("/desk/next/").status_code == 403
        nobody = "00000000-0000-0000-0000-000000000000"
        for act in ("keep", "let-go"):
            assert client.post(f"/leases/{nobody}/{act}/").status_code == 403
    assert enter(monday.amina).get("/desk/next/").status_code == 405
    assert not Lease.objects.exists()


def test_a_desk_with_nobody_to_call_says_what_brings_somebody(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    desk = client.get("/desk/").content.decode()
    assert "from the list of a campaign" in desk and "Take the next one" not in desk
    assert press(client) == "/desk/"
    assert "Nobody can be called just now" in client.get("/desk/").content.decode()


def test_the_campaign_list_costs_the_same_number_of_queries_for_one_and_for_thirty(
    monday: Cast, enter: Enter
) -> None:
    client = enter(monday.amina)
    lined_up(monday, 1)
    set_clock(LATER)
    client.get("/desk/")
    few = queries(client, "/desk/")
    people = [lined_up(monday, number) for number in range(2, 31)]
    wanted = [Wanted(one.pk, one.team_id) for one in people]
    campaign_entries.add(campaign=monday.sales, people=wanted, by=SYSTEM, at=START)
    assert queries(client, "/desk/") == few
