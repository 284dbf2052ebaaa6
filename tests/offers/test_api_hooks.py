"""Webhooks of mail providers: their documented payloads become evidence, anything else nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from config import clock, providers
from offers import evidence
from offers.models import Delivery, Evidence, IntakeSpan
from tests.cast import Cast
from tests.offers.channels.test_esp import SECRETS
from tests.offers.journeys import sent

LONG_AGO = datetime(2026, 3, 2, 9, tzinfo=UTC)
RESPONSE = "550 5.1.1 <dupont@mail.example>: Recipient address rejected: User unknown"


def auth(secret: str = SECRETS["webhook_secret"]) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(secret.encode()).decode()}"}


def choose(settings: Any, name: str) -> None:
    settings.ANYMAIL_ESP = name
    settings.ANYMAIL = providers.anymail(name, url="", **SECRETS)


def post(name: str, body: Any, **more: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = auth() | more
    return Client(raise_request_exception=False).post(
        f"/api/v1/hooks/email/{name}/", raw, content_type="application/json", **headers
    )


def kinds() -> list[tuple[str, bool]]:
    return list(Evidence.objects.order_by("pk").values_list("kind", "hard"))


# --- payloads as the providers document them ----------------------------------------------------


def postmark(delivery: Delivery, record: str = "Bounce", **more: Any) -> dict[str, Any]:
    common = {
        "RecordType": record,
        "ServerID": 23,
        "MessageStream": "outbound",
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Tag": "",
        "Metadata": {"delivery": delivery.key.hex},
    }
    if record == "Delivery":
        told = {
            "Recipient": "dupont@mail.example",
            "DeliveredAt": "2026-03-02T09:10:00-05:00",
            "Details": "250 2.0.0 OK",
        }
        return common | told | more
    bounce = {
        "ID": 42,
        "Type": "HardBounce",
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Description": "The server was unable to deliver your message"
        " (ex: unknown user, mailbox not found).",
        "Details": f"smtp;{RESPONSE}",
        "Email": "dupont@mail.example",
        "From": "offers@kept.example",
        "BouncedAt": "2026-03-02T09:10:00Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "Votre offre",
    }
    return common | bounce | more


def mailgun(delivery: Delivery, at: datetime | None = None, **event: Any) -> dict[str, Any]:
    """Signed as Mailgun does it: HMAC-SHA256 over the instant and a token."""
    stamp, token = str(int((at or clock.now()).timestamp())), "t" * 49 + str(event.get("n", 1))
    digest = hmac.new(SECRETS["signing_key"].encode(), f"{stamp}{token}".encode(), hashlib.sha256)
    data = {
        "event": "failed",
        "severity": "permanent",
        "reason": "bounce",
        "id": "G9Bn5sl1TC6nu79C8C0bwg",
        "timestamp": LONG_AGO.timestamp(),
        "log-level": "error",
        "recipient": "dupont@mail.example",
        "recipient-domain": "mail.example",
        "message": {"headers": {"message-id": "x@kept.example", "to": "dupont@mail.example"}},
        "delivery-status": {"attempt-no": 1, "code": 550, "message": RESPONSE, "description": ""},
        "user-variables": {"delivery": delivery.key.hex},
        "tags": [],
    }
    signature = {"timestamp": stamp, "token": token, "signature": digest.hexdigest()}
    return {"signature": signature, "event-data": data | event}


def sendgrid(delivery: Delivery, event: str = "bounce", **more: Any) -> list[dict[str, Any]]:
    told: dict[str, Any] = {
        "bounce": {"type": "bounce", "status": "5.1.1", "reason": RESPONSE},
        "delivered": {"response": "250 OK"},
        "deferred": {"response": "400 try again later", "attempt": "5"},
        "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
        "open": {"useragent": "Mozilla/4.0", "ip": "192.0.2.1"},
        "click": {"useragent": "Mozilla/4.0", "ip": "192.0.2.1", "url": "https://kept.example/"},
        "spamreport": {},
        "processed": {},
    }
    common = {
        "email": "dupont@mail.example",
        "timestamp": int(LONG_AGO.timestamp()),
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": event,
        "sg_event_id": f"sg-{event}",
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "delivery": delivery.key.hex,
    }
    return [common | told[event] | more]


def mailtrap(delivery: Delivery, event: str = "bounce") -> dict[str, Any]:
    told = {"response": RESPONSE, "response_code": 550, "bounce_category": "badmailbox"}
    return {
        "events": [
            {
                "event": event,
                "email": "dupont@mail.example",
                "event_id": f"mt-{event}",
                "message_id": "4c2446b6-e0f9-11ec-9487-0a58a9feac02",
                "timestamp": int(LONG_AGO.timestamp()),
                "custom_variables": {"delivery": delivery.key.hex},
                **told,
            }
        ]
    }


def signed_body(body: bytes) -> dict[str, str]:
    digest = hmac.new(SECRETS["signing_key"].encode(), body, hashlib.sha256).hexdigest()
    return {"HTTP_MAILTRAP_SIGNATURE": digest}


# --- what becomes of them -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "more", "expected"),
    [
        ("Delivery", {}, [("delivered", False)]),
        ("Bounce", {}, [("failed", True)]),
        ("Bounce", {"Type": "SoftBounce", "Details": "452 4.2.2 full"}, [("failed", False)]),
        ("Bounce", {"Type": "Transient"}, [("delayed", False)]),
        ("Bounce", {"Type": "BadEmailAddress", "Details": ""}, [("failed", True)]),
        ("Bounce", {"Type": "AutoResponder"}, []),
        ("SpamComplaint", {"Type": "SpamComplaint"}, [("complaint", False)]),
        ("Open", {}, []),
        ("Click", {}, []),
        ("SubscriptionChange", {"SuppressSending": False}, []),
    ],
)
def test_postmark(
    cast: Cast, settings: Any, record: str, more: dict[str, Any], expected: list[Any]
) -> None:
    choose(settings, "postmark")
    assert post("postmark", postmark(sent(cast), record, **more)).status_code == 200
    assert kinds() == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({}, [("failed", True)]),
        ({"severity": "temporary", "reason": "generic"}, [("delayed", False)]),
        ({"event": "delivered"}, [("delivered", False)]),
        ({"event": "complained"}, [("complaint", False)]),
        ({"event": "opened"}, []),
        ({"event": "clicked"}, []),
        ({"event": "unsubscribed"}, []),
    ],
)
def test_mailgun(cast: Cast, settings: Any, event: dict[str, Any], expected: list[Any]) -> None:
    choose(settings, "mailgun")
    assert post("mailgun", mailgun(sent(cast), **event)).status_code == 200
    assert kinds() == expected


@pytest.mark.filterwarnings("ignore:django-anymail has dropped")
@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("bounce", [("failed", True)]),
        ("dropped", [("failed", False)]),
        ("deferred", [("delayed", False)]),
        ("delivered", [("delivered", False)]),
        ("spamreport", [("complaint", False)]),
        ("open", []),
        ("click", []),
        ("processed", []),
    ],
)
def test_sendgrid(cast: Cast, settings: Any, event: str, expected: list[Any]) -> None:
    choose(settings, "sendgrid")
    assert post("sendgrid", sendgrid(sent(cast), event)).status_code == 200
    assert kinds() == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("bounce", [("failed", True)]),
        ("soft bounce", [("delayed", False)]),
        ("delivery", [("delivered", False)]),
        ("spam", [("complaint", False)]),
        ("open", []),
    ],
)
def test_mailtrap_signs_the_whole_body(
    cast: Cast, settings: Any, event: str, expected: list[Any]
) -> None:
    choose(settings, "mailtrap")
    body = json.dumps(mailtrap(sent(cast), event)).encode()
    assert post("mailtrap", body + b" ", **signed_body(body)).status_code == 401
    assert kinds() == []
    assert post("mailtrap", body, **signed_body(body)).status_code == 200
    assert kinds() == expected


def test_a_bounce_says_when_and_why_and_that_somebody_listens(cast: Cast, settings: Any) -> None:
    choose(settings, "postmark")
    delivery = sent(cast)
    post("postmark", postmark(delivery))
    row = Evidence.objects.get()
    assert (row.delivery, row.source, row.event_id) == (
        delivery,
        "esp:postmark",
        evidence.named("esp:postmark", "42"),
    )
    assert (row.status_code, row.received_by) == ("5.1.1", "esp:postmark")
    assert RESPONSE in row.text.words
    assert cast.dupont.emails.get().bad_at is not None
    assert IntakeSpan.objects.get().intake == "esp"


def test_the_same_event_again_changes_nothing(cast: Cast, settings: Any) -> None:
    delivery = sent(cast)
    for name, body in (
        ("postmark", postmark(delivery)),
        ("postmark", postmark(delivery, "Delivery")),
        ("mailgun", mailgun(delivery)),
    ):
        choose(settings, name)
        assert [post(name, body).status_code for _ in range(3)] == [200, 200, 200]
    assert [kind for kind, _ in kinds()] == ["failed", "delivered", "failed"]


def test_what_is_not_about_our_mail_is_nobodys(cast: Cast, settings: Any) -> None:
    choose(settings, "postmark")
    delivery = sent(cast)
    for metadata in ({}, {"delivery": "x"}, {"delivery": "0" * 32}, {"delivery": None}):
        assert post("postmark", postmark(delivery, Metadata=metadata)).status_code == 200
    assert kinds() == []


# --- who is not believed ------------------------------------------------------------------------


def test_without_the_secret_nothing_is_read(cast: Cast, settings: Any) -> None:
    delivery = sent(cast)
    for name, body in (("postmark", postmark(delivery)), ("mailgun", mailgun(delivery))):
        choose(settings, name)
        for wrong in ("", "Basic x", *auth("kept:" + "x" * 20).values()):
            answer = post(name, body, HTTP_AUTHORIZATION=wrong)
            assert answer.status_code == 401 and answer["WWW-Authenticate"]
    assert kinds() == [] and not IntakeSpan.objects.exists()


@pytest.mark.parametrize("field", ["timestamp", "token", "signature"])
def test_a_forged_signature_is_refused(cast: Cast, settings: Any, field: str) -> None:
    choose(settings, "mailgun")
    body = mailgun(sent(cast))
    body["signature"][field] = body["signature"][field][:-1] + "0"
    body["signature"][field] += "1"
    assert post("mailgun", body).status_code == 401
    assert kinds() == []


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_signature_of_another_hour_is_refused(cast: Cast, settings: Any, minutes: int) -> None:
    choose(settings, "mailgun")
    body = mailgun(sent(cast), at=clock.now() + timedelta(minutes=minutes))
    assert post("mailgun", body).status_code == 401
    assert kinds() == []


def test_a_used_token_with_other_words_changes_nothing(cast: Cast, settings: Any) -> None:
    choose(settings, "mailgun")
    delivery = sent(cast)
    body = mailgun(delivery, event="delivered")
    post("mailgun", body)
    body["event-data"]["event"] = "failed"
    assert post("mailgun", body).status_code == 200
    assert kinds() == [("delivered", False)]


RUBBISH = [b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff\xfe", b'{"a": []}', b"[" * 5000]


@pytest.mark.filterwarnings("ignore:django-anymail has dropped")
@pytest.mark.parametrize("name", sorted(providers.PROVIDERS))
@pytest.mark.parametrize("body", RUBBISH)
@pytest.mark.django_db
def test_rubbish_is_refused_or_means_nothing(settings: Any, name: str, body: bytes) -> None:
    choose(settings, name)
    answer = post(name, body, **signed_body(body))
    assert answer.status_code in (200, 400, 401), answer.content
    assert kinds() == []


@pytest.mark.django_db
def test_only_our_provider_is_at_home(settings: Any) -> None:
    assert post("postmark", b"{}").status_code == 404
    choose(settings, "postmark")
    for other in ("mailgun", "amazon_ses", "nothing"):
        assert post(other, b"{}").status_code == 404
    client = Client()
    assert client.head("/api/v1/hooks/email/postmark/").status_code == 200
    refused = client.get("/api/v1/hooks/email/postmark/")
    assert (refused.status_code, refused["Allow"]) == (405, "POST, HEAD")


@pytest.mark.django_db
def test_a_huge_body_is_not_read(settings: Any) -> None:
    choose(settings, "postmark")
    assert post("postmark", b'{"x": "' + b"x" * 1_100_000 + b'"}').status_code == 413
