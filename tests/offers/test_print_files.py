"""The print file: every sheet once, in order, with its marks; and a builder that may be killed."""

from __future__ import annotations

import io
import threading
from typing import Any

import pikepdf
import pytest
from django.db import connection, transaction

from offers import bill_runs, covers, deliveries, links, print_files, rendering, volumes
from offers.models import Delivery, Document, PrintPiece, PrintRun, PrintVolume
from tests.cast import SYSTEM, Cast, Clock, pdf_for
from tests.offers.paper import CUT_OFF, billed, built, lines_of, queued, run_of


def pages(run: PrintRun) -> list[str]:
    """The text of every sheet of a run, volume after volume."""
    found = []
    for volume in run.volumes.order_by("number"):
        data = b"".join(volumes.read(volume))
        assert len(data) == volume.size
        with pikepdf.open(io.BytesIO(data)) as opened:
            assert len(opened.pages) == volume.sheets
            found += [f"{volume.number}" for _page in opened.pages]
    return found


def small(monkeypatch: pytest.MonkeyPatch, sheets: int) -> None:
    """Volumes so small that a handful of lines needs several."""
    plan = volumes.plan
    monkeypatch.setattr(volumes, "plan", lambda **given: plan(**given, sheets=sheets))


def test_a_closed_run_is_built_in_the_order_of_the_bills(cast: Cast) -> None:
    people = [billed(cast, number=n) for n in range(3)]
    last, first = queued(people[2]), queued(people[0])
    queued(people[1])
    run = built(last)
    lines = lines_of(run)
    assert [line.sequence for line in lines] == [1, 2, 3]
    assert lines[0].delivery_id == first.pk and lines[2].delivery_id == last.pk
    assert (run.total, run.ready_at) == (3, CUT_OFF)
    assert len(pages(run)) == sum(line.pages or 0 for line in lines)
    assert {row.status for row in Delivery.objects.all()} == {"claimed"}


def test_a_line_is_never_split_between_volumes(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        delivery = queued(billed(cast, number=n))
    small(monkeypatch, 7)
    run = built(delivery)
    each = lines_of(run)[0].pages or 0
    rows = list(run.volumes.values_list("first", "last", "sheets"))
    fits = 7 // each
    assert rows[0] == (1, fits, fits * each)
    assert [first for first, _last, _sheets in rows] == [1 + n * fits for n in range(len(rows))]
    assert rows[-1][1] == 4


def test_what_was_taken_back_before_the_cut_off_is_not_printed(cast: Cast) -> None:
    gone, stays = queued(billed(cast, number=1)), queued(billed(cast, number=2))
    deliveries.cancel(delivery=gone, by=SYSTEM, at=CUT_OFF, cause="test")
    run = built(stays)
    assert run.total == 1
    assert {line.status for line in lines_of(run)} == {"pending", "dropped"}


def test_what_cannot_be_rendered_leaves_the_run_and_stops_nobody(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = queued(billed(cast, number=1)), queued(billed(cast, number=2))
    real = rendering.render_pdf

    def press(content: Any) -> bytes:
        if bad.version and content.issue_line.count(bad.version.offer.reference):
            raise rendering.TooLong("a summary of ten pages")
        return real(content)

    monkeypatch.setattr("offers.documents.render_pdf", press)
    run = built(good)
    assert [line.delivery_id for line in lines_of(run) if line.sequence] == [good.pk]
    bad.refresh_from_db()
    assert (bad.status, bad.proof.failed) == ("failed", True)


def test_an_uploaded_document_is_printed_as_it_is(cast: Cast) -> None:
    delivery = queued(billed(cast))
    upload = pdf_for(delivery.customer)
    Delivery.objects.filter(pk=delivery.pk).update(version=None, document=upload)
    run = built(delivery)
    assert lines_of(run)[0].pages == upload.pages + 1
    assert Document.objects.count() == 1


def test_a_run_without_lines_is_over_at_once(cast: Cast) -> None:
    delivery = queued(billed(cast))
    deliveries.cancel(delivery=delivery, by=SYSTEM, at=CUT_OFF, cause="test")
    run = built(delivery)
    assert (run.status, run.total, run.volumes.count()) == ("mailed", 0, 0)


def test_the_sheet_carries_the_code_that_opens_its_page(cast: Cast) -> None:
    delivery = queued(billed(cast))
    built(delivery)
    delivery.refresh_from_db()
    code = links.paper_code(delivery)
    assert len(code) == 10
    assert links.by_paper(code, "4000") == delivery
    assert links.by_paper(code, "9000") is None


def test_the_cover_shows_what_the_mail_room_and_the_customer_need(cast: Cast) -> None:
    delivery = queued(billed(cast))
    run = built(delivery)
    line = lines_of(run)[0]
    cover = covers._cover(line, 0, run.total or 0, {})
    assert cover.to == ("M. Paul Lambert 1", "rue Neuve 1", "4000 Liège")
    assert (cover.mark, cover.code) == ("1 / 1", f"D{delivery.pk:09d}")
    assert cover.typed == links.spaced(links.paper_code(delivery))


@pytest.mark.parametrize(
    "name", ["x" * 200, "Ω" * 90, '#set page(width: 1pt) $x$ "', "\\ ' \" {{ }} <b>", "李"]
)
def test_a_hostile_name_stays_on_one_page(cast: Cast, name: str) -> None:
    delivery = queued(billed(cast))
    run = built(delivery)
    line = lines_of(run)[0]
    line.delivery.text.to_name = line.delivery.text.words = name * 3
    with pikepdf.open(io.BytesIO(covers.render([line, line], total=run.total or 0))) as opened:
        assert len(opened.pages) == 2


def test_a_builder_that_dies_in_a_volume_leaves_no_part_of_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        delivery = queued(billed(cast, number=n))
    small(monkeypatch, 4)
    keep, calls = volumes.keep, []

    def dies(**given: Any) -> bool:
        calls.append(given["volume"].number)
        if len(calls) == 2:
            keep(**given)
            raise MemoryError("killed")
        return keep(**given)

    monkeypatch.setattr(volumes, "keep", dies)
    run = built(delivery)
    assert run.ready_at is None
    assert [v.built_at is not None for v in run.volumes.all()][:2] == [True, False]
    assert not PrintPiece.objects.filter(volume__number=2).exists()
    while print_files.step(run=run, at=CUT_OFF):
        pass
    run.refresh_from_db()
    assert run.ready_at and calls[:3] == [1, 2, 2], "the first volume is not built again"
    assert len(pages(run)) == sum(line.pages or 0 for line in lines_of(run))


def test_the_same_run_built_twice_gives_the_same_sheets(cast: Cast) -> None:
    delivery = queued(billed(cast))
    run = built(delivery)
    line = lines_of(run)[0]
    assert covers.render([line], total=1) == covers.render([line], total=1)


@pytest.mark.django_db(transaction=True)
def test_two_builders_share_a_run_without_meeting(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(6):
        delivery = queued(billed(cast, number=n))
    small(monkeypatch, 4)
    monkeypatch.setattr(print_files, "CHUNK", 2)
    run = run_of(delivery)
    run = built_by_many(run)
    assert run.ready_at
    assert [line.sequence for line in lines_of(run)] == [1, 2, 3, 4, 5, 6]
    assert len(pages(run)) == sum(line.pages or 0 for line in lines_of(run))
    assert PrintVolume.objects.count() == len({v.first for v in run.volumes.all()})


def built_by_many(run: PrintRun) -> PrintRun:
    bill_runs.close(run=run, by=SYSTEM, at=CUT_OFF)
    barrier, faults = threading.Barrier(2), []

    def work() -> None:
        try:
            barrier.wait(30)
            for _turn in range(50):
                print_files.build_due(clock=Clock(CUT_OFF))
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert faults == []
    run.refresh_from_db()
    return run


@pytest.mark.django_db(transaction=True)
def test_a_volume_that_somebody_builds_is_passed_over(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        delivery = queued(billed(cast, number=n))
    small(monkeypatch, 4)
    monkeypatch.setattr(print_files, "_build", lambda run, at: False)
    run = built(delivery)
    ready, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                first = volumes.unbuilt(run)
                assert first and first.number == 1
                ready.set()
                assert go_on.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert ready.wait(30)
        with transaction.atomic():
            second = volumes.unbuilt(run)
        assert second and second.number == 2
    finally:
        go_on.set()
        thread.join(30)
