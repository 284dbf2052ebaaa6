"""Signatures: what the receivers' own library says of them."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from config import logs
from followups.webhooks import signing

BODY = b'{"words":"d\\u00e9j\\u00e0"}'


def headers(*keys: str, stamp: int | None = None) -> dict[str, str]:
    at = int(time.time()) if stamp is None else stamp
    return {
        "webhook-id": "promise-1-2",
        "webhook-timestamp": str(at),
        "webhook-signature": signing.signature(
            keys, message_id="promise-1-2", timestamp=at, body=BODY
        ),
    }


def test_a_secret_is_32_random_bytes_that_libraries_know() -> None:
    secrets = {signing.new_secret() for _ in range(20)}
    assert len(secrets) == 20
    assert {len(base64.b64decode(one.removeprefix("whsec_"))) for one in secrets} == {32}


def test_a_secret_that_strays_into_a_log_is_masked() -> None:
    assert logs.mask(f"the key {signing.new_secret()} signs") == "the key whsec_*** signs"


def test_the_standards_own_library_accepts_the_signature() -> None:
    secret = signing.new_secret()
    assert Webhook(secret).verify(BODY, headers(secret)) == {"words": "déjà"}


def test_during_a_rotation_both_secrets_verify() -> None:
    new, old = signing.new_secret(), signing.new_secret()
    for secret in (new, old):
        Webhook(secret).verify(BODY, headers(new, old))


@pytest.mark.parametrize("changed", ["secret", "body", "id", "time"])
def test_whatever_is_changed_it_no_longer_verifies(changed: str) -> None:
    secret = signing.new_secret()
    sent, body = headers(secret), BODY
    if changed == "body":
        body += b" "
    if changed == "id":
        sent["webhook-id"] += "0"
    if changed == "time":
        sent["webhook-timestamp"] = str(int(sent["webhook-timestamp"]) - 1)
    other = signing.new_secret() if changed == "secret" else secret
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, sent)
