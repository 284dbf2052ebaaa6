"""J10: delivered, and bounced an hour later. The promise opens again and the gate shuts."""

from __future__ import annotations

from datetime import timedelta

from followups.models import Item
from tests import cast
from tests.journeys.scene import Scene
from tests.live import until


def test_a_bounce_after_proof_opens_the_promise_again_and_shuts_the_gate(scene: Scene) -> None:
    scene.to_working_morning()
    promise = scene.promise(scene.cast.dupont, address=cast.DUPONT_MAIL)
    scene.accepted(promise)
    scene.report("delivered", cast.DUPONT_MAIL)
    scene.forward(timedelta(hours=25))
    scene.status(promise, "kept")
    scene.forward(timedelta(days=3))
    until(lambda: scene.gate(cast.DUPONT_MOBILE)["decision"] == "allow", what="the gate to open")
    due = promise.due_at

    scene.report("failed", cast.DUPONT_MAIL)
    scene.status(promise, "open")
    assert (promise.cycle, promise.kept_at, promise.due_at) == (2, None, due)
    answer = scene.gate(cast.DUPONT_HOME)
    assert (answer["decision"], answer["code"]) == ("deny", "open_promise")
    until(lambda: Item.objects.filter(promise=promise, closed_at=None).exists(), what="an item")


def test_a_bounce_an_hour_after_the_delivery_report_stops_the_quiet_period(scene: Scene) -> None:
    scene.to_working_morning()
    promise = scene.promise(scene.cast.dupont, address=cast.DUPONT_MAIL)
    delivery = scene.accepted(promise)
    scene.report("delivered", cast.DUPONT_MAIL)
    scene.forward(timedelta(hours=1))
    scene.report("failed", cast.DUPONT_MAIL)
    until(lambda: delivery.evidence.filter(kind="failed").exists(), what="the bounce to count")
    scene.forward(timedelta(hours=30))
    until(lambda: Item.objects.filter(promise=promise).exists(), what="an item")
    promise.refresh_from_db()
    assert promise.status == "open"
    assert scene.gate(cast.DUPONT_MOBILE)["code"] == "open_promise"
