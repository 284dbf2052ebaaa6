"""Missed call-backs on the desk: shown to the team, taken with one press."""

from __future__ import annotations

from tests.cast import HOUR, Cast
from tests.crm.test_absences import colleague
from tests.followups.scenes import fresh
from tests.followups.test_callbacks import SLOT, asked
from tests.pages.conftest import Enter, set_clock


def test_a_colleague_takes_a_missed_call_back_and_calls(monday: Cast, enter: Enter) -> None:
    promise, noor = asked(monday), colleague(monday, "noor")
    client = enter(noor)
    set_clock(SLOT)
    assert "missed by" not in client.get("/desk/").content.decode()
    set_clock(SLOT + 2 * HOUR)
    assert "missed by Amina" in client.get("/desk/").content.decode()
    address = f"/call-backs/{promise.reference}/take/"
    taken = client.post(address, follow=True)
    assert "The call-back is yours." in taken.content.decode()
    assert fresh(promise).owner == noor
    call = client.post(f"/customers/{monday.dupont.reference}/take/")
    assert "?decision=" in call["Location"]
    late = enter(monday.chloe).post(address, follow=True)
    assert "Somebody else was first" in late.content.decode()
    assert fresh(promise).owner == noor


def test_another_team_does_not_find_it(monday: Cast, enter: Enter) -> None:
    promise = asked(monday)
    set_clock(SLOT + 2 * HOUR)
    address = f"/call-backs/{promise.reference}/take/"
    for somebody, status in ((monday.bram, 404), (monday.dirk, 403), (monday.eva, 403)):
        assert enter(somebody).post(address).status_code == status
    assert enter(monday.amina).get(address).status_code == 405
