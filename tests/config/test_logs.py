"""The logs hold ids only: canaries planted in every input of the API must not sing there."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, OperationalError

from config import logs
from crm import keys
from followups import conversations, gate
from tests.api.conftest import Machine, machine, set_the_clock
from tests.cast import DUPONT_HOME, DUPONT_MOBILE, START, Cast, assemble, offer_for

# A name, words, an address, numbers as they are written, a secret.
CANARIES = {
    "name": "Zebedee Canary",
    "mail": "canary.bird@cage.example",
    "words": "the canary sings at dawn",
    "mobile": DUPONT_MOBILE,
    "spelled": "0470/12.34.56",
    "tail": "470123456",
    "home": DUPONT_HOME,
    "note": "has a yellow canary",
    "token": "kept_0123456789abcdef_CanarySecretCanarySecretCanarySecretCanary1",
}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What would be written, by our own formatter, at the most talkative level in use."""
    out = io.StringIO()
    config = logs.config(debug=True)
    config["handlers"]["out"]["stream"] = out
    logging.config.dictConfig(config)
    yield out
    logging.config.dictConfig(settings.LOGGING)


@pytest.fixture
def dialer(db: None) -> Machine:
    return machine()


@pytest.fixture
def scene(db: None, settings: Any) -> Cast:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    set_the_clock()
    return assemble()


def call(scene: Cast, **more: Any) -> dict[str, Any]:
    return {
        "source": "dialer",
        "external_id": "c-1",
        "direction": "outbound",
        "number": CANARIES["spelled"],
        "agent": "amina",
        "started_at": START.isoformat(),
        "note": CANARIES["note"],
        "promises": [
            {
                "kind": "send_offer",
                "words": CANARIES["words"],
                "address": CANARIES["mail"],
                "offer": offer_for(scene.dupont).offer.reference,
            }
        ],
    } | more


def ask_everything(scene: Cast, dialer: Machine) -> None:
    """Every operation, with a canary in every field that takes text; right and wrong."""
    for canary in CANARIES.values():
        for field in ("number", "customer", "campaign", "agent", "request_id", "lang", "x"):
            asked = {"number": CANARIES["mobile"], field: canary}
            dialer.get("/gate", **asked)
            dialer.form("/gate", **asked)
            dialer.post("/gate", asked)
        for field in ("status", "owner", "team", "due_before", "cursor"):
            dialer.get("/promises", **{field: canary})
        dialer.get(f"/promises/{canary}")
        dialer.get(f"/gate/decisions/{canary}")
        dialer.get(f"/nothing/{canary}", number=canary)
        for field in call(scene):
            dialer.post("/calls", call(scene, **{field: canary}))
        dialer.post("/calls", call(scene), **{"Idempotency-Key": canary})
        dialer.client.post("/api/v1/calls", f'{{"{canary}"', content_type="application/json")
        for scheme in ("Bearer", "Basic", ""):
            header = {"Authorization": f"{scheme} {canary}"}
            dialer.client.get("/api/v1/ping", headers=header)
            dialer.client.get(f"/health/{canary}", {"number": canary}, headers=header)


def singing(stream: io.StringIO) -> list[str]:
    """The canaries, and the secret of the key in use, that can be read in the logs."""
    text = stream.getvalue()
    return [name for name, canary in CANARIES.items() if canary in text]


@pytest.mark.filterwarnings("ignore")
def test_no_input_of_the_api_reaches_the_logs(
    scene: Cast, dialer: Machine, stream: io.StringIO
) -> None:
    ask_everything(scene, dialer)
    assert singing(stream) == []
    assert dialer.secret not in stream.getvalue()


@pytest.mark.parametrize("error", [RuntimeError, IntegrityError, OperationalError])
def test_an_error_is_logged_with_its_place_and_without_its_message(
    scene: Cast,
    dialer: Machine,
    stream: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
) -> None:
    def broken(*args: object, **more: object) -> None:
        raise error(f"Key (number)=({CANARIES['mobile']}) of {CANARIES['name']} {CANARIES['mail']}")

    for module, name in ((gate, "decide"), (conversations, "record"), (keys, "authenticate")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, broken)
            dialer.get("/gate", number=CANARIES["mobile"])
            dialer.post("/calls", call(scene))
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {line["error"] for line in lines} == {error.__name__}
    assert all("tests/config/test_logs.py" in line["where"][-1] for line in lines)
    assert singing(stream) == []


def test_what_a_library_logs_is_masked(stream: io.StringIO) -> None:
    told = " ".join(CANARIES[name] for name in ("mobile", "spelled", "mail", "home"))
    logging.getLogger("some.library").warning("refused %s", told, extra={"to": told})
    logging.getLogger("some.library").warning("GET /gate?number=0470123456&key=%s", "abc")
    logging.getLogger("some.library").warning("Authorization: Bearer %s", CANARIES["token"])
    assert stream.getvalue().count("\n") == 3
    assert singing(stream) == []
