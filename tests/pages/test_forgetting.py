"""Forgetting and the dossier as administrators and supervisors work with them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from crm import forgetting, pull_list
from crm.models import AuditEntry, Customer, Erasure
from followups.models import Promise
from offers import bill_runs
from tests.cast import DUPONT_MOBILE, HOUR, PASSWORD, START, SYSTEM, Cast, call_and_promise
from tests.offers import paper
from tests.pages.conftest import Enter
from tests.pages.test_account import log_in


def confirmed(name: str) -> Client:
    client = log_in(name)
    client.post("/account/confirm/", {"password": PASSWORD})
    return client


def filled(customer: Customer, **other: str) -> dict[str, str]:
    facts = {"reference": customer.reference, "repeated": customer.reference.lower()}
    facts |= {"ground": "asked", "case": "GDPR-2026/41", **other}
    return {f"forget-{name}": value for name, value in facts.items()}


@pytest.fixture
def listed(settings: Any, tmp_path: Path) -> Path:
    settings.FORGOTTEN_LIST = str(tmp_path / "deep" / "forgotten.csv")
    return Path(settings.FORGOTTEN_LIST)


def test_an_administrator_forgets_somebody_whom_they_never_see(monday: Cast, listed: Path) -> None:
    call_and_promise(monday.amina, monday.dupont)
    client = confirmed("eva")
    asked = client.get("/forgotten/add/")
    assert asked.status_code == 200 and b"Dupont" not in asked.content
    answer = client.post("/forgotten/add/", filled(monday.dupont))
    assert answer["Location"] == "/forgotten/"
    page = client.get("/forgotten/").content.decode()
    assert monday.dupont.reference in page and "GDPR-2026/41" in page and "Eva" in page
    assert Promise.objects.get().status == "erased"
    assert Erasure.objects.get().by == f"user:{monday.eva.pk}"
    (line,) = pull_list.read(listed)
    assert (line.reference, line.case) == (monday.dupont.reference, "GDPR-2026/41")
    assert listed.stat().st_size < 200 and "Dupont" not in listed.read_text()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"repeated": "C-1"}, "The two references differ."),
        ({"reference": "C-999999"}, "Nobody has this reference."),
        ({"case": "+32470123456"}, "A case number begins with a letter"),
        ({"ground": "again"}, "again is not one of the available choices"),
    ],
)
def test_what_is_not_sure_forgets_nobody(monday: Cast, other: dict[str, str], words: str) -> None:
    answer = confirmed("eva").post("/forgotten/add/", filled(monday.dupont, **other))
    assert answer.status_code == 422 and words in answer.content.decode()
    assert not Erasure.objects.exists()
    assert Customer.objects.get(pk=monday.dupont.pk).erased_at is None


def test_without_a_confirmed_password_nobody_is_forgotten(monday: Cast) -> None:
    client = log_in("eva")
    answer = client.post("/forgotten/add/", filled(monday.dupont))
    assert answer.status_code == 302 and "/account/confirm/" in answer["Location"]
    assert not Erasure.objects.exists()


def test_a_sheet_of_somebody_forgotten_is_opened_by_nobody(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    assert client.get(f"/customers/{monday.dupont.reference}/").status_code == 200
    forgetting.forget(
        customer=monday.dupont, ground="asked", case="GDPR-1", by=SYSTEM, at=START + HOUR
    )
    assert client.get(f"/customers/{monday.dupont.reference}/").status_code == 404
    found = client.get("/customers/", {"q": DUPONT_MOBILE})
    assert monday.dupont.reference not in found.content.decode()


def test_a_supervisor_takes_the_dossier_and_it_is_written_down(monday: Cast) -> None:
    call_and_promise(monday.amina, monday.dupont)
    client = confirmed("chloe")
    path = f"/customers/{monday.dupont.reference}/dossier"
    sheet = client.get(f"/customers/{monday.dupont.reference}/").content.decode()
    assert f"{path}/pdf/" in sheet
    answer = client.get(f"{path}/pdf/")
    assert answer.content.startswith(b"%PDF")
    assert "attachment" in answer["Content-Disposition"]
    told = json.loads(client.get(f"{path}/json/").content)
    assert told["sections"]["person"][0]["name"] == "Mme Éléonore Dupont"
    assert client.get(f"{path}/exe/").status_code == 404
    assert AuditEntry.objects.filter(action="dossier_taken").count() == 2


def test_the_dossier_of_another_team_is_not_there(monday: Cast) -> None:
    monday.chloe.team = monday.gent
    monday.chloe.save()
    client = confirmed("chloe")
    path = f"/customers/{monday.dupont.reference}/dossier/json/"
    assert client.get(path).status_code == 404
    assert not AuditEntry.objects.filter(action="dossier_taken").exists()


def test_printed_sheets_are_listed_to_be_taken_out(monday: Cast, enter: Enter) -> None:
    first, second = paper.billed(monday, number=1), paper.billed(monday, number=2)
    paper.queued(first)
    run = paper.printed(paper.queued(second))
    later = paper.PRINTED + HOUR
    forgetting.forget(customer=second, ground="asked", case="GDPR-1", by=SYSTEM, at=later)
    page = enter(monday.dirk).get(f"/bill-runs/{run.pk}/").content.decode()
    assert "Take 1 sheet out of the stack" in page
    assert bill_runs.mailed_whole(run=run, by=SYSTEM, at=later)
    page = enter(monday.dirk).get(f"/bill-runs/{run.pk}/").content.decode()
    assert "out of the stack" not in page


# --- after a restore ----------------------------------------------------------------------------


def test_a_restored_database_forgets_again_whom_the_list_names(
    monday: Cast, tmp_path: Path
) -> None:
    gone, file = monday.dupont, tmp_path / "list.csv"
    at = (START + HOUR * 2).isoformat()
    file.write_text(
        "reference,at,ground,case\n"
        f"{gone.reference},{at},asked,GDPR-1\n"
        f"C-999999,{at},asked,GDPR-2\n"
    )
    call_command("erase_customer", "--again", str(file), "--by", "eva")
    assert Erasure.objects.get(customer=gone).ground == "again"
    counts = pull_list.again(pull_list.read(file), by=SYSTEM, at=START + HOUR * 3)
    assert counts == {"before": 1, "unknown": 1}


def test_whoever_has_the_reference_since_is_not_forgotten(monday: Cast, tmp_path: Path) -> None:
    row = monday.dupont
    before = row.created_at - timedelta(days=1)
    line = pull_list.Line(row.reference, before, "asked", "GDPR-1")
    assert pull_list.again([line], by=SYSTEM, at=START) == {"another": 1}
    assert not Erasure.objects.exists()


def test_the_list_grows_by_who_is_missing(monday: Cast, listed: Path) -> None:
    assert pull_list.write_down(at=START) == 0
    forgetting.forget(customer=monday.dupont, ground="asked", case="A-1", by=SYSTEM, at=START)
    assert pull_list.write_down(at=START) == 1
    assert pull_list.write_down(at=START) == 0
    later = START + timedelta(days=30)
    forgetting.forget(customer=monday.peeters, ground="asked", case="A-2", by=SYSTEM, at=later)
    assert pull_list.write_down(at=later) == 1
    assert [line.case for line in pull_list.read(listed)] == ["A-1", "A-2"]


def test_a_line_that_was_torn_is_written_again(monday: Cast, listed: Path) -> None:
    forgetting.forget(customer=monday.dupont, ground="asked", case="A-1", by=SYSTEM, at=START)
    listed.parent.mkdir()
    listed.write_text(f"reference,at,ground,case\r\n{monday.dupont.reference},2026-0")
    assert pull_list.write_down(at=START) == 1
    assert [line.case for line in pull_list.read(listed)] == ["A-1"]


@pytest.mark.parametrize("text", ["", "a,b\n", "reference,at,ground,case\nC-1,now,asked,A-1\n"])
def test_what_is_no_list_forgets_nobody(monday: Cast, tmp_path: Path, text: str) -> None:
    file = tmp_path / "list.csv"
    file.write_text(text)
    with pytest.raises(CommandError):
        call_command("erase_customer", "--again", str(file), "--by", "eva")


# --- on the machine -----------------------------------------------------------------------------


def test_the_command_takes_only_the_word_of_an_administrator(monday: Cast) -> None:
    words = ["erase_customer", monday.dupont.reference, "--ground", "asked", "--case", "A-1"]
    for name in ("chloe", "nobody"):
        with pytest.raises(CommandError):
            call_command(*words, "--by", name)
    with pytest.raises(CommandError):
        call_command("erase_customer", monday.dupont.reference, "--by", "eva")
    assert not Erasure.objects.exists()
    call_command(*words, "--by", "eva")
    with pytest.raises(CommandError):
        call_command(*words, "--by", "eva")


def test_a_number_is_asked_about_and_freed_on_the_machine(
    monday: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    forgetting.forget(customer=monday.dupont, ground="asked", case="A-1", by=SYSTEM, at=START)
    words = ["forgotten_number", "0470 12 34 56", "--by", "eva"]
    call_command(*words)
    call_command(*words, "--lift")
    call_command(*words)
    assert capsys.readouterr().out.split("\n")[:3] == [
        "barred",
        "It is barred no more.",
        "not barred",
    ]
    with pytest.raises(CommandError):
        call_command(*words, "--lift")
    with pytest.raises(CommandError):
        call_command("forgotten_number", "hello", "--by", "eva")
