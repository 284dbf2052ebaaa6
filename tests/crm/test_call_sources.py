"""Sources of call events: what is kept of a secret, which maps are refused, the command."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from crm import call_maps, call_schemes, call_sources
from crm.call_maps import BadMap
from crm.call_sources import Dialect
from crm.models import AuditEntry, CallSource
from tests.cast import MINUTE, START, SYSTEM, Cast

SECRET = "a-secret-of-the-dialer-0001"
FIELDS = {
    "external_id": {"from": "id"},
    "event": {"from": "what", "values": {"begin": "started", "over": "ended"}},
    "direction": {"default": "outbound"},
    "number": {"from": "to"},
}


def add(name: str = "dialer", scheme: str = "bearer", **more: Any) -> call_sources.Opened:
    given: dict[str, Any] = {"zone": "Europe/Brussels", "region": "be", "by": SYSTEM, "at": START}
    dialect = Dialect(scheme, more.pop("door", {}), more.pop("fields", FIELDS))
    return call_sources.add(name=name, dialect=dialect, **given | more)


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("call_source", *words, stdout=out)
    return out.getvalue().strip()


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))


# --- secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["bearer", "basic", "token"])
def test_of_a_secret_that_is_presented_only_a_hash_is_kept(db: None, scheme: str) -> None:
    opened = add(scheme=scheme)
    assert len(opened.secret) > 40
    assert opened.secret not in str(CallSource.objects.values().get())
    assert bytes(CallSource.objects.get().secret_sha256) == call_schemes.digest(opened.secret)


@pytest.mark.parametrize("scheme", ["hmac-sha256", "twilio"])
def test_a_secret_that_signs_is_kept_and_shows_nowhere(db: None, scheme: str) -> None:
    opened = add(scheme=scheme, secret=SECRET)
    assert CallSource.objects.get().shared_secret == opened.secret == SECRET
    knock = call_schemes.Knock("GET", {"Authorization": SECRET}, SECRET.encode(), {"x": SECRET})
    for thing in (opened, opened.source, knock):
        assert SECRET not in f"{thing!r} {thing}"
    assert SECRET not in run("list")
    assert SECRET not in str(AuditEntry.objects.values())


@pytest.mark.parametrize(
    "columns",
    [
        {"scheme": "bearer", "shared_secret": SECRET},
        {"scheme": "bearer", "secret_sha256": None},
        {"scheme": "twilio", "secret_sha256": b"x" * 32, "shared_secret": SECRET},
        {"scheme": "hmac-sha256"},
        {"off_by": "somebody"},
        {"rotated_at": START},
    ],
)
def test_the_database_keeps_secrets_only_where_they_sign(db: None, columns: Any) -> None:
    row = {"name": "x", "scheme": "bearer", "secret_sha256": b"x" * 32, "fields": {}, "zone": "UTC"}
    row |= {"region": "BE", "created_at": START, "created_by": "test"}
    with pytest.raises(IntegrityError):
        CallSource.objects.create(**row | columns)


@pytest.mark.parametrize("secret", ["short", "s" * 201, "a-secret-with-\x00-in-it"])
def test_a_poor_secret_is_refused(db: None, secret: str) -> None:
    with pytest.raises(BadMap, match="16 to 200"):
        add(secret=secret)
    assert not CallSource.objects.exists()


# --- what cannot be a source ------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "Desk", "desk", "page", "a b", "x" * 33, "../x", "é", "-x"])
def test_a_name_that_cannot_be_used_is_refused(db: None, name: str) -> None:
    with pytest.raises(BadMap):
        add(name)


def test_a_name_is_taken_once(db: None) -> None:
    add()
    with pytest.raises(BadMap, match="already"):
        add()
    assert actions() == ["call_source_added"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"zone": "Europe/Atlantis"}, "time zone"),
        ({"zone": "../etc/passwd"}, "time zone"),
        ({"region": "XX"}, "country"),
        ({"scheme": "digest"}, "scheme"),
        ({"door": {"header": "X"}}, "door"),
        ({"scheme": "token", "door": {"field": ""}}, "door"),
        ({"scheme": "hmac-sha256", "door": {"encoding": "rot13"}}, "door"),
        ({"scheme": "hmac-sha256", "door": {"prefix": 1}}, "door"),
        ({"fields": []}, "fields"),
        ({"fields": {}}, "external_id"),
        ({"fields": {k: v for k, v in FIELDS.items() if k != "number"}}, "number"),
        ({"fields": FIELDS | {"colour": {"from": "c"}}}, "colour"),
        ({"fields": FIELDS | {"agent": {}}}, "agent"),
        ({"fields": FIELDS | {"agent": {"form": "a"}}}, "form"),
        ({"fields": FIELDS | {"agent": {"from": 1}}}, "text"),
        ({"fields": FIELDS | {"agent": {"from": "a", "values": []}}}, "agent"),
        ({"fields": FIELDS | {"agent": {"from": "a", "format": "iso"}}}, "format"),
        ({"fields": FIELDS | {"at": {"from": "a", "format": "swatch"}}}, "format"),
        ({"fields": FIELDS | {"at": {"from": "a", "present": "x"}}}, "present"),
        ({"fields": FIELDS | {"result": {"from": "r", "values": {"X": "fine"}}}}, "fine"),
        ({"fields": FIELDS | {"result": {"default": "fine"}}}, "fine"),
        ({"fields": FIELDS | {"event": {"from": "e", "values": {"X": ""}}}}, "event"),
        ({"fields": FIELDS | {"number": {"from": {"outbound": "To"}}}}, "number"),
        ({"fields": FIELDS | {"disposition": {"default": "happy"}}}, "happy"),
    ],
)
def test_a_dialect_that_cannot_work_is_refused_in_words(db: None, more: Any, words: str) -> None:
    with pytest.raises(BadMap, match=words):
        add(**more)
    assert not CallSource.objects.exists()
    assert actions() == []


@pytest.mark.parametrize("name", call_sources.shipped())
def test_every_shipped_dialect_can_be_used(db: None, name: str) -> None:
    found = call_sources.dialect(call_sources.SHIPPED / f"{name}.json")
    opened = add(name, scheme=found.scheme, door=found.door, fields=found.fields)
    assert opened.source.fields == found.fields


def test_five_dialers_are_shipped_and_each_scheme_but_bearer_is_used() -> None:
    assert call_sources.shipped() == ["aircall", "asterisk", "plain", "twilio", "vicidial"]
    found = [call_sources.dialect(path) for path in call_sources.SHIPPED.glob("*.json")]
    assert {d.scheme for d in found} == {*CallSource.Scheme.values} - {"bearer"}
    assert set(call_schemes.CHECKS) == set(call_schemes.DOORS) == set(CallSource.Scheme.values)


# --- instants, as dialers write them ----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "form", "told"),
    [
        ("2026-03-02T09:00:00+01:00", "iso", START),
        ("2026-03-02T08:00:00Z", "iso", START),
        ("2026-03-02 09:00:00", "iso", START),
        ("1772438400", "unix", START),
        ("1772438400.000", "unix", START),
        ("1772438400000", "unix_ms", START),
        ("Mon, 02 Mar 2026 08:00:00 +0000", "rfc2822", START),
        ("Mon, 02 Mar 2026 08:00:00 -0000", "rfc2822", START),
        ("02/03/2026 09:00", "%d/%m/%Y %H:%M", START),
        ("02/03/2026 08:00 +0000", "%d/%m/%Y %H:%M %z", START),
        ("0", "unix", None),
        ("0.000000", "unix", None),
    ],
)
def test_an_instant_is_read_as_the_map_writes_it(text: str, form: str, told: object) -> None:
    zone = call_maps.wallclock.zone_of("Europe/Brussels")
    assert call_maps.instant_of(text, form, zone) == told


@pytest.mark.parametrize("form", ["iso", "unix", "unix_ms", "rfc2822", "%Y-%m-%d"])
@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "1e400",
        "-1e30",
        "nan",
        "sNaN",
        "1e9999999999",
        "9999-99-99",
        "0001-01-01T00:00+14:00",
    ],
)
def test_what_is_no_instant_is_a_fault_and_never_a_crash(form: str, text: str) -> None:
    fields = FIELDS | {"at": {"from": "at", "format": form}}
    payload = {"id": "1", "what": "begin", "to": "+32470123456", "at": text}
    with pytest.raises(call_maps.Unreadable) as caught:
        call_maps.read(fields, payload, zone="Europe/Brussels")
    assert [name for name, _why in caught.value.faults] == ["at"]


def test_the_signature_of_twilio_agrees_with_the_published_example() -> None:
    """The account, address and form of Twilio's own description of the scheme."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    knock = call_schemes.Knock(
        method="POST",
        headers={"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="},
        body=b"",
        payload={},
        urls=("https://mycompany.com/myapp.php?foo=1&bar=2",),
        form=tuple(form.items()),
    )
    source = CallSource(scheme="twilio", shared_secret="12345")
    call_schemes.verify(source, knock, at=START)
    with pytest.raises(call_schemes.Untrusted):
        call_schemes.verify(CallSource(scheme="twilio", shared_secret="54321"), knock, at=START)


# --- changes ----------------------------------------------------------------------------------


def test_every_change_is_in_the_audit_once(db: None) -> None:
    source = add().source
    call_sources.rotate(source=source, by=SYSTEM, at=START)
    call_sources.remap(source=source, fields=FIELDS | {"agent": {"from": "a"}}, by=SYSTEM, at=START)
    assert call_sources.switch_off(source=source, by=SYSTEM, at=START)
    assert not call_sources.switch_off(source=source, by=SYSTEM, at=START)
    assert call_sources.switch_on(source=source, by=SYSTEM, at=START)
    assert not call_sources.switch_on(source=source, by=SYSTEM, at=START)
    assert actions() == [
        "call_source_added",
        "call_source_rotated",
        "call_source_mapped",
        "call_source_switched_off",
        "call_source_switched_on",
    ]
    dialects = AuditEntry.objects.order_by("pk").values_list("data__dialect", flat=True)
    assert len(set(dialects[:2])) == 1
    assert len(set(dialects)) == 2


def test_a_source_was_heard_at_most_once_a_minute(db: None) -> None:
    source = add().source
    for at in (START, START + MINUTE / 2):
        call_sources.heard(source=source, at=at)
        source.refresh_from_db()
    assert source.last_heard_at == START
    call_sources.heard(source=source, at=START + 2 * MINUTE)
    source.refresh_from_db()
    assert source.last_heard_at == START + 2 * MINUTE


# --- the command ------------------------------------------------------------------------------


def test_the_command_adds_a_source_and_prints_its_secret_once(cast: Cast) -> None:
    assert cast.sales
    secret = run("add", "north", "--dialer", "vicidial", "--campaign", "fibre", "--team", "gent")
    source = CallSource.objects.get()
    assert bytes(source.secret_sha256) == call_schemes.digest(secret)
    assert (source.campaign, source.team) == (cast.sales, cast.gent)
    assert (source.zone, source.region) == ("Europe/Brussels", "BE")
    assert AuditEntry.objects.get().by == "command:call_source"
    assert "north\ttoken\tEurope/Brussels\tfibre\tgent\ton\tnever heard" in run("list")


def test_a_secret_that_was_given_is_not_printed(
    db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    assert run("add", "twilio", "--dialer", "twilio", "--secret-file", str(file)) == ""
    assert CallSource.objects.get().shared_secret == SECRET
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}2\n"))
    assert run("rotate", "twilio", "--secret-file", "-") == ""
    assert CallSource.objects.get().shared_secret == f"{SECRET}2"


def test_the_command_takes_another_scheme_and_a_map_of_ones_own(db: None, tmp_path: Path) -> None:
    run("add", "ours", "--dialer", "plain", "--scheme", "bearer")
    source = CallSource.objects.get()
    assert (source.scheme, source.door) == ("bearer", {})
    file = tmp_path / "map.json"
    file.write_text(json.dumps({"scheme": "bearer", "fields": FIELDS}))
    run("map", "ours", "--map", str(file))
    assert CallSource.objects.get().fields == FIELDS
    run("off", "ours")
    assert call_sources.named("ours") is None
    assert "\toff\t" in run("list")
    run("on", "ours")
    assert call_sources.named("ours") == source


@pytest.mark.parametrize(
    "words",
    [
        ("add", "x"),
        ("add", "x", "--dialer", "pigeon"),
        ("add", "X Y", "--dialer", "plain"),
        ("add", "x", "--dialer", "plain", "--scheme", "digest"),
        ("add", "x", "--dialer", "plain", "--zone", "Mars"),
        ("add", "x", "--dialer", "plain", "--campaign", "none"),
        ("add", "x", "--dialer", "plain", "--team", "none"),
        ("add", "x", "--map", "/nowhere"),
        ("add", "x", "--dialer", "plain", "--secret-file", "/nowhere"),
        ("add", "x", "--dialer", "plain", "--secret-file", "/dev/null"),
        ("rotate", "nobody"),
        ("off", "nobody"),
        ("map", "nobody", "--dialer", "plain"),
        ("fly",),
    ],
)
def test_a_command_that_cannot_be_done_does_nothing(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*words)
    assert not CallSource.objects.exists()
    assert actions() == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "[" * 9999, '{"scheme": "bearer"}', '{"scheme": "x", "fields": {}, "y": 1}'],
)
def test_a_file_that_is_no_dialect_is_refused(db: None, tmp_path: Path, text: str) -> None:
    file = tmp_path / "map.json"
    file.write_text(text)
    with pytest.raises(CommandError):
        run("add", "x", "--map", str(file))
