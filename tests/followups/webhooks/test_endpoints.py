"""Endpoints: their secrets, their rests, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crm.models import AuditEntry
from followups.models import WebhookEndpoint
from followups.terms import Refused
from followups.webhooks import endpoints
from tests.cast import DAY, HOUR, MINUTE, START, SYSTEM
from tests.followups.webhooks.conftest import opened

URL = "https://crm.example/hooks/T0P-53CR3T"
Change = Callable[..., Any]


@pytest.fixture
def crm(db: None) -> WebhookEndpoint:
    return opened(URL).endpoint


def fresh(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)


def test_a_secret_is_kept_to_sign_and_shows_nowhere_else(db: None) -> None:
    told = opened(URL)
    assert fresh(told.endpoint).secret == told.secret
    assert told.secret not in f"{told!r} {told.endpoint!r} {told.endpoint}"
    audit = str(list(AuditEntry.objects.values()))
    assert "crm.example" in audit
    assert told.secret not in audit and "T0P-53CR3T" not in audit


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("name", {"name": "Not A Slug"}),
        ("name", {"name": ""}),
        ("name", {"name": "crm"}),
        ("url", {"url": "https://10.0.0.1/"}),
        ("url", {"url": "http://crm.example/"}),
        ("types", {"types": []}),
        ("types", {"types": ["kept.promise.forgotten"]}),
    ],
)
def test_what_cannot_be_is_refused_by_its_field_and_nothing_is_saved(
    crm: WebhookEndpoint, field: str, more: dict[str, Any]
) -> None:
    with pytest.raises(Refused) as refused:
        opened(**{"url": URL, "name": "other", **more})
    assert refused.value.field == field
    assert list(WebhookEndpoint.objects.all()) == [crm]


def test_a_changed_address_is_judged_like_a_new_one(crm: WebhookEndpoint) -> None:
    given: dict[str, Any] = {"endpoint": crm, "by": SYSTEM, "at": START}
    with pytest.raises(Refused):
        endpoints.change(url="https://169.254.169.254/", types=crm.types, **given)
    endpoints.change(url="https://new.example/", types=["kept.promise.made"], **given)
    row = fresh(crm)
    assert (row.url, row.types, row.changed_by) == (
        "https://new.example/",
        ["kept.promise.made"],
        SYSTEM.code,
    )


def test_after_a_rotation_both_secrets_sign_for_a_day(crm: WebhookEndpoint) -> None:
    old = crm.secret
    new = endpoints.rotate(endpoint=crm, by=SYSTEM, at=START).secret
    assert endpoints.keys(crm, at=START + 23 * HOUR) == [new, old]
    assert endpoints.keys(crm, at=START + DAY) == [new]
    assert new != old


def test_switching_off_and_on_is_done_once(crm: WebhookEndpoint) -> None:
    by = {"by": SYSTEM, "at": START}
    assert endpoints.switch_off(endpoint=crm, **by)  # type: ignore[arg-type]
    assert not endpoints.switch_off(endpoint=crm, **by)  # type: ignore[arg-type]
    assert not endpoints.ready(at=START).exists()
    assert endpoints.switch_on(endpoint=crm, **by)  # type: ignore[arg-type]
    assert not endpoints.switch_on(endpoint=crm, **by)  # type: ignore[arg-type]
    actions = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert actions == ["webhook_added", "webhook_switched_off", "webhook_switched_on"]


def test_one_that_takes_nothing_rests_longer_each_time_up_to_five_minutes(
    crm: WebhookEndpoint,
) -> None:
    at, rests = START, []
    for _ in range(10):
        row = fresh(crm)
        endpoints.failed(endpoint=row, began_at=at, at=at)
        until = fresh(crm).rests_until_at
        assert until
        assert not endpoints.ready(at=until - (until - at) / 2).exists()
        rests.append((until - at).total_seconds())
        at = until
    assert rests == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]
    assert (fresh(crm).failures, fresh(crm).failing_since_at) == (10, START)


def test_of_one_batch_the_first_failure_counts(crm: WebhookEndpoint) -> None:
    for _ in range(16):
        endpoints.failed(endpoint=crm, began_at=START, at=START)
    assert fresh(crm).failures == 1


def test_a_rest_that_was_asked_for_is_kept_but_not_for_ever(crm: WebhookEndpoint) -> None:
    endpoints.failed(endpoint=crm, began_at=START, at=START, asked=600)
    assert fresh(crm).rests_until_at == START + 10 * MINUTE
    endpoints.failed(endpoint=crm, began_at=START, at=START, asked=10**8)
    assert fresh(crm).rests_until_at == START + HOUR


def test_once_it_takes_something_all_is_forgotten(crm: WebhookEndpoint) -> None:
    endpoints.failed(endpoint=crm, began_at=START, at=START)
    endpoints.took(endpoint=crm, at=START + MINUTE)
    row = fresh(crm)
    assert (row.failures, row.failing_since_at, row.rests_until_at) == (0, None, None)
    assert row.last_ok_at == START + MINUTE
