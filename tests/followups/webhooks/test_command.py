"""`manage.py webhook`: everything that the screens can do."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config import clock
from followups.models import WebhookEndpoint, WebhookMessage
from followups.webhooks import events, outbox
from followups.webhooks.wire import Answer

URL = "https://crm.example/hooks"


def run(*words: str) -> str:
    out = io.StringIO()
    call_command("webhook", *words, stdout=out)
    return out.getvalue().strip()


@pytest.fixture
def crm(db: None) -> WebhookEndpoint:
    run("add", "crm", URL, "--type", "kept.promise.made", "--type", "kept.promise.broken")
    return WebhookEndpoint.objects.get()


def test_an_endpoint_is_added_and_its_secret_printed_once(db: None) -> None:
    secret = run("add", "crm", URL)
    row = WebhookEndpoint.objects.get()
    assert (row.secret, row.created_by) == (secret, "command:webhook")
    assert row.types == [*events.TYPES]
    assert secret not in run("list")


def test_a_change_leaves_the_events_as_they_are_unless_some_are_named(
    crm: WebhookEndpoint,
) -> None:
    run("change", "crm", "https://new.example/")
    crm.refresh_from_db()
    assert (crm.url, len(crm.types)) == ("https://new.example/", 2)
    run("change", "crm", URL, "--type", "kept.gate.changed")
    crm.refresh_from_db()
    assert crm.types == ["kept.gate.changed"]


def test_it_is_rotated_switched_and_tested(crm: WebhookEndpoint) -> None:
    before = crm.secret
    assert run("rotate", "crm") != before
    run("off", "crm")
    assert "\toff\t" in run("list")
    run("on", "crm")
    assert run("test", "crm") == WebhookMessage.objects.get().webhook_id
    assert "waiting 1" in run("list")


def test_what_was_given_up_is_sent_again(crm: WebhookEndpoint) -> None:
    run("test", "crm")
    begun = clock.now()
    for message in outbox.claim(at=begun):
        outbox.settle(message=message, answer=Answer(410), at=begun)
    assert "given up 1" in run("list")
    assert run("replay", "crm") == "1"
    assert run("replay", "crm") == "0"


def test_what_happened_since_an_instant_is_sent_again(crm: WebhookEndpoint) -> None:
    run("test", "crm")
    begun = clock.now()
    for message in outbox.claim(at=begun):
        outbox.settle(message=message, answer=Answer(200), at=begun)
    assert run("replay", "crm") == "0"
    assert run("replay", "crm", "--since", begun.isoformat()) == "0"
    assert run("replay", "crm", "--since", "2026-01-01T00:00+01:00") == "1"


@pytest.mark.parametrize(
    "words",
    [
        ("test", "nobody"),
        ("add", "crm", URL),
        ("add", "Not A Name", URL),
        ("add", "other", "https://192.168.1.1/"),
        ("add", "other", URL, "--type", "kept.nothing"),
        ("replay", "crm", "--since", "2026-01-01T00:00"),
    ],
)
def test_what_cannot_be_is_refused_in_words(crm: WebhookEndpoint, words: Any) -> None:
    with pytest.raises(CommandError):
        run(*words)
    assert WebhookEndpoint.objects.count() == 1
