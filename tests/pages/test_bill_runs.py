"""The screens of operations: bill runs and deliveries in trouble."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import clock
from crm.models import AuditEntry, User
from offers import bill_runs, print_files, returns
from offers.models import Delivery, PrintRun
from tests.cast import SYSTEM, Cast
from tests.offers.paper import billed, lines_of, queued, run_of


def as_(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def run(cast: Cast) -> PrintRun:
    """Two sheets, built."""
    for n in range(2):
        delivery = queued(billed(cast, number=n), at=clock.now())
    run = run_of(delivery)
    bill_runs.close(run=run, by=SYSTEM, at=clock.now())
    while print_files.build_due(clock=clock.now):
        pass
    run.refresh_from_db()
    return run


def page(client: Client, name: str, *args: Any) -> str:
    answer = client.get(reverse(name, args=args))
    assert answer.status_code == 200, answer
    return answer.content.decode()


def upload(client: Client, run: PrintRun, text: str, name: str = "return.csv") -> Any:
    file = SimpleUploadedFile(name, text.encode())
    return client.post(reverse("bill_run", args=[run.pk]), {"file": file}, follow=True)


def test_a_run_is_printed_and_confirmed_on_the_screen(cast: Cast, run: PrintRun) -> None:
    dirk = as_(cast.dirk)
    assert "ready to print" in page(dirk, "bill_runs")
    assert "It is printed" in page(dirk, "bill_run", run.pk)
    dirk.post(reverse("run_printed", args=[run.pk]))
    print_files.hand_over(at=clock.now())
    first, _second = lines_of(run)
    answer = upload(dirk, run, f"delivery,status\n{first.code},mailed\nD77,mailed\n")
    shown = answer.content.decode()
    assert "is on no list of ours" in shown and "D000000077" in shown
    assert "sweep:" not in shown and 'by">Kept</span>' in shown, "the authors are said in words"
    returns.record_due(at=clock.now())
    assert Delivery.objects.get(pk=first.delivery_id).status == "sent"
    assert "?status=pending" in page(dirk, "bill_run", run.pk)


def test_a_file_that_is_none_is_refused_beside_the_field(cast: Cast, run: PrintRun) -> None:
    bill_runs.printed(run=run, by=SYSTEM, at=clock.now())
    answer = upload(as_(cast.dirk), run, "a,b\n1,2\n")
    assert answer.status_code == 422
    assert "missing: delivery, status" in answer.content.decode()


def test_the_print_file_and_the_manifest_come_whole_and_it_is_written_down(
    cast: Cast, run: PrintRun
) -> None:
    dirk, volume = as_(cast.dirk), run.volumes.get()
    answer = dirk.get(reverse("run_volume", args=[run.pk, volume.number]))
    data = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert data.startswith(b"%PDF-") and len(data) == volume.size
    manifest = dirk.get(reverse("run_manifest", args=[run.pk]))
    text = b"".join(manifest.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.count("\r\n") == 3
    taken = set(AuditEntry.objects.values_list("action", "by"))
    by = f"user:{cast.dirk.pk}"
    assert taken == {("print_file_taken", by), ("manifest_taken", by)}


@pytest.mark.parametrize("name", ["close_run", "run_printed", "run_mailed"])
@pytest.mark.parametrize("who", ["amina", "chloe", "eva"])
def test_only_operations_move_a_run(cast: Cast, run: PrintRun, name: str, who: str) -> None:
    before = PrintRun.objects.values().get(pk=run.pk)
    answer = as_(getattr(cast, who)).post(reverse(name, args=[run.pk]))
    assert answer.status_code == 403
    assert PrintRun.objects.values().get(pk=run.pk) == before


@pytest.mark.parametrize(
    ("who", "reads", "takes"),
    [("amina", 403, 403), ("chloe", 200, 403), ("dirk", 200, 200), ("eva", 403, 403)],
)
def test_supervisors_read_and_take_no_addresses(
    cast: Cast, run: PrintRun, who: str, reads: int, takes: int
) -> None:
    client = as_(getattr(cast, who))
    for name, args in (("bill_runs", []), ("bill_run", [run.pk]), ("deliveries", [])):
        assert client.get(reverse(name, args=args)).status_code == reads, name
    for name, args in (("run_manifest", [run.pk]), ("run_volume", [run.pk, 1])):
        assert client.get(reverse(name, args=args)).status_code == takes, name
    assert "rue Neuve" not in client.get(reverse("bill_run", args=[run.pk])).content.decode()


def test_a_get_moves_nothing(cast: Cast, run: PrintRun) -> None:
    for name in ("close_run", "run_printed", "run_mailed"):
        assert as_(cast.dirk).get(reverse(name, args=[run.pk])).status_code == 405


def test_a_sheet_that_came_back_is_noted_and_listed(cast: Cast, run: PrintRun) -> None:
    dirk = as_(cast.dirk)
    bill_runs.printed(run=run, by=SYSTEM, at=clock.now())
    print_files.hand_over(at=clock.now())
    answer = dirk.post(reverse("deliveries"), {"code": "nothing"})
    assert answer.status_code == 422 and "No sheet that we printed" in answer.content.decode()
    line = lines_of(run)[0]
    assert dirk.post(reverse("deliveries"), {"code": line.code}).status_code == 302
    assert line.delivery.text.reference in page(dirk, "deliveries")


def test_the_list_asks_the_same_number_of_questions_for_one_run_and_for_many(
    cast: Cast, run: PrintRun
) -> None:
    dirk = as_(cast.dirk)
    page(dirk, "bill_runs")
    with CaptureQueriesContext(connection) as one:
        page(dirk, "bill_runs")
    for day in range(1, 12):
        queued(billed(cast, number=100 + day, bill_day=day), at=clock.now())
    with CaptureQueriesContext(connection) as many:
        page(dirk, "bill_runs")
    assert len(one) == len(many)
