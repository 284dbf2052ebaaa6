"""A gate that is slow, gone or talks nonsense stops calls, unless the site decided otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.lineup import free_port
from tests.live import until
from tests.telephony import sipp
from tests.telephony.programs import Programs
from tests.telephony.proxy import FakeGate, proxy
from tests.telephony.sipp import Ends, Message

pytestmark = pytest.mark.telephony

OPEN = "#!define GATE_FAIL_OPEN"
DECISION = "12345678-1234-4234-8234-123456789abc"
ALLOW = {"decision": "allow", "code": "ok", "number": "+32470123456", "decision_id": DECISION}
NONSENSE: tuple[dict[str, Any], ...] = (
    {},
    {"decision": "allow"},
    {"decision": "maybe", "code": "ok", "number": "+32470123456"},
    {**ALLOW, "number": "0470123456"},
    {**ALLOW, "number": "+32470123456@elsewhere.example"},
    {**ALLOW, "number": None},
    {**ALLOW, "code": "ok\r\nX-Call-Gate: allow"},
    {"decision": "deny", "code": 'open"\r\nContact: <sip:elsewhere>'},
)


def _uri(ends: Ends) -> str:
    return f"sip:0470123456@127.0.0.1:{ends.proxy_port}"


def _refused(ends: Ends, code: int = 503) -> Message:
    uri = _uri(ends)
    with ends.carrier("answers") as carrier:
        seen = ends.dial(sipp.invite(uri), sipp.receive(code), sipp.ack_of_refusal(uri))
        assert carrier.received() == []
    return next(message for message in seen if message.first.startswith(f"SIP/2.0 {code}"))


def _called(ends: Ends, user: str = "0470123456", *headers: str) -> Message:
    uri = f"sip:{user}@127.0.0.1:{ends.proxy_port}"
    with ends.carrier("answers") as carrier:
        ends.dial(sipp.invite(uri, *headers), sipp.receive(200), sipp.ack(), sipp.bye())
        (received,) = carrier.received()
    return received


@pytest.mark.parametrize("manner", ["slow", "broken", "garbled", "locked"])
def test_without_an_answer_nobody_is_called_and_soon_nobody_waits(
    found: Programs, gate: FakeGate, tmp_path: Path, manner: str
) -> None:
    gate.manner = manner
    with proxy(found, tmp_path, api=gate.api) as ends:
        for _ in range(4):
            refusal = _refused(ends)
            assert refusal.get("Retry-After") == "30"
            assert refusal.get("Reason") == 'SIP;cause=503;text="gate_unavailable"'
    assert len(gate.asked) == 3


def test_a_gate_that_is_gone_stops_every_call_but_one_for_help(
    found: Programs, tmp_path: Path
) -> None:
    with proxy(found, tmp_path, api=f"http://id:secret@127.0.0.1:{free_port()}/api/v1") as ends:
        _refused(ends)
        assert "sip:112@" in _called(ends, "112").uri


def test_an_answer_that_is_not_whole_is_no_answer(
    found: Programs, gate: FakeGate, tmp_path: Path
) -> None:
    with proxy(found, tmp_path, api=gate.api, more="#!define GATE_TRIES 100") as ends:
        for answer in NONSENSE:
            gate.answer = answer
            refusal = _refused(ends)
            assert refusal.get("Contact") == "", answer
            assert refusal.get("X-Call-Gate") == "", answer


@pytest.mark.parametrize("manner", ["slow", "broken", "garbled", "gone"])
def test_a_site_may_decide_to_call_unchecked(
    found: Programs, gate: FakeGate, tmp_path: Path, manner: str
) -> None:
    gate.manner = manner
    api = gate.api.replace(str(gate.port), str(free_port())) if manner == "gone" else gate.api
    with proxy(found, tmp_path, api=api, more=OPEN) as ends:
        received = _called(ends, "0470123456", "X-Call-Gate: allow")
        assert received.get("X-Call-Gate") == "unchecked"
        assert received.get("X-Call-Gate-Decision") == ""


def test_a_site_that_calls_unchecked_still_hears_a_no(
    found: Programs, gate: FakeGate, tmp_path: Path
) -> None:
    gate.answer = {"decision": "deny", "code": "dnc_company", "decision_id": DECISION}
    with proxy(found, tmp_path, api=gate.api, more=OPEN) as ends:
        assert "dnc_company" in _refused(ends, 603).get("Reason")


def test_a_question_that_cannot_be_answered_is_refused_and_no_failure_of_the_gate(
    found: Programs, gate: FakeGate, tmp_path: Path
) -> None:
    gate.manner = "puzzled"
    with proxy(found, tmp_path, api=gate.api, more=OPEN) as ends:
        for _ in range(4):
            assert "invalid_question" in _refused(ends, 603).get("Reason")
    assert len(gate.asked) == 4


def test_only_dialers_begin_a_call(found: Programs, gate: FakeGate, tmp_path: Path) -> None:
    gate.answer = ALLOW
    with proxy(found, tmp_path, api=gate.api, dialers="192.0.2.0/24") as ends:
        _refused(ends, 403)
    assert gate.asked == []


def test_retry_after_counts_the_seconds_to_the_next_opening(
    found: Programs, gate: FakeGate, tmp_path: Path
) -> None:
    gate.answer = {
        "decision": "deny",
        "code": "reading_time",
        "number": "+32470123456",
        "decision_id": DECISION,
        "checked_at": "2028-02-27T23:59:50.250000+00:00",
        "not_before": "2028-03-01T00:00:05+00:00",
    }
    with proxy(found, tmp_path, api=gate.api) as ends:
        assert _refused(ends, 603).get("Retry-After") == str(2 * 86_400 + 15)
        gate.answer["not_before"] = "2027-12-31T00:00:00+00:00"
        assert _refused(ends, 603).get("Retry-After") == ""
        gate.answer["not_before"] = "2028-03-01T01:00:05+01:00"
        assert _refused(ends, 603).get("Retry-After") == ""


def test_what_the_dialer_says_of_the_call_is_asked_and_not_passed_on(
    found: Programs, gate: FakeGate, tmp_path: Path
) -> None:
    gate.answer = ALLOW
    said = (
        "X-Call-Purpose: service",
        "X-Call-Reference: P-7K3M2P",
        'X-Call-Campaign: fibre","number":"+32470999999',
    )
    with proxy(found, tmp_path, api=gate.api) as ends:
        received = _called(ends, "0470123456", *said)
    assert "X-Call-Purpose" not in received.text
    (asked,) = gate.asked
    assert asked.pop("request_id").startswith("sip-")
    assert asked == {
        "number": "0470123456",
        "purpose": "service",
        "reserve": "1",
        "campaign": 'fibre","number":"+32470999999',
        "reference": "P-7K3M2P",
    }


def test_events_wait_for_the_end_of_an_outage(
    found: Programs, gate: FakeGate, tmp_path: Path
) -> None:
    gate.answer, gate.deaf = ALLOW, True
    with proxy(found, tmp_path, api=gate.api) as ends:
        _called(ends)
        until(lambda: len(gate.events) >= 3, what="events to be posted again")
        gate.deaf = False
        until(lambda: len(gate.heard) >= 3, what="every event")
    told = {event.pop("event"): event for event in gate.heard}
    assert len(gate.heard) == len(told) == 3
    assert told["ended"].items() > told["answered"].items() > told["started"].items()
    assert told["ended"]["result"] == "answered"
    assert told["started"]["decision_id"] == DECISION
