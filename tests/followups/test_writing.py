"""Written answers: promised first, written later, then sent and proven like any document."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
import pytest

from followups import answering, conversations, menu, plans, writing
from followups.models import Item, Promise
from followups.terms import Refused, Terms
from offers import evidence, replies, sending
from offers.models import Document, Evidence
from tests.cast import (
    DAY,
    DUPONT_MAIL,
    HOUR,
    START,
    SYSTEM,
    Cast,
    Clock,
    Relay,
    call_of,
    delivery_of,
    pdf_for,
    person,
)
from tests.followups.scenes import accepted, causes, fresh, report
from tests.followups.test_answering import form, visit_of

NOW = START + HOUR


def owed(cast: Cast) -> Promise:
    """Amina promises on a call that somebody will answer in writing."""
    terms = Terms(kind="written_answer", words="You get it in writing.", address=DUPONT_MAIL)
    recorded = conversations.record(
        call=call_of(cast.amina, cast.dupont), terms=[terms], by=person(cast.amina), at=START
    )
    return recorded.promises[0]


def words(pdf: bytes) -> str:
    """The title of a PDF; reading its text is the renderer's own test."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return str(opened.docinfo["/Title"])


def test_nothing_is_sent_before_it_is_written_and_the_owner_has_the_item(cast: Cast) -> None:
    promise = owed(cast)
    assert not promise.attached.exists()
    assert Item.objects.get(promise=promise).kind == "answer_to_write"
    assert promise.due_at.isoformat() == "2026-03-09T16:30:00+00:00"


def test_typed_text_becomes_a_document_and_leaves_along_the_plan(cast: Cast, relay: Relay) -> None:
    promise = owed(cast)
    delivery = writing.answer_with(
        promise=promise, text="It is 100 Mb/s.\n\nKind regards", by=person(cast.amina), at=NOW
    )
    assert delivery and (delivery.channel, delivery.text.address) == ("email", DUPONT_MAIL)
    promise = fresh(promise)
    document = Document.objects.get(pk=promise.document_id)
    assert (document.kind, document.language) == ("answer", "fr")
    assert words(bytes(document.pdf)) == "Notre réponse à votre question"
    assert "answer_written" in causes(promise)
    assert Item.objects.get(promise=promise).closed_cause == "answered"
    sending.send_due(clock=Clock(NOW))
    report(promise, Evidence.Kind.DELIVERED, at=NOW)
    evidence.ripen(at=NOW + DAY)
    report(promise, Evidence.Kind.READ_RECEIPT, at=NOW + DAY)
    assert fresh(promise).status == "kept"


def test_a_pdf_travels_as_it_is(cast: Cast) -> None:
    promise = owed(cast)
    pdf = bytes(pdf_for(cast.dupont).pdf)
    delivery = writing.answer_with(promise=promise, pdf=pdf, title="Devis", by=SYSTEM, at=NOW)
    assert delivery and delivery.document
    assert (bytes(delivery.document.pdf), delivery.document.title) == (pdf, "Devis")


@pytest.mark.parametrize(
    ("text", "pdf", "field"),
    [
        ("", b"", "answer"),
        (" \n", b"", "answer"),
        ("text", b"%PDF-1.7", "answer"),
        ("", b"no pdf", "pdf"),
        ("x" * (replies.LONGEST + 1), b"", "answer"),
    ],
)
def test_what_is_no_answer_is_refused_and_changes_nothing(
    cast: Cast, text: str, pdf: bytes, field: str
) -> None:
    promise = owed(cast)
    with pytest.raises(Refused) as refused:
        writing.answer_with(promise=promise, text=text, pdf=pdf, by=SYSTEM, at=NOW)
    assert refused.value.field == field
    assert not Document.objects.exists()
    assert Item.objects.get().closed_at is None


def test_it_is_written_once(cast: Cast) -> None:
    promise = owed(cast)
    writing.answer_with(promise=promise, text="Yes.", by=SYSTEM, at=NOW)
    with pytest.raises(Refused):
        writing.answer_with(promise=promise, text="No.", by=SYSTEM, at=NOW)
    assert promise.attached.count() == 1


def test_an_offer_is_not_answered_with(cast: Cast, relay: Relay) -> None:
    with pytest.raises(Refused):
        writing.answer_with(promise=accepted(cast, relay), text="Yes.", by=SYSTEM, at=NOW)


def test_nothing_is_resent_before_it_is_written(cast: Cast) -> None:
    promise = owed(cast)
    with pytest.raises(Refused):
        plans.resend(promise=promise, address=DUPONT_MAIL, by=SYSTEM, at=NOW)
    assert Item.objects.filter(promise=promise, closed_at=None).exists()


def test_the_question_stands_above_its_answer(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    answering.ask(visit_of(promise), form=form(), words="Et la vitesse ?", at=NOW)
    asked = Promise.objects.get(kind="written_answer")
    assert writing.question(asked) == "Et la vitesse ?"
    assert writing.question(promise) == ""
    delivery = writing.answer_with(promise=asked, text="100 Mb/s", by=SYSTEM, at=NOW + HOUR)
    assert delivery == delivery_of(asked)
    # The page that asked proved the address, so quiet is proof enough.
    assert asked.required_grade == 3


@pytest.mark.parametrize("language", ["fr", "nl", "de", "en"])
def test_a_question_asked_on_a_call_is_read_back_from_the_promise(
    cast: Cast, language: str
) -> None:
    promise = owed(cast)
    promise.customer.language = language
    promise.text.words = menu.answering("Quand ?\nEt où ?", language)
    assert writing.question(promise) == "Quand ? Et où ?"
    promise.text.words = "What somebody said in other words."
    assert writing.question(promise) == "What somebody said in other words."


def test_the_typed_answer_carries_the_question_of_the_call(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise, real = owed(cast), replies.render
    printed: list[str] = []

    def watched(*, question: str, **more: Any) -> bytes:
        printed.append(question)
        return real(question=question, **more)

    monkeypatch.setattr(replies, "render", watched)
    writing.answer_with(promise=promise, text="Yes.", by=SYSTEM, at=NOW)
    assert printed == ["You get it in writing."]


@pytest.mark.parametrize("language", ["fr", "nl", "de", "en"])
def test_every_language_and_hostile_letters_can_be_set(language: str) -> None:
    hostile = 'a\x00b "q" \\ #panic("x") $x$ <b> 你好 \u202e' + "W" * 400
    pdf = replies.render(question=hostile, answer=hostile, language=language, on=START.date())
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert str(opened.Root.Lang).startswith(language)
        assert len(opened.pages) >= 1
    again = replies.render(question=hostile, answer=hostile, language=language, on=START.date())
    assert again == pdf
