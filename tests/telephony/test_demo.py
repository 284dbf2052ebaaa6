"""The same INVITE is refused while a promise is open, and passes once the offer has arrived.

`contrib/kamailio/demo` shows this test with its dialogue.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest

from followups.models import Promise
from tests import cast
from tests.live import until
from tests.telephony import sipp
from tests.telephony.conftest import Stage
from tests.telephony.sipp import Message

pytestmark = pytest.mark.telephony

SHOWN = ("Reason", "Retry-After", "X-Call-Gate", "X-Call-Gate-Decision")


def _tell(text: str) -> None:
    """To whoever runs this with -s; pytest keeps it otherwise."""
    sys.stdout.write(f"{text}\n")


def _show(message: Message, *, who: str) -> None:
    _tell(f"  {who:>8}  {message.first}")
    for name in SHOWN:
        if message.get(name):
            _tell(f"            {name}: {message.get(name)}")


def _dial(stage: Stage, *, code: int) -> list[Message]:
    """One call to Mme Dupont; what the carrier received of it."""
    uri = f"sip:0470123456@127.0.0.1:{stage.ends.proxy_port}"
    after = [sipp.ack(), sipp.bye()] if code == 200 else [sipp.ack_of_refusal(uri)]
    with stage.ends.carrier("answers") as carrier:
        seen = stage.ends.dial(sipp.invite(uri), sipp.receive(code), *after)
        received = carrier.received()
    _show(seen[0], who="dialer")
    for message in received:
        _show(message, who="carrier")
    _show(next(m for m in seen if m.first.startswith(f"SIP/2.0 {code}")), who="answer")
    return received


def test_the_same_invite_is_refused_then_passes(stage: Stage) -> None:
    scene = stage.scene
    promise = scene.promise(scene.cast.dupont, address=cast.DUPONT_MAIL)
    _tell("\nMme Dupont was promised an offer by e-mail. A dialer calls her to sell:")
    assert _dial(stage, code=603) == []

    scene.accepted(promise)
    scene.report("delivered", cast.DUPONT_MAIL)
    until(lambda: _grade(promise) == 2, what="the delivery report to count")
    scene.forward(timedelta(hours=25))
    scene.status(promise, "kept")
    _tell("\nThe offer has arrived. She has three days to read it:")
    assert _dial(stage, code=603) == []

    scene.forward(timedelta(days=3))
    scene.to_working_morning()
    until(lambda: scene.gate(cast.DUPONT_MOBILE)["decision"] == "allow", what="the gate to open")
    _tell("\nOn the first working morning after that:")
    (received,) = _dial(stage, code=200)
    assert received.uri.startswith(f"sip:{cast.DUPONT_MOBILE}@")


def _grade(promise: Promise) -> int:
    attached = promise.attached.select_related("delivery__proof").get()
    return int(attached.delivery.proof.grade)
