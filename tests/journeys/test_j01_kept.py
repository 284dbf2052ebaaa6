"""J1: a promised offer arrives, is read, and only then may somebody call again."""

from __future__ import annotations

from datetime import timedelta

from config import clock
from followups import next_calls
from tests import cast
from tests.journeys.scene import Scene
from tests.live import until


def test_the_mail_is_accepted_while_the_customer_is_on_the_line(scene: Scene) -> None:
    dupont = scene.cast.dupont
    promise = scene.promise(dupont, address=cast.DUPONT_MAIL)
    scene.accepted(promise)
    mail = scene.mail(cast.DUPONT_MAIL)
    names = [part.get_filename() for part in mail.iter_attachments()]
    assert names == [f"{promise.reference}.pdf"]
    assert promise.reference in str(mail["Subject"])
    text = mail.get_body(("plain",))
    assert text is not None
    assert cast.WORDS in text.get_content()
    pdf = next(iter(mail.iter_attachments())).get_content()
    assert pdf.startswith(b"%PDF-")


def test_sales_wait_for_proof_then_for_reading_and_then_the_agent_may_call(scene: Scene) -> None:
    scene.to_working_morning()
    dupont = scene.cast.dupont
    promise = scene.promise(dupont, address=cast.DUPONT_MAIL)
    scene.accepted(promise)
    answer = scene.gate(cast.DUPONT_HOME)
    assert (answer["decision"], answer["code"]) == ("deny", "open_promise")
    assert answer["not_before"] is None

    scene.report("delivered", cast.DUPONT_MAIL)
    until(lambda: _grade(promise) == 2, what="the delivery report to count")
    scene.forward(timedelta(hours=25))
    scene.status(promise, "kept")
    assert promise.kept_at < promise.settled_at
    answer = scene.gate(cast.DUPONT_MOBILE)
    assert (answer["decision"], answer["code"]) == ("deny", "reading_time")
    assert answer["not_before"] == answer["blocks"][0]["until"]

    scene.forward(timedelta(days=3))
    until(lambda: scene.gate(cast.DUPONT_MOBILE)["decision"] == "allow", what="the gate to open")
    waiting = next_calls.next_to_call(user=scene.cast.amina, at=clock.now())
    assert [call.customer for call in waiting.calls] == [dupont]


def _grade(promise: object) -> int:
    attached = promise.attached.select_related("delivery__proof").first()  # type: ignore[attr-defined]
    return int(attached.delivery.proof.grade)
