"""The list of a campaign: filled from a file, worked off by calls, by what they said."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import calls, campaign_entries, campaign_files, customers, merges
from crm.campaign_entries import Wanted
from crm.customers import Facts
from crm.models import AuditEntry, Campaign, CampaignEntry, Customer, Disposition
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    PEETERS_MOBILE,
    START,
    SYSTEM,
    Cast,
    call_of,
    person,
)

pytestmark = pytest.mark.django_db


def on_the_list(cast: Cast, **more: Any) -> CampaignEntry:
    """Mme Dupont, put on the list of the fibre campaign on Monday at nine."""
    wanted = Wanted(cast.dupont.pk, cast.liege.pk, **more)
    campaign_entries.add(campaign=cast.sales, people=[wanted], by=SYSTEM, at=START)
    return CampaignEntry.objects.get(customer=cast.dupont, campaign=cast.sales)


def called(cast: Cast, **more: Any) -> CampaignEntry:
    """Amina calls her for the campaign, an hour later unless said."""
    at = more.pop("at", START + HOUR)
    said = more.pop("said", None)
    facts = {
        "campaign": cast.sales,
        "answered_at": None,
        "result": "no_answer",
        "disposition": Disposition.objects.get(pk=said) if said else None,
        **more,
    }
    calls.log(call=call_of(cast.amina, cast.dupont, at=at, **facts), by=person(cast.amina), at=at)
    return CampaignEntry.objects.get(customer=cast.dupont)


def written(folder: Path, text: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def neighbour(cast: Cast, number: int, *phones: str) -> Customer:
    facts = Facts(
        name=f"Neighbour {number}",
        language="fr",
        team=cast.liege,
        external_id=f"crm-{number}",
        phones=phones,
    )
    return customers.add(facts=facts, at=START)


# --- worked off ---------------------------------------------------------------------------------


def test_who_was_put_on_the_list_may_be_tried_at_once(cast: Cast) -> None:
    entry = on_the_list(cast)
    assert (entry.status, entry.tries, entry.fresh) == ("open", 0, True)
    assert entry.next_try_at == START


@pytest.mark.parametrize(
    ("result", "again", "tries"),
    [
        ("no_answer", 48 * HOUR, 1),
        ("voicemail", 48 * HOUR, 1),
        ("busy", 4 * HOUR, 1),
        ("failed", 4 * HOUR, 0),
        ("cancelled", 4 * HOUR, 0),
    ],
)
def test_who_was_not_reached_is_tried_again_later(
    cast: Cast, result: str, again: timedelta, tries: int
) -> None:
    on_the_list(cast)
    entry = called(cast, result=result)
    assert entry.next_try_at == START + HOUR + again
    assert (entry.status, entry.tries, entry.fresh) == ("open", tries, False)
    assert entry.last_attempt and entry.last_attempt.result == result


def test_a_call_that_is_only_now_said_to_have_been_busy_counts_as_that(cast: Cast) -> None:
    on_the_list(cast)
    entry = called(cast, external_id="one", result="")
    assert entry.next_try_at == START + 49 * HOUR
    entry = called(cast, external_id="one", result="busy")
    assert (entry.next_try_at, entry.tries) == (START + 5 * HOUR, 1)


@pytest.mark.parametrize("said", ["accepted", "declined"])
def test_a_last_word_ends_the_entry_with_its_reason(cast: Cast, said: str) -> None:
    on_the_list(cast)
    entry = called(cast, result="answered", said=said)
    assert (entry.status, entry.closed_cause) == ("done", said)
    assert (entry.closed_at, entry.closed_by) == (START + HOUR, f"user:{cast.amina.pk}")


def test_who_is_undecided_stays_on_the_list_and_rests(cast: Cast) -> None:
    on_the_list(cast)
    entry = called(cast, result="answered", said="undecided")
    assert (entry.status, entry.next_try_at) == ("open", START + 49 * HOUR)


def test_a_call_of_another_campaign_counts_for_nothing_here(cast: Cast) -> None:
    on_the_list(cast)
    other = Campaign.objects.create(slug="loyalty", name="Loyalty")
    entry = called(cast, campaign=other, result="answered", said="declined")
    assert (entry.status, entry.tries) == ("open", 0)
    assert called(cast, campaign=None, result="answered", said="declined").status == "open"


@pytest.mark.parametrize("said", ["refused_contact", "deceased"])
def test_who_wants_no_call_any_more_is_off_every_list(cast: Cast, said: str) -> None:
    on_the_list(cast)
    entry = called(cast, campaign=None, direction="inbound", result="answered", said=said)
    assert (entry.status, entry.closed_cause) == ("done", said)


def test_after_so_many_tries_in_vain_it_is_enough(cast: Cast) -> None:
    Campaign.objects.filter(pk=cast.sales.pk).update(most_tries=2)
    on_the_list(cast)
    assert called(cast).status == "open"
    assert called(cast, at=START + HOUR + MINUTE, result="failed").status == "open"
    entry = called(cast, at=START + 3 * DAY)
    assert (entry.status, entry.closed_cause, entry.tries) == ("done", "tried_in_vain", 2)


def test_a_wrong_number_ends_it_when_there_is_no_other(cast: Cast) -> None:
    on_the_list(cast)
    assert called(cast, result="wrong_number").status == "open", "she has another one"
    cast.dupont.numbers.filter(e164=DUPONT_HOME).delete()
    entry = called(cast, result="wrong_number", at=START + DAY)
    assert (entry.status, entry.closed_cause) == ("done", "wrong_number")


def test_two_that_are_one_person_are_worked_off_together(cast: Cast) -> None:
    entry = on_the_list(cast)
    twin = neighbour(cast, 1, "+32470000001")
    merges.merge(customer=twin, into=cast.dupont, by=SYSTEM, at=START)
    said = {"campaign": cast.sales, "disposition": Disposition.objects.get(pk="accepted")}
    calls.log(call=call_of(cast.amina, twin, at=START + HOUR, **said), by=SYSTEM, at=START + HOUR)
    entry.refresh_from_db()
    assert (entry.status, entry.closed_cause) == ("done", "accepted")


def test_a_customer_who_moves_to_another_team_takes_the_entry_along(cast: Cast) -> None:
    entry = on_the_list(cast)
    Customer.objects.filter(pk=cast.dupont.pk).update(team=cast.gent)
    entry.refresh_from_db()
    assert entry.team == cast.gent


def test_who_is_put_off_is_put_off_forward_only(cast: Cast) -> None:
    entry = on_the_list(cast)
    assert campaign_entries.put_off([(entry.pk, START + DAY)]) == 1
    assert campaign_entries.put_off([(entry.pk, START + HOUR)]) == 0
    entry.refresh_from_db()
    assert entry.next_try_at == START + DAY


def test_a_call_outside_of_campaigns_asks_nothing_about_lists(cast: Cast) -> None:
    on_the_list(cast)
    with CaptureQueriesContext(connection) as captured:
        called(cast, campaign=None)
    asked = [row["sql"] for row in captured.captured_queries if "campaignentry" in row["sql"]]
    assert len(asked) == 1, "only the test's own look at it"


# --- filled -------------------------------------------------------------------------------------


def test_a_file_of_references_and_numbers_fills_the_list(cast: Cast, tmp_path: Path) -> None:
    neighbour(cast, 7)
    text = f"customer;priority\n{cast.dupont.reference.lower()};1\ncrm-7;\n0475 99 88 77;3\n"
    assert cast.peeters
    campaign_files.take_in(written(tmp_path, text), campaign=cast.sales, by=SYSTEM, at=START)
    rows = CampaignEntry.objects.order_by("pk").values_list("customer__text__name", "priority")
    assert list(rows) == [
        (cast.dupont.text.name, 1),
        ("Neighbour 7", 2),
        (cast.peeters.text.name, 3),
    ]
    assert set(CampaignEntry.objects.values_list("team__slug", flat=True)) == {"liege", "gent"}
    assert AuditEntry.objects.get(action="campaign_filled").data == {
        "new": 3,
        "known": 0,
        "done": 0,
    }


def test_a_bare_list_of_numbers_needs_no_heading(cast: Cast, tmp_path: Path) -> None:
    assert cast.dupont and cast.peeters
    text = f"{DUPONT_MOBILE}\n{PEETERS_MOBILE}\n{DUPONT_HOME}\n"
    taken = campaign_files.take_in(
        written(tmp_path, text, "list.txt"), campaign=cast.sales, by=SYSTEM, at=START
    )
    assert (taken.lines, taken.doubled, CampaignEntry.objects.count()) == (3, 1, 2)


def test_the_same_file_again_adds_nobody_and_starts_nobody_anew(cast: Cast, tmp_path: Path) -> None:
    on_the_list(cast)
    called(cast, result="answered", said="declined")
    path = written(tmp_path, f"customer\n{cast.dupont.reference}\n{cast.peeters.reference}\n")
    for found in ((1, 0, 1), (0, 1, 1)):
        added = campaign_files.take_in(path, campaign=cast.sales, by=SYSTEM, at=START).added
        assert added and (added.new, added.known, added.done) == found
    assert CampaignEntry.objects.get(customer=cast.dupont).status == "done"


def test_one_bad_line_and_nobody_is_added(cast: Cast, tmp_path: Path) -> None:
    Campaign.objects.filter(pk=cast.sales.pk).update(team=cast.liege)
    neighbour(cast, 1, "+32470000001")
    neighbour(cast, 2, "+32470000001")
    gone = neighbour(cast, 3)
    Customer.objects.filter(pk=gone.pk).update(erased_at=START, erased_by="user:1")
    text = (
        f"customer,priority\n{cast.dupont.reference},\nC-999999,\n+32470999999,\n+32470000001,\n"
        f"{cast.peeters.reference},\ncrm-3,\n,\n{cast.dupont.reference},9\ncrm-1\n"
    )
    path, campaign = written(tmp_path, text), Campaign.objects.get()
    taken = campaign_files.take_in(path, campaign=campaign, by=SYSTEM, at=START)
    assert taken.faults == [
        (3, "C-999999 is no customer of ours"),
        (4, "+32470999999 is nobody's number"),
        (5, "+32470000001 is the number of 2 customers: name the one that is meant"),
        (
            6,
            f"{cast.peeters.reference} is a customer of Gent, and the campaign is another team's",
        ),
        (7, "crm-3 has asked to be forgotten"),
        (8, "names nobody"),
        (9, "has a priority that is none of 1, 2, 3"),
        (10, "has 1 cells; the header has 2"),
    ]
    assert taken.added is None and not CampaignEntry.objects.exists()
    campaign_files.take_in(path, campaign=campaign, by=SYSTEM, at=START, leave_bad=True)
    assert CampaignEntry.objects.get().customer == cast.dupont


def test_the_command_says_what_became_of_each_line(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, f"phone\n{DUPONT_MOBILE}\nnobody\n")
    assert cast.dupont and cast.sales
    with pytest.raises(CommandError, match="1 of 2 lines are bad, so nothing was added"):
        call_command("campaign", "fibre", f"--add={path}", "--tries=4", "--rest-hours=24")
    assert "line 3: nobody is no customer of ours" in capsys.readouterr().out
    call_command("campaign", "fibre", f"--add={path}", "--leave-bad")
    assert "1 added, 0 were on the list, 0 were done with" in capsys.readouterr().out
    row = Campaign.objects.get()
    assert (row.most_tries, row.rest_hours, CampaignEntry.objects.count()) == (4, 24, 1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "The file is empty"),
        ("customer\n", "The file names nobody."),
        ("name;town\nDupont;Liège\n", "No column is named customer or reference"),
    ],
)
def test_what_is_no_list_is_refused_in_words(
    cast: Cast, tmp_path: Path, text: str, why: str
) -> None:
    path = written(tmp_path, text)
    assert cast.sales
    with pytest.raises(CommandError, match=why):
        call_command("campaign", "fibre", f"--add={path}")
    with pytest.raises(CommandError, match="There is no such file"):
        call_command("campaign", "fibre", f"--add={tmp_path / 'gone.csv'}")
    assert not CampaignEntry.objects.exists()


def test_a_file_costs_the_same_number_of_queries_for_one_line_and_for_thirty(
    cast: Cast, tmp_path: Path
) -> None:
    counts, campaign = [], cast.sales
    for size, start in ((1, 100), (30, 200)):
        rows = [neighbour(cast, start + n, f"+32470{start + n:06d}") for n in range(size)]
        text = "customer\n" + "".join(f"{row.reference}\n" for row in rows)
        path = written(tmp_path, text)
        with CaptureQueriesContext(connection) as captured:
            campaign_files.take_in(path, campaign=campaign, by=SYSTEM, at=START)
        counts.append(len(captured))
    assert counts[0] == counts[1]
