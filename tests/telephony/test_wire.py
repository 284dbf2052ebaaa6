"""Behind a real Kamailio a blocked number is not reached, in whatever way it is dialled."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from config import clock
from crm.models import Attempt
from followups.models import GateCheck, Lease
from tests import cast
from tests.live import until
from tests.telephony import sipp
from tests.telephony.conftest import Stage
from tests.telephony.sipp import Message

pytestmark = pytest.mark.telephony

SPELLINGS = (
    "+32470123456",
    "0470123456",
    "0032470123456",
    "%2B32470123456",
    "+32-470-12.34.56",
    "+32470123456;ext=1",
)
PEETERS = "0475/99.88.77"


def _uri(stage: Stage, user: str) -> str:
    return f"sip:{user}@127.0.0.1:{stage.ends.proxy_port}"


def _refused(stage: Stage, user: str, *headers: str) -> Message:
    """The refusal of an INVITE, after which the carrier must not have heard of it."""
    uri = _uri(stage, user)
    with stage.ends.carrier("answers") as carrier:
        seen = stage.ends.dial(
            sipp.invite(uri, *headers), sipp.receive(603), sipp.ack_of_refusal(uri)
        )
        assert carrier.received() == []
    return next(message for message in seen if message.first.startswith("SIP/2.0 603"))


def _called(stage: Stage, user: str, *headers: str) -> Message:
    """The INVITE as the carrier got it; the call is answered and ended."""
    with stage.ends.carrier("answers") as carrier:
        stage.ends.dial(
            sipp.invite(_uri(stage, user), *headers), sipp.receive(200), sipp.ack(), sipp.bye()
        )
        (received,) = carrier.received()
    return received


def _attempt(result: str, *, ended: bool = True) -> Attempt:
    """The call that the proxy has told Kept of."""
    rows = Attempt.objects.filter(source="kamailio", result=result, ended_at__isnull=not ended)
    return until(rows.first, what=f"a call that was {result}")


def test_a_blocked_number_is_refused_in_every_spelling(stage: Stage) -> None:
    stage.scene.promise(stage.scene.cast.dupont, address=cast.DUPONT_MAIL)
    for spelling in SPELLINGS:
        refusal = _refused(stage, spelling)
        assert refusal.get("Reason") == 'SIP;cause=603;text="open_promise"', spelling
        assert refusal.get("Retry-After") == ""
        check = GateCheck.objects.get(pk=refusal.get("X-Call-Gate-Decision"))
        assert check.code == "open_promise"


def test_what_is_no_number_is_refused(stage: Stage) -> None:
    for user in ("anonymous", "04701234567", "0470123456;0471123456", "1733"):
        assert _refused(stage, user).get("Reason") == 'SIP;cause=603;text="number_invalid"'


def test_the_proxy_dials_what_was_judged(stage: Stage) -> None:
    assert stage.scene.cast.peeters
    received = _called(stage, PEETERS, "X-Call-Gate: allow", "X-Call-Gate-Decision: forged")
    assert received.uri == f"sip:{cast.PEETERS_MOBILE}@127.0.0.1:{stage.ends.carrier_port}"
    assert received.get("X-Call-Gate") == "allow"
    check = GateCheck.objects.get(pk=received.get("X-Call-Gate-Decision"))
    assert (check.decision, check.code) == ("allow", "ok")

    attempt = _attempt("answered")
    assert attempt.decision_id == uuid.UUID(received.get("X-Call-Gate-Decision"))
    assert attempt.customer == stage.scene.cast.peeters
    assert attempt.started_at <= attempt.answered_at <= attempt.ended_at


def test_a_block_that_ends_by_itself_says_when(stage: Stage) -> None:
    assert stage.scene.cast.peeters
    assert stage.scene.gate(cast.PEETERS_MOBILE, reserve="1")["decision"] == "allow"
    refusal = _refused(stage, PEETERS)
    assert refusal.get("Reason") == 'SIP;cause=603;text="leased"'
    assert 60 < int(refusal.get("Retry-After")) <= 120


def test_a_forged_gate_header_opens_nothing(stage: Stage) -> None:
    stage.scene.promise(stage.scene.cast.dupont, address=cast.DUPONT_MAIL)
    _refused(stage, "0470123456", "X-Call-Gate: allow", f"X-Call-Gate-Decision: {uuid.uuid4()}")


def test_a_route_that_the_dialer_chose_is_not_taken(stage: Stage) -> None:
    stage.scene.promise(stage.scene.cast.dupont, address=cast.DUPONT_MAIL)
    us = f"Route: <sip:127.0.0.1:{stage.ends.proxy_port};lr>"
    trunk = f"Route: <sip:127.0.0.1:{stage.ends.carrier_port};lr>"
    for routes in ([us], [trunk], [us, trunk]):
        _refused(stage, "0470123456", *routes)
    elsewhere = f"Route: <sip:127.0.0.1:{sipp.free_udp_port()};lr>"
    assert _called(stage, "0471000003", us, elsewhere).all("Route") == []


def test_a_forged_tag_makes_no_call(stage: Stage) -> None:
    uri = _uri(stage, "0470123456")
    us = f"Route: <sip:127.0.0.1:{stage.ends.proxy_port};lr>"
    trunk = f"Route: <sip:127.0.0.1:{stage.ends.carrier_port};lr>"
    with stage.ends.carrier("answers") as carrier:
        for routes in ([us], [us, trunk]):
            stage.ends.dial(
                sipp.invite(uri, *routes, to=";tag=forged"),
                sipp.receive(481),
                sipp.ack_of_refusal(uri, to=";tag=forged"),
            )
        assert carrier.received() == []


def test_a_call_cannot_be_turned_into_another(stage: Stage) -> None:
    """Neither by a transfer nor by another number in a re-INVITE."""
    stage.scene.promise(stage.scene.cast.dupont, address=cast.DUPONT_MAIL)
    assert stage.scene.cast.peeters
    blocked = f"sip:{cast.DUPONT_MOBILE}@127.0.0.1:{stage.ends.carrier_port}"
    with stage.ends.carrier("talks") as carrier:
        stage.ends.dial(
            sipp.invite(_uri(stage, PEETERS)),
            sipp.receive(200),
            sipp.ack(),
            sipp.request("REFER", "[next_url]", "[routes]", f"Refer-To: <{blocked}>", cseq=3),
            sipp.receive(403),
            sipp.again(blocked),
            sipp.receive(200),
            sipp.ack(cseq=2),
            sipp.bye(),
        )
        assert carrier.received("REFER") == []
        first, second = carrier.received()
    assert cast.PEETERS_MOBILE in first.uri
    assert second.uri == f"sip:carrier@127.0.0.1:{stage.ends.carrier_port}"


def test_busy_and_cancelled_calls_are_told_with_their_decision(stage: Stage) -> None:
    uri = _uri(stage, "0471000001")
    with stage.ends.carrier("busy"):
        stage.ends.dial(sipp.invite(uri), sipp.receive(486), sipp.ack_of_refusal(uri))
    busy = _attempt("busy")
    assert busy.decision_id and busy.answered_at is None

    uri = _uri(stage, "0471000002")
    with stage.ends.carrier("rings") as carrier:
        stage.ends.dial(
            sipp.invite(uri),
            '<recv response="100" optional="true"/><recv response="180"/>',
            sipp.request("CANCEL", uri, to="", branch="invite1"),
            '<recv response="200"/><recv response="487"/>',
            sipp.ack_of_refusal(uri),
        )
        until(lambda: carrier.received("CANCEL"), what="the carrier to hear of it")
    cancelled = _attempt("cancelled")
    assert cancelled.decision_id != busy.decision_id


def test_the_end_is_told_when_the_customer_hangs_up(stage: Stage) -> None:
    with stage.ends.carrier("hangs up"):
        stage.ends.dial(
            sipp.invite(_uri(stage, "0471000004")), sipp.receive(200), sipp.ack(), sipp.hung_up()
        )
    assert _attempt("answered").decision_id


def test_the_person_is_taken_while_the_call_lasts(stage: Stage) -> None:
    assert stage.scene.cast.peeters
    hours = Lease.objects.filter(released_at=None, until_at__gt=clock.now() + timedelta(hours=3))
    with ThreadPoolExecutor(1) as line, stage.ends.carrier("answers"):
        steps = (sipp.receive(200), sipp.ack(), sipp.pause(2_000), sipp.bye())
        call = line.submit(stage.ends.dial, sipp.invite(_uri(stage, PEETERS)), *steps)
        until(hours.exists, what="the call to hold its lease")
        assert stage.scene.gate(cast.PEETERS_MOBILE)["code"] == "leased"
        call.result()
    until(lambda: not hours.exists(), what="the end of the call to free the person")


def test_help_is_called_without_asking(stage: Stage) -> None:
    before = GateCheck.objects.count()
    for number in ("112", "+32112", "100"):
        received = _called(stage, number)
        assert received.uri == f"sip:{number}@127.0.0.1:{stage.ends.carrier_port}"
        assert received.get("X-Call-Gate") == ""
    assert GateCheck.objects.count() == before
