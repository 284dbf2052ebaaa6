"""`manage.py bill_run`: a whole run without a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from config import clock
from offers.models import Delivery, PrintRun
from tests.cast import Cast
from tests.offers.paper import billed, lines_of, queued, returned, run_of


def test_a_run_goes_all_the_way(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = queued(billed(cast), at=clock.now())
    run = run_of(delivery)
    call_command("bill_run", "close", str(run.pk))
    call_command("bill_run", "build")
    call_command("bill_run", "printed", str(run.pk))
    call_command("bill_run", "build")
    run.refresh_from_db()
    file = returned(run, tmp_path, f"{lines_of(run)[0].code},mailed,", "D77,mailed,")
    call_command("bill_run", "return", str(run.pk), str(file))
    said = capsys.readouterr().out
    assert "1  mailed" in said and "line 3: is on no list of ours" in said
    call_command("bill_run", "build")
    assert Delivery.objects.get(pk=delivery.pk).status == "sent"
    call_command("bill_run", "status")
    assert "mailed" in capsys.readouterr().out


def test_the_next_letters_are_opened_and_not_twice(db: None) -> None:
    call_command("bill_run", "open")
    call_command("bill_run", "open", "--day", "12")
    assert set(PrintRun.objects.values_list("kind", "bill_day")) == {
        ("batch", None),
        ("bill_run", 12),
    }


@pytest.mark.parametrize(
    "words",
    [
        ("close", "7"),
        ("back", "D7"),
        ("open", "--day", "31"),
        ("open", "--mailing", "2030-01-01"),
        ("open", "--mailing", "2030-01-01", "--cut-off", "2029-12-31T12:00"),
        ("open", "--mailing", "2030-01-01", "--cut-off", "2031-01-01T12:00+00:00"),
    ],
)
def test_what_cannot_be_done_is_said(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("bill_run", *words)
    assert not PrintRun.objects.exists()
