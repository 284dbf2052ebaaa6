"""The page of hand-overs: for supervisors, within their team, with a reason."""

from __future__ import annotations

from followups.models import HandOver
from tests.cast import Cast
from tests.crm.test_absences import colleague
from tests.followups.scenes import fresh, promised
from tests.pages.conftest import Enter

WHY = {"handover-reason": "left", "handover-words": "She leaves us at the end of the week."}


def test_a_supervisor_hands_everything_over(monday: Cast, enter: Enter) -> None:
    promise, noor = promised(monday), colleague(monday, "noor")
    client = enter(monday.chloe)
    assert "1 open promise " in client.get("/hand-over/").content.decode()
    form = WHY | {"handover-owner": monday.amina.pk, "handover-to": noor.pk}
    done = client.post("/hand-over/", form, follow=True)
    assert "Noor has taken over: promises 1, things to settle 0." in done.content.decode()
    assert fresh(promise).owner == noor
    assert HandOver.objects.get().words == WHY["handover-words"]


def test_too_short_a_reason_and_another_team_are_refused_beside_the_field(
    monday: Cast, enter: Enter
) -> None:
    promise = promised(monday)
    form = WHY | {"handover-owner": monday.amina.pk, "handover-to": monday.chloe.pk}
    client = enter(monday.chloe)
    for more, words in (
        ({"handover-words": "She leaves."}, "Say in 15 to 500 characters why."),
        ({"handover-to": monday.bram.pk}, "Select a valid choice."),
        ({"handover-to": monday.amina.pk}, "Choose somebody else than who hands over."),
    ):
        answer = client.post("/hand-over/", form | more)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert fresh(promise).owner == monday.amina


def test_only_supervisors_open_it(monday: Cast, enter: Enter) -> None:
    for somebody in (monday.amina, monday.dirk, monday.eva):
        assert enter(somebody).get("/hand-over/").status_code == 403
