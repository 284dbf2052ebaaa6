"""J3: the column's case. Another campaign's dialer asks for the same person on another number."""

from __future__ import annotations

from config import clock
from crm.models import Campaign
from followups.board import counts, denials, rollups, wanted
from tests import cast
from tests.journeys.scene import Scene


def test_another_campaign_on_another_number_is_denied_with_the_sentence_why(scene: Scene) -> None:
    dupont = scene.cast.dupont
    Campaign.objects.create(slug="winback", name="Win back", purpose="sales", team=scene.cast.gent)
    promise = scene.promise(dupont, address=cast.DUPONT_MAIL)
    before = avoided(scene)
    answer = scene.gate("04/222 33 44", campaign="winback", reserve="1")
    assert answer["decision"] == "deny"
    assert answer["code"] == "open_promise"
    assert answer["number"] == cast.DUPONT_HOME
    assert answer["blocks"][0]["promise"] == promise.reference
    assert "no proof" in answer["reason"]
    assert avoided(scene) == before + 1


def test_asking_again_the_same_day_counts_once(scene: Scene) -> None:
    scene.promise(scene.cast.dupont, address=cast.DUPONT_MAIL)
    scene.gate(cast.DUPONT_MOBILE)
    once = avoided(scene)
    scene.gate(cast.DUPONT_HOME)
    assert avoided(scene) == once == 1


def avoided(scene: Scene) -> int:
    """Redundant calls avoided, as the board counts them."""
    at = clock.now()
    rollups.roll(at=at + denials.WRITTEN_WITHIN)
    found = counts.redundant(wanted.read({}, user=scene.cast.dirk), at=at)
    return sum(day.avoided for day in found)
