"""Deliveries that need somebody: which, with what to do, and whose a supervisor sees."""

from __future__ import annotations

from offers import sending
from tests.cast import NO_SUCH_USER, PEETERS_MAIL, START, Cast, Clock, Relay, call_and_promise
from tests.pages.conftest import Enter
from tests.pages.test_desk import bounced


def test_a_supervisor_sees_the_own_team_and_operations_everybody(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    bounced(monday, relay)
    relay.script = [NO_SUCH_USER]
    call_and_promise(monday.bram, monday.peeters, address=PEETERS_MAIL)
    sending.send_due(clock=Clock(START))
    mine, all_of_them = (
        enter(user).get("/deliveries/").content.decode() for user in (monday.chloe, monday.dirk)
    )
    assert monday.dupont.reference in mine and monday.peeters.reference not in mine
    assert monday.dupont.reference in all_of_them and monday.peeters.reference in all_of_them


def test_each_kind_says_what_to_do_and_leads_to_its_promise(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    item = bounced(monday, relay)
    shown = enter(monday.chloe).get("/deliveries/").content.decode()
    assert "The address does not exist, or post came back from it." in shown
    assert item.promise
    assert f'href="/promises/{item.promise.reference}/"' in shown
    assert 'href="/promises/' not in enter(monday.dirk).get("/deliveries/").content.decode()
