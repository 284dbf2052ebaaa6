"""What is older than its term loses its words; what is not, and what still stands, keeps them."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from crm import customers, retention, suppressions
from crm.customers import Facts
from crm.models import Attempt, AuditEntry, Customer, Suppression, SuppressionText
from offers import intake
from offers.models import Document, UnmatchedReport
from tests.cast import DAY, START, SYSTEM, Cast, Relay, call_of, delivery_of
from tests.followups import scenes

pytestmark = pytest.mark.django_db


def call(cast: Cast, customer: Customer | None, days_ago: int) -> Attempt:
    from crm import calls

    told = call_of(cast.amina, customer, at=START - DAY * days_ago, note="she laughed")
    return calls.log(call=told, by=SYSTEM, at=START).attempt


def test_every_class_of_the_file_is_emptied_by_somebody() -> None:
    assert list(retention.classes()) == list(retention.terms())
    for name in retention.classes():
        assert retention.due(name, at=START) == 0
        assert retention.terms()[name].days >= 30 and retention.terms()[name].why


def test_notes_go_three_years_after_the_last_contact(cast: Cast) -> None:
    other = customers.add(facts=Facts(name="A", language="fr", team=cast.liege), at=START)
    old, again = call(cast, other, 1200), call(cast, cast.dupont, 1200)
    call(cast, cast.dupont, 10)
    nobodys = call(cast, None, 1200)
    assert retention.due("call_notes", at=START) == 2
    assert retention.apply("call_notes", by=SYSTEM, at=START) == 2
    for row, note in ((old, ""), (nobodys, ""), (again, "she laughed")):
        row.text.refresh_from_db()
        assert row.text.note == note
    entry = AuditEntry.objects.get(action="retention")
    assert (entry.subject, entry.data) == ("class:call_notes", {"rows": 2, "days": 1096})
    assert retention.apply("call_notes", by=SYSTEM, at=START) == 0
    assert AuditEntry.objects.filter(action="retention").count() == 1


def test_a_run_that_was_killed_goes_on_where_it_was(cast: Cast) -> None:
    for _number in range(5):
        call(cast, None, 1200)
    assert retention.apply("call_notes", by=SYSTEM, at=START, most=2) == 2
    assert retention.due("call_notes", at=START) == 3
    assert retention.run(at=START) == 3


def test_a_batch_that_fails_empties_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    call(cast, None, 1200)

    def fails(**more: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(retention.audit, "write", fails)
    with pytest.raises(RuntimeError):
        retention.apply("call_notes", by=SYSTEM, at=START)
    assert retention.due("call_notes", at=START) == 1


def test_promises_and_documents_go_five_years_after_their_end(cast: Cast, relay: Relay) -> None:
    promise = scenes.proven(cast, relay)
    waiting = scenes.promised(cast, at=START + DAY * 3)
    early, late = START + DAY * 1800, START + DAY * 1840
    for name in ("promise_words", "delivery_words", "documents"):
        assert retention.due(name, at=early) == 0
    while retention.run(at=late):
        pass
    assert scenes.fresh(promise).text.words == ""
    assert delivery_of(promise).text.address == ""
    assert bytes(Document.objects.get(version=promise.version).pdf) == b""
    assert scenes.fresh(waiting).text.words != ""
    assert delivery_of(waiting).text.address != ""


def test_a_wish_that_stands_keeps_its_words(cast: Cast) -> None:
    suppressions.add(
        customer=cast.dupont,
        kind=Suppression.Kind.DNC_COMPANY,
        origin=Suppression.Origin.CALL,
        words="never",
        by=SYSTEM,
        at=START,
    )
    retention.run(at=START + timedelta(days=9000))
    assert SuppressionText.objects.get().words == "never"


def test_reports_that_matched_nothing_go_after_a_month(db: None) -> None:
    intake.keep(raw=b"Subject: ?\r\n\r\nhello", by=SYSTEM, at=START)
    retention.run(at=START + DAY * 29)
    assert UnmatchedReport.objects.exists()
    retention.run(at=START + DAY * 31)
    assert not UnmatchedReport.objects.exists()


def test_the_dry_run_says_how_many_and_changes_nothing(cast: Cast) -> None:
    call(cast, None, 1600)
    for words, left in ((["--dry-run"], 1), ([], 0)):
        said = StringIO()
        call_command("retention", *words, stdout=said)
        assert "call_notes             1096 days          1" in said.getvalue()
        assert retention.due("call_notes", at=START) == left
