"""Campaigns and their policies, by the commands."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.models import AuditEntry, Campaign

pytestmark = pytest.mark.django_db


def test_a_campaign_is_made_and_changed_and_what_is_not_said_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("campaign", "fibre", "--name=Fibre for all", "--policy=be")
    row = Campaign.objects.get()
    assert (row.slug, row.name, row.purpose, row.policy, row.active) == (
        "fibre",
        "Fibre for all",
        "sales",
        "be",
        True,
    )
    call_command("campaign", "fibre", "--purpose=survey", "--closed")
    row.refresh_from_db()
    assert (row.name, row.purpose, row.policy, row.active) == (
        "Fibre for all",
        "survey",
        "be",
        False,
    )
    capsys.readouterr()
    call_command("campaign")
    assert capsys.readouterr().out == "fibre: Fibre for all, survey, policy be, closed\n"
    assert AuditEntry.objects.filter(action="campaign_set").count() == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("fibre", "--policy=mars"), "no policy 'mars'"),
        (("fibre for all",), "slug"),
        (("fibre", "--purpose=fun"), "invalid choice"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_saved(
    words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("campaign", *words)
    assert not Campaign.objects.exists()


def test_policies_are_listed_and_one_is_shown_with_the_source_of_each_figure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("policies")
    listed = capsys.readouterr().out
    assert all(f"{name}@" in listed for name in ("be", "fr", "nl", "de", "uk", "none"))
    assert "be@2015-07-11" in listed and "fr@2023-03-01" not in listed
    call_command("policies", "be")
    shown = capsys.readouterr().out
    assert "at most 3 attempts in 30 days" in shown
    assert "national list dncm, at most 5 days old" in shown
    assert shown.count("Kept's own choice") >= 1 and "not legal advice" in shown
    with pytest.raises(CommandError, match="no policy 'mars'"):
        call_command("policies", "mars")
