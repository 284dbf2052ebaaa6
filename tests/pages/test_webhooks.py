"""The screens of webhooks: health, dead letters, a secret that is shown once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import clock
from crm.models import User
from followups import notices
from followups.models import WebhookEndpoint, WebhookMessage
from followups.views import webhooks as views
from followups.webhooks import endpoints, events, outbox
from followups.webhooks.wire import Answer
from tests.cast import DAY, SYSTEM, Cast
from tests.pages.conftest import Enter

URL = "https://crm.example/hooks/T0P-53CR3T"
FORM = {"name": "crm", "url": URL, "types": ["kept.promise.made", "kept.gate.changed"]}
ACTS = ["rotate_webhook", "webhook_off", "webhook_on", "test_webhook", "replay_webhooks"]


def add(name: str = "crm", url: str = URL) -> WebhookEndpoint:
    given: dict[str, Any] = {"types": [*events.TYPES], "by": SYSTEM, "at": clock.now()}
    return endpoints.add(name=name, url=url, **given).endpoint


def tried(endpoint: WebhookEndpoint, *answers: Answer) -> list[WebhookMessage]:
    """Test messages that ended like this."""
    for _ in answers:
        outbox.test(endpoint=endpoint, by=SYSTEM, at=clock.now())
    claimed = outbox.claim(at=clock.now())
    for row, answer in zip(claimed, answers, strict=True):
        outbox.settle(message=row, answer=answer, at=clock.now())
    return claimed


def shown(client: Client, name: str, *args: Any, **query: str) -> str:
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.fixture(autouse=True)
def public_only(settings: Any) -> None:
    """As in production, and not as in the demo as which the tests run."""
    settings.WEBHOOK_PRIVATE_NETWORKS = []


@pytest.fixture
def dirk(cast: Cast, enter: Enter) -> Client:
    return enter(cast.dirk)


def test_an_endpoint_is_added_and_its_secret_shown_once(dirk: Client) -> None:
    assert "Nobody is told yet" in shown(dirk, "webhooks")
    page = dirk.post(reverse("add_webhook"), FORM).content.decode()
    row = WebhookEndpoint.objects.get()
    assert row.types == FORM["types"]
    assert row.secret in page
    for name, args in (("webhooks", []), ("webhook", [row.pk]), ("change_webhook", [row.pk])):
        assert row.secret not in shown(dirk, name, *args)
    assert "crm.example" in shown(dirk, "webhooks")
    assert "T0P-53CR3T" not in shown(dirk, "webhooks")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Two Words"}, "small letters"),
        ({"name": "taken"}, "already"),
        ({"url": "http://crm.example/"}, "https://"),
        ({"url": "https://127.0.0.1/"}, "public internet"),
        ({"types": []}, "at least one"),
        ({"types": ["kept.nothing"]}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_saved(
    dirk: Client, change: dict[str, Any], words: str
) -> None:
    add("taken")
    answer = dirk.post(reverse("add_webhook"), {**FORM, **change})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert WebhookEndpoint.objects.count() == 1


def test_all_that_is_wrong_is_said_at_once(dirk: Client) -> None:
    wrong = {"name": "Two Words", "url": "https://10.0.0.1/"}
    page = dirk.post(reverse("add_webhook"), wrong).content.decode()
    for words in ("small letters", "public internet", "at least one"):
        assert words in page
    assert page.count("invalid-feedback") >= 3


def test_an_endpoint_is_changed_but_for_its_name(dirk: Client) -> None:
    row = add()
    url = reverse("change_webhook", args=[row.pk])
    answer = dirk.post(url, {**FORM, "name": "other", "url": "https://new.example/"})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.name, row.url, len(row.types)) == ("crm", "https://new.example/", 2)
    assert dirk.post(url, {**FORM, "url": "https://10.0.0.1/"}).status_code == 422


def test_a_rotation_shows_the_new_secret_and_says_until_when_the_old_one_signs(
    dirk: Client,
) -> None:
    row = add()
    page = dirk.post(reverse("rotate_webhook", args=[row.pk])).content.decode()
    row.refresh_from_db()
    assert row.secret in page and row.old_secret not in page
    assert "the old one signs too until" in shown(dirk, "webhook", row.pk)


def test_it_is_switched_off_and_on(dirk: Client) -> None:
    row = add()
    dirk.post(reverse("webhook_off", args=[row.pk]))
    page = shown(dirk, "webhook", row.pk)
    assert "switched off" in page and "Send a test event" not in page
    dirk.post(reverse("webhook_on", args=[row.pk]))
    assert "Send a test event" in shown(dirk, "webhook", row.pk)


def test_a_test_event_waits_in_the_list_which_looks_again(dirk: Client) -> None:
    row = add()
    dirk.post(reverse("test_webhook", args=[row.pk]))
    page = shown(dirk, "webhook", row.pk)
    assert "kept.test" in page and "every 2s" in page


def test_dead_letters_are_shown_with_their_end_and_sent_again_one_or_all(dirk: Client) -> None:
    row = add()
    one, _two, _three = tried(row, Answer(410), Answer(410), Answer(200))
    assert "1 needs somebody" in shown(dirk, "webhooks")
    page = shown(dirk, "webhook", row.pk, status="dead")
    assert page.count("HTTP 410") == 2 and "HTTP 200" not in page
    dirk.post(reverse("replay_webhook", args=[row.pk, one.pk]))
    assert outbox.dead(row).count() == 1
    answer = dirk.post(reverse("replay_webhooks", args=[row.pk]), follow=True)
    assert "1 message goes again" in answer.content.decode()
    assert outbox.dead(row).count() == 0
    answer = dirk.post(reverse("replay_webhooks", args=[row.pk]), follow=True)
    assert "on its way already" in answer.content.decode()


def test_of_very_many_messages_the_newest_are_shown_page_by_page(
    dirk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PER_PAGE", 2)
    monkeypatch.setattr(views, "MOST", 5)
    row = add()
    told = tried(row, *[Answer(200)] * 7)
    first, last = shown(dirk, "webhook", row.pk), shown(dirk, "webhook", row.pk, page="3")
    assert "The first 5 are shown" in first and "Page 1 of 3" in first
    assert told[6].webhook_id in first and told[2].webhook_id in last
    assert told[1].webhook_id not in last


def test_why_an_endpoint_takes_nothing_is_said_in_words(dirk: Client) -> None:
    row = add()
    tried(row, Answer(None, "tls"))
    endpoints.failed(endpoint=row, began_at=clock.now(), at=clock.now())
    page = shown(dirk, "webhook", row.pk)
    assert "takes nothing" in page and "certificate is not trusted" in page


def test_a_notice_leads_to_the_endpoint(cast: Cast, dirk: Client) -> None:
    row = add()
    data: dict[str, str | int] = {"webhook": row.name, "endpoint": row.pk}
    notices.tell(user=cast.dirk, kind="webhook_dead", at=clock.now(), data=data)
    assert f'href="{reverse("webhook", args=[row.pk])}"' in shown(dirk, "notices")


@pytest.mark.parametrize("who", ["amina", "chloe", "eva"])
def test_only_operations_see_and_work_webhooks(cast: Cast, enter: Enter, who: str) -> None:
    row = add()
    (dead,) = tried(row, Answer(410))
    user: User = getattr(cast, who)
    client = enter(user)
    rows = (WebhookEndpoint.objects.values().get(), WebhookMessage.objects.values().get())
    for name, args in (
        ("webhooks", []),
        ("add_webhook", []),
        ("webhook", [row.pk]),
        ("change_webhook", [row.pk]),
    ):
        assert client.get(reverse(name, args=args)).status_code == 403, name
    for name in ACTS:
        assert client.post(reverse(name, args=[row.pk])).status_code == 403, name
    assert client.post(reverse("replay_webhook", args=[row.pk, dead.pk])).status_code == 403
    assert client.post(reverse("add_webhook"), FORM).status_code == 403
    assert client.post(reverse("change_webhook", args=[row.pk]), FORM).status_code == 403
    after = (WebhookEndpoint.objects.values().get(), WebhookMessage.objects.values().get())
    assert after == rows
    if who != "eva":
        assert "/webhooks/" not in client.get("/", follow=True).content.decode()


def test_a_get_changes_nothing(dirk: Client) -> None:
    row = add()
    for name in ACTS:
        assert dirk.get(reverse(name, args=[row.pk])).status_code == 405


def test_one_that_is_not_there_is_not_found(dirk: Client) -> None:
    for name in ("webhook", "change_webhook"):
        assert dirk.get(reverse(name, args=[404])).status_code == 404
    for name in ACTS:
        assert dirk.post(reverse(name, args=[404])).status_code == 404


def test_an_address_is_shown_as_text(dirk: Client) -> None:
    row = add(url="https://crm.example/<script>alert(1)</script>")
    page = shown(dirk, "webhook", row.pk)
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_the_lists_ask_the_same_number_of_questions_for_one_row_and_for_many(
    dirk: Client,
) -> None:
    row = add()
    tried(row, Answer(410))

    def asked() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as listed:
            shown(dirk, "webhooks")
        with CaptureQueriesContext(connection) as one:
            shown(dirk, "webhook", row.pk)
        return len(listed), len(one)

    asked()
    before = asked()
    tried(row, *[Answer(410)] * 14)
    for number in range(12):
        add(f"more-{number}")
    assert asked() == before
    assert clock.now() - DAY < row.created_at
