"""`manage.py issue_key`: the secret is printed once and works."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from crm import keys
from crm.models import ApiKey, AuditEntry
from tests.cast import Cast


def issue(*words: str) -> str:
    out = io.StringIO()
    call_command("issue_key", *words, stdout=out)
    return out.getvalue().strip()


def test_the_secret_is_printed_once_and_opens_the_door(db: None) -> None:
    secret = issue("Dialer", "--scope", "gate:read", "--scope", "calls:write", "--purpose", "sales")
    found = keys.authenticate(header=f"Bearer {secret}")
    assert found is not None
    assert (found.key.name, found.key.purposes) == ("Dialer", ["sales"])
    assert found.key.scopes == ["calls:write", "gate:read"]
    assert secret not in str(ApiKey.objects.values())
    assert AuditEntry.objects.get().action == "key_issued"


def test_a_key_can_end_and_belong_to_a_team(cast: Cast) -> None:
    issue("Supplier", "--scope", "gate:read", "--team", "gent", "--days", "30")
    key = ApiKey.objects.get()
    assert key.team == cast.gent
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days == 30


def test_a_key_can_have_a_limit_of_its_own(db: None) -> None:
    issue("Dialer", "--scope", "gate:read", "--per-minute", "90000")
    assert keys.quota_of(ApiKey.objects.get()) == 90_000


@pytest.mark.parametrize(
    "words",
    [
        ("Dialer",),
        ("Dialer", "--scope", "everything"),
        ("Dialer", "--scope", "gate:read", "--purpose", "fun"),
        ("Dialer", "--scope", "gate:read", "--team", "nowhere"),
        ("Dialer", "--scope", "gate:read", "--days", "0"),
        ("Dialer", "--scope", "gate:read", "--per-minute", "0"),
    ],
)
def test_a_key_that_would_not_work_is_not_made(db: None, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        issue(*words)
    assert not ApiKey.objects.exists()
