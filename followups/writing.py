"""Written answers: the owner writes what was promised, and it travels like any other document."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crm import customers, instants
from crm.actors import Actor
from followups import items, menu, plans, presses, promises
from followups.models import Promise
from followups.terms import Refused
from offers import documents, replies
from offers.models import Delivery, Document


@transaction.atomic
def answer_with(
    *, promise: Promise, by: Actor, at: datetime, title: str = "", pdf: bytes = b"", text: str = ""
) -> Delivery | None:
    """Attaches the answer to the promise of one and sends it along the plan.

    Either an uploaded PDF or typed text, which is set on the company's paper. None when no
    channel reaches the customer: then the owner has an item for it. Raises Refused, in words, and
    then changes nothing.
    """
    customers.hold([promise.customer_id])
    promise.refresh_from_db()
    owed = promise.kind == Promise.Kind.WRITTEN_ANSWER and promise.status == Promise.Status.OPEN
    if not owed or promise.document_id:
        raise Refused("promise", _("No answer is owed any more: somebody was first."))
    document = _document(promise, title=title, pdf=pdf, text=text, by=by, at=at)
    if not promises.write_down(promise=promise, document=document, by=by, at=at):
        raise Refused("promise", _("No answer is owed any more: somebody was first."))
    items.close_about(promise=promise, cause="answered", by=by, at=at)
    return plans.start(promise=promise, by=by, at=at)


def question(promise: Promise) -> str:
    """What the customer asked: as they typed it on the page, or as our promise repeats it.

    Empty for a promise of something else, and where we write instead of calling: nobody asked.
    """
    called = promise.replaces is not None and promise.replaces.kind == Promise.Kind.CALLBACK
    if promise.kind != Promise.Kind.WRITTEN_ANSWER or called:
        return ""
    if promise.attempt.source == presses.SOURCE:
        return promise.attempt.text.note
    return menu.asked(promise.text.words, promise.customer.language)


def _document(
    promise: Promise, *, title: str, pdf: bytes, text: str, by: Actor, at: datetime
) -> Document:
    language = promise.customer.language
    if bool(pdf) == bool(text.strip()):
        raise Refused("answer", _("Write the answer, or choose a PDF that holds it."))
    asked = question(promise)
    if not pdf:
        if len(text) > replies.LONGEST:
            raise Refused("answer", _("This answer is too long; put it into a PDF."))
        on = instants.house(at).date()
        pdf = replies.render(question=asked, answer=text, language=language, on=on)
    try:
        return documents.upload(
            customer=promise.customer,
            title=title or replies.title(language, question=asked),
            pdf=pdf,
            language=language,
            by=by,
            at=at,
            kind=Document.Kind.ANSWER,
        )
    except documents.NotADocument as error:
        raise Refused("pdf", str(error)) from error
