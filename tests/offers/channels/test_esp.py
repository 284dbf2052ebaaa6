"""A mail provider over HTTP: nothing leaves without the claim, silence is never a failure."""

from __future__ import annotations

import base64
import json
import re
import socket
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import providers
from offers import documents
from offers.channels import email, esp
from offers.channels.smtp import Outcome
from offers.models import Delivery
from offers.sending import hard
from tests.cast import START, SYSTEM, Cast
from tests.offers.channels.http import ScriptedProvider
from tests.offers.journeys import sent

SECRETS = {"key": "k" * 20, "signing_key": "s" * 20, "webhook_secret": "kept:" + "w" * 20}
TAKEN = {
    "brevo": b'{"messageId": "<1@x>"}',
    "mailgun": b'{"id": "<1@x>", "message": "Queued. Thank you."}',
    "mailtrap": b'{"success": true, "message_ids": ["1"]}',
    "postmark": json.dumps(
        {"To": "dupont@mail.example", "MessageID": "m1", "ErrorCode": 0, "Message": "OK"}
    ).encode(),
    "sendgrid": b"",
    "sparkpost": b'{"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1,'
    b' "id": "1"}}',
}
STATUS = {"sendgrid": 202, "brevo": 201}


def configure(settings: Any, name: str, url: str) -> None:
    settings.ANYMAIL_ESP = name
    settings.ANYMAIL = providers.anymail(name, url=url, **SECRETS) | {"REQUESTS_TIMEOUT": (2, 0.5)}


def carry(delivery: Delivery, begin: Any = lambda: True) -> Outcome:
    document = delivery.document
    assert document
    return email.carry(delivery, document, begin, START)


@pytest.fixture
def parcel(cast: Cast) -> Delivery:
    delivery = sent(cast)
    assert delivery.version
    delivery.document = documents.ensure(
        version=delivery.version, language="fr", by=SYSTEM, at=START
    )
    return delivery


@pytest.mark.parametrize("name", sorted(providers.PROVIDERS))
def test_every_provider_carries_the_mail_and_our_delivery_id(
    parcel: Delivery, settings: Any, name: str
) -> None:
    with ScriptedProvider(STATUS.get(name, 200), TAKEN[name]) as provider:
        configure(settings, name, provider.url)
        outcome = carry(parcel)
    assert outcome.kind == "sent", outcome
    (body,) = provider.received
    readable = body.replace(b"\\u003c", b"<").decode("latin-1")
    assert parcel.key.hex in readable
    assert re.search(r"One-Click|List-Unsubscribe", readable)
    assert "dupont@mail.example" in readable


def test_a_lost_claim_sends_nothing(parcel: Delivery, settings: Any) -> None:
    with ScriptedProvider(200, TAKEN["postmark"]) as provider:
        configure(settings, "postmark", provider.url)
        assert carry(parcel, begin=lambda: False).kind == "lost"
    assert provider.received == []


@pytest.mark.parametrize(
    ("status", "kind", "stage"),
    [
        (401, "retry", "auth"),
        (403, "retry", "auth"),
        (429, "retry", "data"),
        (503, "retry", "data"),
        (302, "retry", "auth"),
        (400, "failed", "data"),
        (413, "failed", "data"),
        (500, "unknown", "verdict"),
        (502, "unknown", "verdict"),
        (504, "unknown", "verdict"),
    ],
)
def test_a_complete_answer_decides(
    parcel: Delivery, settings: Any, status: int, kind: str, stage: str
) -> None:
    with ScriptedProvider(status) as provider:
        configure(settings, "sendgrid", provider.url)
        outcome = carry(parcel)
    assert (outcome.kind, outcome.stage) == (kind, stage)
    assert len(provider.received) == 1


@pytest.mark.parametrize(
    "script",
    [{"silence": 1.5}, {"status": 0}, {"body": b"not JSON"}],
    ids=["no answer in time", "cut without an answer", "an answer nobody can read"],
)
def test_what_ends_in_silence_may_have_left(
    parcel: Delivery, settings: Any, script: dict[str, Any]
) -> None:
    with ScriptedProvider(**script) as provider:
        configure(settings, "postmark", provider.url)
        assert carry(parcel).kind == "unknown"
    assert len(provider.received) == 1


def test_where_nobody_answers_the_door_nothing_has_left(parcel: Delivery, settings: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        configure(settings, "postmark", f"http://127.0.0.1:{closed.getsockname()[1]}/")
        outcome = carry(parcel)
    assert (outcome.kind, outcome.stage) == ("retry", "connect")


def test_an_address_on_the_providers_own_list_fails_and_is_not_called_bad(
    parcel: Delivery, settings: Any
) -> None:
    said = "You tried to send to recipient(s) that have been marked as inactive. "
    said += "Found inactive addresses: dupont@mail.example. Inactive recipients are ones that"
    body = json.dumps({"ErrorCode": 406, "Message": said}).encode()
    with ScriptedProvider(422, body) as provider:
        configure(settings, "postmark", provider.url)
        outcome = carry(parcel)
    assert (outcome.kind, outcome.stage) == ("failed", "policy")
    assert not hard(outcome.status or "", outcome)


def test_an_address_that_is_none_never_reaches_the_provider(
    parcel: Delivery, settings: Any
) -> None:
    parcel.text.address = "dupont@@mail.example"
    with ScriptedProvider() as provider:
        configure(settings, "postmark", provider.url)
        document = parcel.document
        assert document
        mail = email.parts(parcel, email.letter(parcel, document), document, START)
        outcome = esp.transmit(mail=mail, key="k", begin=lambda: True)
    assert (outcome.kind, outcome.status, provider.received) == ("failed", "5.1.3", [])


def test_postmark_gets_the_whole_mail_and_keeps_our_message_id(
    parcel: Delivery, settings: Any
) -> None:
    with ScriptedProvider(200, TAKEN["postmark"]) as provider:
        configure(settings, "postmark", provider.url)
        carry(parcel)
    mail = json.loads(provider.received[0])
    fields = {field["Name"]: field["Value"] for field in mail["Headers"]}
    assert fields["X-PM-KeepID"] == "true"
    assert fields["Message-ID"] == email.message_id(parcel)
    assert mail["ReplyTo"] == email.return_path(parcel)
    assert mail["Metadata"] == {"delivery": parcel.key.hex}
    assert base64.b64decode(mail["Attachments"][0]["Content"]).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("esp_name", "change", "named"),
    [
        ("postmark", {"key": ""}, "ANYMAIL_API_KEY"),
        ("postmark", {"webhook_secret": ""}, "ANYMAIL_WEBHOOK_SECRET"),
        ("postmark", {"webhook_secret": "nobody:short"}, "ANYMAIL_WEBHOOK_SECRET"),
        ("postmark", {"webhook_secret": "w" * 40}, "ANYMAIL_WEBHOOK_SECRET"),
        ("mailgun", {"signing_key": ""}, "ANYMAIL_SIGNING_KEY"),
        ("mailtrap", {"signing_key": ""}, "ANYMAIL_SIGNING_KEY"),
    ],
)
def test_a_provider_that_could_not_be_believed_is_refused_at_the_start(
    esp_name: str, change: dict[str, str], named: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=named):
        providers.anymail(esp_name, url="", **{**SECRETS, **change})


def test_without_a_provider_nothing_is_asked() -> None:
    empty = dict.fromkeys(SECRETS, "")
    assert providers.anymail("", url="", **empty) == {}
