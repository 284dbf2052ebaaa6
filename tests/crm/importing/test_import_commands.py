"""`import_contracts`, `import_attempts`, `import_suppressions`, `import_campaign`."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.models import Attempt, CampaignEntry, Contract, ListedNumber, Suppression
from tests.cast import DUPONT_MOBILE, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def dupont(cast: Cast) -> Cast:
    cast.dupont.external_id = "K-1"
    cast.dupont.save(update_fields=["external_id"])
    return cast


def file(folder: Path, text: str) -> str:
    path = folder / "brought.csv"
    path.write_text(text)
    return str(path)


def test_contracts_come_in_and_a_dry_run_changes_nothing(dupont: Cast, tmp_path: Path) -> None:
    brought = file(tmp_path, "external_id;plan;monthly\nK-1;Tempo Uno;29,95\n")
    plans = Contract.objects.filter(customer=dupont.dupont, plan="Tempo Uno")
    call_command("import_contracts", brought, "--dry-run")
    assert not plans.exists()
    call_command("import_contracts", brought)
    assert plans.exists()


def test_calls_of_a_former_system_come_in_once(dupont: Cast, tmp_path: Path) -> None:
    brought = file(tmp_path, "telephone;started_at;result\n0470123456;2026-02-02 10:00;no answer\n")
    for _time in range(2):
        call_command("import_attempts", brought, "--system", "old")
    assert Attempt.objects.filter(customer=dupont.dupont).count() == 1


def test_our_own_list_comes_in_by_its_name(dupont: Cast, tmp_path: Path) -> None:
    call_command("import_suppressions", file(tmp_path, "telephone\n0470123456\n"))
    assert Suppression.objects.filter(customer=dupont.dupont).count() == 1


def test_a_national_list_comes_in_by_its_name(cast: Cast, tmp_path: Path) -> None:
    brought = file(tmp_path, f"{DUPONT_MOBILE};2026-01-01\n")
    words = [brought, "--list", "dncm", "--date", "2026-01-05"]
    call_command("import_suppressions", *words, "--dry-run")
    assert not ListedNumber.objects.exists()
    call_command("import_suppressions", *words)
    assert ListedNumber.objects.count() == 1
    with pytest.raises(CommandError, match="No policy asks"):
        call_command("import_suppressions", brought, "--list", "robinson")


def test_a_list_to_call_comes_in_for_a_campaign_that_exists(dupont: Cast, tmp_path: Path) -> None:
    brought = file(tmp_path, f"{DUPONT_MOBILE}\n")
    with pytest.raises(CommandError, match="no campaign"):
        call_command("import_campaign", brought, "--campaign", "fibre")
    assert dupont.sales
    call_command("import_campaign", brought, "--campaign", "fibre")
    assert CampaignEntry.objects.filter(customer=dupont.dupont).count() == 1
