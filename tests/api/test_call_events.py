"""Call events: five dialers speak as they do, and one call stays one attempt."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from django.db import connections
from django.http import HttpResponse
from pytest_django import Settings

from crm import call_sources, customers
from crm.models import Attempt, AuditEntry, CallSource, User
from followups import call_events
from followups.models import Lease
from tests.api.conftest import FORM, Machine
from tests.api.dialers import ADDRESS, JSON, SECRET, Dialer, dialer, payload, twilio
from tests.cast import DUPONT_MOBILE, HOUR, MINUTE, START, SYSTEM, Cast, brussels

RANG, ANSWERED, ENDED = (
    brussels(f"2026-03-02 {clock}") for clock in ("08:58:00", "08:58:12", "08:59:30")
)


def told(name: str, **more: Any) -> str:
    """A payload of the docs with some of its fields changed, or taken out (None)."""
    text = payload(name)
    if text.startswith("{"):
        body = json.loads(text)
        inner = body.get("data", body)
        inner |= more
        return json.dumps(body)
    pairs = dict(parse_qsl(text, keep_blank_values=True)) | more
    return urlencode({key: value for key, value in pairs.items() if value is not None})


def taken(answer: HttpResponse, **wanted: object) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    assert {name: body[name] for name in wanted} == wanted
    return body


def refused(answer: HttpResponse, field: str, words: str = "") -> None:
    assert answer.status_code == 422, answer.content
    errors = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert words in errors.get(field, "nothing about this field"), errors
    assert not Attempt.objects.exists()


def outcome(attempt: Attempt) -> tuple[datetime | None, datetime | None, datetime | None, str]:
    return attempt.started_at, attempt.answered_at, attempt.ended_at, attempt.result


@pytest.fixture
def at_work(scene: Cast) -> Cast:
    """Mme Dupont is known, Amina has an Aircall user, and there is a campaign."""
    assert scene.dupont
    assert scene.sales
    User.objects.filter(pk=scene.amina.pk).update(external_id="456")
    return scene


# --- five dialers, as the docs show them ------------------------------------------------------


def test_vicidial_tells_by_get_and_its_status_is_both_result_and_disposition(at_work: Cast) -> None:
    vicidial = dialer("vicidial", campaign=at_work.sales)
    taken(vicidial.says(told("vicidial-start", agent="")), new=True, revision=1)
    assert Attempt.objects.get().agent is None
    taken(vicidial.says(payload("vicidial-dispo")), new=False, revised=True, revision=2)
    attempt = Attempt.objects.get()
    assert (attempt.source, attempt.external_id) == ("vicidial", "M3020858120000012345")
    assert (attempt.customer, attempt.agent) == (at_work.dupont, at_work.amina)
    assert (attempt.campaign, attempt.purpose) == (at_work.sales, "sales")
    assert outcome(attempt) == (ANSWERED, ANSWERED, ENDED, "answered")
    assert attempt.disposition_id == "declined"
    assert attempt.logged_by == "source:vicidial"
    assert attempt.text.number == DUPONT_MOBILE
    assert attempt.text.recording_ref == "20260302-085812_470123456"


def test_twilio_tells_by_signed_form_when_it_rang_was_answered_and_ended(at_work: Cast) -> None:
    listens = dialer("twilio")
    for name in ("initiated", "answered", "completed"):
        taken(listens.says(payload(f"twilio-{name}")), new=name == "initiated")
    attempt = Attempt.objects.get()
    assert outcome(attempt) == (RANG, ANSWERED, ENDED, "answered")
    assert (attempt.direction, attempt.customer) == ("outbound", at_work.dupont)
    assert attempt.revision == 3


def test_twilios_last_event_alone_tells_the_whole_call(at_work: Cast) -> None:
    assert at_work.dupont
    taken(dialer("twilio").says(payload("twilio-completed")), new=True)
    assert outcome(Attempt.objects.get()) == (ANSWERED, ANSWERED, ENDED, "answered")


def test_an_inbound_call_of_twilio_is_the_callers(at_work: Cast) -> None:
    swapped = {"Direction": "inbound", "From": DUPONT_MOBILE, "To": "+3242000000"}
    taken(dialer("twilio").says(told("twilio-answered", **swapped)), new=True)
    attempt = Attempt.objects.get()
    assert (attempt.direction, attempt.customer) == ("inbound", at_work.dupont)
    assert attempt.purpose == "service"


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("busy", "busy"),
        ("no-answer", "no_answer"),
        ("failed", "failed"),
        ("canceled", "cancelled"),
    ],
)
def test_twilios_failures_are_told_by_the_table(at_work: Cast, status: str, result: str) -> None:
    assert at_work.dupont
    taken(dialer("twilio").says(told("twilio-completed", CallStatus=status)), new=True)
    attempt = Attempt.objects.get()
    assert (attempt.result, attempt.answered_at, attempt.ended_at) == (result, None, ENDED)


def test_aircall_tells_by_json_with_its_token_in_the_body(at_work: Cast) -> None:
    aircall = dialer("aircall")
    taken(aircall.says(payload("aircall-created")), new=True)
    assert Attempt.objects.get().result == ""
    taken(aircall.says(payload("aircall-ended")), revised=True)
    attempt = Attempt.objects.get()
    assert outcome(attempt) == (RANG, ANSWERED, ENDED, "answered")
    assert (attempt.external_id, attempt.agent) == ("4711", at_work.amina)
    assert attempt.text.recording_ref == "https://api.aircall.io/v1/calls/4711"


def test_a_call_of_aircall_that_nobody_answered_says_so_at_its_end(at_work: Cast) -> None:
    assert at_work.dupont
    taken(dialer("aircall").says(told("aircall-ended", answered_at=None)), new=True)
    assert outcome(Attempt.objects.get()) == (RANG, None, ENDED, "no_answer")


def test_an_event_that_the_map_does_not_want_is_answered_and_not_saved(at_work: Cast) -> None:
    tagged = payload("aircall-created").replace("call.created", "call.tagged")
    taken(dialer("aircall").says(tagged), ignored=True, attempt=None)
    assert not Attempt.objects.exists()


def test_asterisk_tells_by_form_with_basic(at_work: Cast) -> None:
    asterisk = dialer("asterisk")
    taken(asterisk.says(payload("asterisk-started")), new=True)
    taken(asterisk.says(payload("asterisk-ended")), revised=True)
    attempt = Attempt.objects.get()
    assert attempt.started_at == RANG + timedelta(microseconds=118_342)
    assert attempt.answered_at == ANSWERED + timedelta(microseconds=4_711)
    assert (attempt.ended_at, attempt.result) == (ENDED, "answered")
    assert attempt.text.number == DUPONT_MOBILE  # 0470123456 in the region of the source


def test_a_zero_of_asterisk_means_never(at_work: Cast) -> None:
    assert at_work.dupont
    answer = dialer("asterisk").says(told("asterisk-ended", answer="0.000000", status="NOANSWER"))
    taken(answer, new=True)
    attempt = Attempt.objects.get()
    assert (attempt.answered_at, attempt.result) == (None, "no_answer")


@pytest.mark.parametrize("scheme", ["hmac-sha256", "bearer"])
def test_plain_json_tells_in_our_own_words(at_work: Cast, scheme: str) -> None:
    dialect = call_sources.dialect(call_sources.SHIPPED / "plain.json")
    if scheme == "bearer":
        dialect = replace(dialect, scheme=scheme, door={})
    plain = dialer("plain", dialect=dialect)
    taken(plain.says(payload("plain-started")), new=True)
    taken(plain.says(payload("plain-ended")), revised=True)
    attempt = Attempt.objects.get()
    assert outcome(attempt) == (RANG, ANSWERED, ENDED, "answered")
    assert (attempt.campaign, attempt.disposition_id) == (at_work.sales, "wants_in_writing")


def test_the_source_may_stand_in_the_body(at_work: Cast) -> None:
    text = told("plain-started", source="plain")
    plain = dialer("plain")
    answer = plain.client.post(ADDRESS, text, content_type=JSON, headers=plain.proof(text))
    taken(answer, new=True)


# --- one call, one attempt --------------------------------------------------------------------


def test_the_same_event_again_changes_nothing(at_work: Cast) -> None:
    assert at_work.dupont
    listens = dialer("twilio")
    first = taken(listens.says(payload("twilio-completed")), new=True)
    again = taken(listens.says(payload("twilio-completed")), new=False, revised=False)
    assert again["attempt"] == first["attempt"]
    assert Attempt.objects.get().revision == 1


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (2, 0, 1), (1, 0, 2)])
def test_events_may_come_in_another_order(at_work: Cast, order: tuple[int, ...]) -> None:
    assert at_work.dupont
    listens, names = dialer("twilio"), ("initiated", "answered", "completed")
    for place in order:
        taken(listens.says(payload(f"twilio-{names[place]}")))
    attempt = Attempt.objects.get()
    assert (attempt.answered_at, attempt.ended_at, attempt.result) == (ANSWERED, ENDED, "answered")


def test_what_was_worked_out_contradicts_nothing(at_work: Cast) -> None:
    assert at_work.dupont
    plain, silent = dialer("plain"), {"started_at": None, "answered_at": None, "ended_at": None}
    taken(plain.says(told("plain-started", **silent)), new=True)
    first = Attempt.objects.get()
    assert START <= first.started_at < START + MINUTE  # the moment at which it was told
    taken(plain.says(told("plain-ended", **silent, talk_seconds=30)), revised=True)
    ended = Attempt.objects.get()
    assert ended.started_at == first.started_at == ended.answered_at
    later = {"at": (START + 2 * MINUTE).isoformat(), "talk_seconds": 90}
    taken(plain.says(told("plain-ended", **silent, **later)), revised=False)
    assert Attempt.objects.get().ended_at == ended.ended_at


def test_two_dialers_may_use_the_same_id(at_work: Cast) -> None:
    assert at_work.dupont
    taken(dialer("aircall").says(payload("aircall-created")), new=True)
    taken(dialer("plain").says(payload("plain-started")), new=True)
    assert Attempt.objects.filter(external_id="4711").count() == 2


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"result": "busy"}, "result"),
        ({"number": "+32475000001"}, "number"),
        ({"direction": "inbound"}, "direction"),
        ({"started_at": "2026-03-02T08:57:00+01:00"}, "started_at"),
        ({"answered_at": "2026-03-02T08:58:13+01:00"}, "answered_at"),
    ],
)
def test_what_was_said_differently_before_is_refused(
    at_work: Cast, more: dict[str, str], field: str
) -> None:
    assert at_work.dupont
    plain = dialer("plain")
    taken(plain.says(payload("plain-started")))
    taken(plain.says(payload("plain-ended")))
    answer = plain.says(told("plain-ended", **more))
    assert answer.status_code == 409, answer.content
    assert field in answer.json()["detail"]
    assert Attempt.objects.get().revision == 2


def test_a_wrap_up_by_key_completes_the_call_that_an_event_opened(
    at_work: Cast, dialer: Machine
) -> None:
    plain = _plain()
    taken(plain.says(payload("plain-started")), new=True)
    wrap_up = {
        "source": "plain",
        "external_id": "4711",
        "direction": "outbound",
        "number": DUPONT_MOBILE,
        "campaign": "fibre",
        "started_at": RANG.isoformat(),
        "disposition": "undecided",
    }
    answer = dialer.post("/calls", wrap_up)
    assert (answer.status_code, answer.json()["revised"]) == (200, True)
    assert Attempt.objects.get().disposition_id == "undecided"


def _plain() -> Dialer:
    return dialer("plain")


def test_a_shared_number_is_logged_without_a_person(at_work: Cast) -> None:
    customers.add_number(customer=at_work.peeters, e164=DUPONT_MOBILE, position=1, at=START)
    assert at_work.dupont
    plain = dialer("plain")
    taken(plain.says(payload("plain-started")), new=True)
    attempt = Attempt.objects.get()
    assert (attempt.customer, attempt.text.number) == (None, DUPONT_MOBILE)
    named = told("plain-started", external_id="4712", customer=at_work.dupont.reference)
    taken(plain.says(named), new=True)
    assert Attempt.objects.get(external_id="4712").customer == at_work.dupont


def test_a_call_that_was_logged_stays_the_same_persons(at_work: Cast) -> None:
    plain = dialer("plain")
    taken(plain.says(payload("plain-started")))
    customers.add_number(customer=at_work.peeters, e164=DUPONT_MOBILE, position=1, at=START)
    taken(plain.says(payload("plain-ended")), revised=True)
    assert Attempt.objects.get().customer == at_work.dupont


def test_never_call_me_takes_effect_with_the_event(at_work: Cast, dialer: Machine) -> None:
    vicidial = _vicidial()
    taken(vicidial.says(told("vicidial-dispo", dispo="DNC")), new=True)
    assert dialer.get("/gate", number=DUPONT_MOBILE).json()["code"] == "dnc_company"


def _vicidial() -> Dialer:
    return dialer("vicidial")


def test_the_lease_of_the_decision_lasts_as_long_as_the_call(
    at_work: Cast, dialer: Machine
) -> None:
    allowed = dialer.get("/gate", number=DUPONT_MOBILE, purpose="sales").json()
    assert allowed["decision"] == "allow", allowed
    plain, started = _plain(), allowed["checked_at"]
    text = told("plain-started", decision_id=allowed["decision_id"], started_at=started)
    taken(plain.says(text), new=True)
    lease = Lease.objects.get()
    assert lease.until_at - lease.taken_at == 4 * HOUR
    over = {"answered_at": None, "ended_at": started}
    taken(plain.says(told("plain-ended", **over)), revised=True)
    assert Lease.objects.get().released_by == "source:plain"
    assert str(Attempt.objects.get().decision_id) == allowed["decision_id"]


@pytest.mark.parametrize("name", ["decision_id", "scrub_id"])
def test_what_was_asked_before_the_call_may_come_with_a_later_event(
    at_work: Cast, name: str
) -> None:
    plain, first, other = _plain(), uuid.uuid4(), uuid.uuid4()
    taken(plain.says(told("plain-started", decision_id=None)), new=True)
    taken(plain.says(told("plain-ended", **{name: str(first)})), revised=True, revision=2)
    taken(plain.says(told("plain-ended", **{name: str(other)})), revised=False)
    assert getattr(Attempt.objects.get(), name) == first


def test_many_events_of_one_call_at_once_make_one_attempt(lasting_scene: Cast) -> None:
    assert lasting_scene.dupont
    listens = dialer("twilio")
    texts = [payload(f"twilio-{name}") for name in ("initiated", "answered", "completed")] * 4

    def one(text: str) -> HttpResponse:
        try:
            return Dialer(listens.source).says(text)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(one, texts))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["new"] for answer in answers) == 1
    attempt = Attempt.objects.get()
    assert (attempt.result, attempt.ended_at) == ("answered", ENDED)


# --- what cannot be read ----------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"event": "ringing"}, "event", "event = ringing"),
    ({"event": None}, "event", "missing"),
    ({"external_id": ""}, "external_id", "missing"),
    ({"external_id": "x" * 121}, "external_id", "120"),
    ({"external_id": "a\x00b"}, "external_id", "cannot be stored"),
    ({"external_id": ["4711"]}, "external_id", "text or a number"),
    ({"direction": "sideways"}, "direction", "direction = sideways"),
    ({"number": "12"}, "number", "not a phone number"),
    ({"number": None}, "number", "Give the number"),
    ({"number": {"e164": "+32"}}, "number", "text or a number"),
    ({"customer": "C-999999"}, "customer", "no such customer"),
    ({"agent": "nobody"}, "agent", "no such person"),
    ({"campaign": "nothing"}, "campaign", "no such campaign"),
    ({"purpose": "fun"}, "purpose", "purpose = fun"),
    ({"result": "perhaps"}, "result", "result = perhaps"),
    ({"disposition": "happy"}, "disposition", "no such disposition"),
    ({"decision_id": "no uuid"}, "decision_id", "decision"),
    ({"scrub_id": "no uuid"}, "scrub_id", "scrub"),
    ({"started_at": "yesterday, at noon"}, "started_at", "not an instant"),
    ({"started_at": "2026-03-02"}, "started_at", "not an instant"),
    ({"started_at": (START + HOUR).isoformat()}, "started_at", "future"),
    ({"started_at": "2001-01-01T00:00:00+01:00"}, "started_at", "past"),
    ({"started_at": (ENDED + MINUTE / 4).isoformat()}, "answered_at", "came first"),
    ({"talk_seconds": "a while"}, "talk_seconds", "seconds"),
    ({"talk_seconds": -1}, "talk_seconds", "seconds"),
    ({"talk_seconds": "nan"}, "talk_seconds", "seconds"),
    ({"note": "n" * 10_001}, "note", "10000"),
]


@pytest.mark.parametrize(("more", "field", "words"), WRONG)
def test_what_cannot_be_read_is_refused_by_field_and_nothing_is_saved(
    at_work: Cast, more: dict[str, Any], field: str, words: str
) -> None:
    assert at_work.dupont
    refused(dialer("plain").says(told("plain-ended", **more)), field, words)


def test_a_value_that_the_table_does_not_know_is_named(at_work: Cast) -> None:
    assert at_work.dupont
    answer = dialer("vicidial").says(told("vicidial-dispo", dispo="XYZ"))
    refused(answer, "result", "dispo = XYZ")
    assert {error["field"] for error in answer.json()["errors"]} == {"result", "disposition"}


def test_a_field_that_comes_twice_is_refused(at_work: Cast) -> None:
    assert at_work.dupont
    answer = dialer("vicidial").says(payload("vicidial-dispo") + "&number=0475000001")
    refused(answer, "number", "text or a number")


def test_a_wall_clock_is_read_in_the_zone_of_the_source(at_work: Cast) -> None:
    assert at_work.dupont
    london = dialer("vicidial", zone="Europe/London")
    taken(london.says(told("vicidial-start", date="2026-03-02 07:58:12")), new=True)
    assert Attempt.objects.get().started_at == ANSWERED


def test_the_campaigns_and_people_of_another_team_are_not_there(at_work: Cast) -> None:
    supplier = dialer("plain", team=at_work.gent)
    refused(supplier.says(told("plain-started", campaign=None)), "agent")
    taken(supplier.says(told("plain-started", agent="bram", campaign=None)), new=True)
    assert Attempt.objects.get().team == at_work.gent


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"", JSON, 415),
        (b"a=b", "text/plain", 415),
        (b"--x--", "multipart/form-data; boundary=x", 415),
        (b"%ff%00=%ff", FORM, 401),
    ],
)
def test_a_body_that_nobody_can_read_is_a_problem(
    at_work: Cast, body: bytes, kind: str, status: int
) -> None:
    plain = dialer("plain")
    answer = plain.client.post(f"{ADDRESS}?source=plain", body, content_type=kind)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"


# --- who knocks -------------------------------------------------------------------------------

KNOCKS = [
    ("vicidial", "vicidial-start"),
    ("twilio", "twilio-initiated"),
    ("aircall", "aircall-created"),
    ("asterisk", "asterisk-started"),
    ("plain", "plain-started"),
]


def unauthorized(answer: HttpResponse) -> None:
    assert answer.status_code == 401, answer.content
    assert answer.json()["type"] == "urn:kept:problem:unauthorized"
    assert not Attempt.objects.exists()
    assert not CallSource.objects.exclude(last_heard_at=None).exists()


@pytest.mark.parametrize(("name", "block"), KNOCKS)
def test_another_secret_is_not_believed(at_work: Cast, name: str, block: str) -> None:
    other = dialer(name, secret="the-secret-of-somebody-else")
    unauthorized(other.says(payload(block)))


@pytest.mark.parametrize(("name", "block"), KNOCKS)
def test_a_source_that_is_off_is_not_there(at_work: Cast, name: str, block: str) -> None:
    assert at_work.dupont
    off = dialer(name)
    call_sources.switch_off(source=off.source, by=SYSTEM, at=START)
    answer = off.says(payload(block))
    unauthorized(answer)
    unknown = off.client.get(f"{ADDRESS}?source=nobody")
    assert unknown.json() == answer.json()
    call_sources.switch_on(source=off.source, by=SYSTEM, at=START)
    taken(off.says(payload(block)), new=True)


@pytest.mark.parametrize(("name", "block"), KNOCKS)
def test_a_rotated_secret_opens_nothing(at_work: Cast, name: str, block: str) -> None:
    rotated = dialer(name)
    call_sources.rotate(source=rotated.source, by=SYSTEM, at=START)
    unauthorized(rotated.says(payload(block)))


@pytest.mark.parametrize(("name", "block"), KNOCKS[1:])
def test_without_proof_nothing_is_believed(at_work: Cast, name: str, block: str) -> None:
    silent = dialer(name)
    text = payload(block).replace(SECRET, "")
    kind = JSON if text.startswith("{") else FORM
    where = f"{ADDRESS}?source={name}"
    unauthorized(silent.client.post(where, text, content_type=kind))
    for header in ("", "Bearer", "Bearer \udcff", "Basic !!!", "Basic Og==", f"Token {SECRET}"):
        knock = {"Authorization": header, "X-Twilio-Signature": header, "X-Signature": header}
        unauthorized(silent.client.post(where, text, content_type=kind, headers=knock))


@pytest.mark.parametrize("name", ["", "PLAIN", "plain\x00", "p" * 40, "'; DROP TABLE x; --", "é"])
def test_a_name_that_is_none_is_nobody(at_work: Cast, name: str) -> None:
    plain = dialer("plain")
    unauthorized(plain.client.get(ADDRESS, {"source": name}))
    unauthorized(plain.client.get(ADDRESS, {"source": ["plain", name]}))


def test_what_was_changed_on_the_way_is_not_believed(at_work: Cast) -> None:
    listens, plain = dialer("twilio"), dialer("plain")
    form, text = payload("twilio-initiated"), payload("plain-started")
    signed = {**listens.proof(form), **plain.proof(text)}
    changed = form.replace("32470123456", "32475000001")
    unauthorized(listens.says(changed, **signed))
    unauthorized(plain.says(text.replace("32470123456", "32475000001"), **signed))
    elsewhere = f"{ADDRESS}?source=twilio&x=1"
    unauthorized(
        listens.client.post(elsewhere, form, content_type=FORM, headers=listens.proof(form))
    )


def test_json_is_signed_by_nothing_that_twilio_sends(at_work: Cast) -> None:
    listens = dialer("twilio")
    body = json.dumps(dict(parse_qsl(payload("twilio-initiated"))))
    unauthorized(listens.says(body, **listens.proof("")))


@pytest.mark.parametrize("port", ["", ":443"])
def test_twilio_may_know_our_address_with_its_port_or_without(
    at_work: Cast, settings: Settings, port: str
) -> None:
    settings.BASE_URL = "https://kept.example"
    listens, text = dialer("twilio"), payload("twilio-initiated")
    url = f"https://kept.example{port}{ADDRESS}?source=twilio"
    taken(listens.says(text, **{"X-Twilio-Signature": twilio(url, text)}), new=True)


def test_nothing_that_a_dialer_says_reaches_the_logs(
    at_work: Cast, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**more: object) -> None:
        raise RuntimeError(f"{more} {SECRET} {DUPONT_MOBILE}")

    sources = {name: dialer(name) for name, _block in KNOCKS}
    with caplog.at_level("DEBUG"):
        for name, block in KNOCKS:
            sources[name].says(payload(block))
            sources[name].says(payload(block)[:-9])
        monkeypatch.setattr(call_events, "take", broken)
        assert {sources[name].says(payload(block)).status_code for name, block in KNOCKS} == {500}
    assert "request failed" in caplog.text
    logged = "\n".join(str(vars(record)) for record in caplog.records)
    assert not [word for word in (SECRET, "470123456", "470 12 34 56") if word in logged]


def test_a_query_is_signed_by_nothing(at_work: Cast) -> None:
    plain = dialer("plain")
    query = {"source": "plain", **json.loads(payload("plain-started"))}
    unauthorized(plain.client.get(ADDRESS, query, headers=plain.proof("")))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_what_was_signed_long_ago_is_refused(at_work: Cast, minutes: int) -> None:
    plain = dialer("plain")
    plain.at = START + minutes * MINUTE
    answer = plain.says(payload("plain-started"))
    unauthorized(answer)
    assert "too long ago" in answer.json()["detail"]


@pytest.mark.parametrize("stamp", ["", "soon", "0", "1e999", "nan", "\udcff"])
def test_a_stamp_that_is_none_is_refused(at_work: Cast, stamp: str) -> None:
    plain, text = dialer("plain"), payload("plain-started")
    unauthorized(plain.says(text, **{"X-Timestamp": stamp}))


def test_an_old_event_of_twilio_is_refused(at_work: Cast) -> None:
    stale = told("twilio-initiated", Timestamp="Mon, 02 Mar 2026 07:50:00 +0000")
    unauthorized(dialer("twilio").says(stale))


def test_it_is_noted_when_a_source_was_heard(at_work: Cast) -> None:
    assert at_work.dupont
    aircall = dialer("aircall")
    taken(aircall.says(payload("aircall-created")), new=True)
    aircall.source.refresh_from_db()
    assert aircall.source.last_heard_at
    assert aircall.source.last_heard_at >= START


def test_the_audit_knows_no_secret(at_work: Cast) -> None:
    for name, _block in KNOCKS:
        source = dialer(name).source
        call_sources.rotate(source=source, by=SYSTEM, at=START, secret=SECRET + "2")
    entries = AuditEntry.objects.filter(subject__startswith="source:")
    assert entries.count() == 2 * len(KNOCKS)
    assert SECRET not in str(list(entries.values()))
