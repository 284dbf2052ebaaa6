"""J2: a mail bounces, nobody mends it, and everybody who must know is told once, in order."""

from __future__ import annotations

from datetime import timedelta

from config import clock
from crm.workdays import Calendar
from followups import plans
from followups.board import lists, wanted
from followups.models import Escalation, Item, Notice, Promise
from tests import cast
from tests.journeys.scene import Scene
from tests.live import until

ORDER = ["owner", "owner_and_team", "supervisor", "operations", "management"]


def bounced(scene: Scene) -> Promise:
    promise = scene.promise(scene.cast.dupont, address=cast.DUPONT_MAIL)
    scene.accepted(promise)
    scene.report("failed", cast.DUPONT_MAIL)
    until(lambda: Item.objects.filter(promise=promise).exists(), what="an item for the owner")
    return promise


def test_a_hard_bounce_gives_the_owner_an_address_to_fix(scene: Scene) -> None:
    scene.to_working_morning()
    promise = bounced(scene)
    item = Item.objects.get(promise=promise)
    assert (item.kind, item.owner) == ("address_to_fix", scene.cast.amina)
    assert scene.cast.dupont.emails.get().bad_at is not None
    assert scene.gate(cast.DUPONT_MOBILE)["code"] == "open_promise"
    notice = scene.mail("amina@kept.example").get_body(("plain",))
    assert notice is not None
    assert promise.reference in notice.get_content()


def test_nothing_delivered_by_its_due_time_climbs_the_ladder_rung_by_rung(scene: Scene) -> None:
    scene.to_working_morning()
    promise = bounced(scene)
    for _ in range(9):
        scene.forward(timedelta(hours=20))
        until(lambda: not _rungs_due(promise), limit=30, what="the rungs to be climbed")
    climbed = Escalation.objects.filter(promise=promise).order_by("id")
    assert [rung.role for rung in climbed] == ORDER
    calendar = Calendar.from_dict(promise.calendar)
    assert all(calendar.is_open(rung.due_at - timedelta(seconds=1)) for rung in climbed)
    promise.refresh_from_db()
    assert promise.status == "open"
    assert promise.broken_at is not None
    told = Notice.objects.filter(escalation__promise=promise).values_list(
        "user__username", flat=True
    )
    assert sorted(told) == ["amina", "amina", "chloe", "dirk", "dirk"]


def test_the_board_shows_it_and_sales_still_may_not_call(scene: Scene) -> None:
    scene.to_working_morning()
    promise = bounced(scene)
    scene.forward(timedelta(days=4))
    until(lambda: Promise.objects.filter(broken_at__isnull=False).exists(), limit=30)
    found = lists.shown("broken", wanted=wanted.read({}, user=scene.cast.chloe), at=clock.now())
    assert [row.promise for row in found.rows] == [promise]
    assert scene.gate(cast.DUPONT_HOME)["code"] == "open_promise"


def test_a_mended_address_sends_the_offer_again_and_closes_the_item(scene: Scene) -> None:
    scene.to_working_morning()
    promise = bounced(scene)
    fresh = "mme.dupont@mail.example"
    by = cast.person(scene.cast.amina)
    plans.resend(promise=promise, address=fresh, by=by, at=clock.now())
    scene.run_sweeps()
    scene.accepted(promise)
    assert scene.mail(fresh)["To"]
    assert not Item.objects.filter(promise=promise, closed_at=None).exists()


def _rungs_due(promise: Promise) -> bool:
    return Promise.objects.filter(pk=promise.pk, next_rung_at__lte=clock.now()).exists()
