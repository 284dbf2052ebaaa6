"""Keys of machines: shown once, kept as a hash, refused when they are old, ended or made up."""

from __future__ import annotations

import base64

import pytest

from crm import keys
from crm.models import ApiKey, AuditEntry
from tests.cast import DAY, MINUTE, START, Cast, person

pytestmark = pytest.mark.django_db
NOW = START


def issued(cast: Cast, **more: object) -> keys.Issued:
    facts: dict[str, object] = {"name": "dialer", "scopes": ["gate:read"]}
    return keys.issue(**{**facts, **more}, by=person(cast.eva), at=NOW)


def bearer(secret: str) -> str:
    return f"Bearer {secret}"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def who(header: str, at: object = NOW) -> object:
    found = keys.authenticate(header=header, at=at)  # type: ignore[arg-type]
    return getattr(found, "key", found)


def test_a_key_is_recognised_by_bearer_and_by_basic(cast: Cast) -> None:
    made = issued(cast)
    assert who(bearer(made.secret)) == made.key
    assert who(basic(f"{made.key.key_id}:{made.secret}")) == made.key


def test_only_a_hash_is_kept(cast: Cast) -> None:
    made = issued(cast)
    row = ApiKey.objects.values().get()
    assert made.secret not in str(row)
    assert made.secret.partition("_")[2].partition("_")[2] not in str(row)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer kept_x",
        "Bearer kept__",
        "Bearer kept_0123456789abcdef_wrong",
        "Basic ",
        "Basic é",
        "Basic not-base64",
        "Basic /w==",
        basic("x:kept_\0_y"),
        basic("x"),
        "Token kept_a_b",
        "Digest username=x",
    ],
)
def test_nonsense_is_nobody(header: str) -> None:
    assert who(header) is None


def test_a_wrong_secret_under_a_right_id_is_nobody(cast: Cast) -> None:
    made = issued(cast)
    assert who(bearer(made.secret[:-1] + ("a" if made.secret[-1] != "a" else "b"))) is None


def test_an_expired_key_is_nobody_from_that_instant_on(cast: Cast) -> None:
    made = issued(cast, expires_at=NOW + DAY)
    assert who(bearer(made.secret), NOW + DAY - MINUTE) == made.key
    assert who(bearer(made.secret), NOW + DAY) is None


def test_a_revoked_key_is_nobody_and_is_revoked_once(cast: Cast) -> None:
    made = issued(cast)
    assert keys.revoke(key=made.key, by=person(cast.eva), at=NOW)
    assert not keys.revoke(key=made.key, by=person(cast.dirk), at=NOW + DAY)
    assert who(bearer(made.secret)) is None
    made.key.refresh_from_db()
    assert made.key.revoked_by == f"user:{cast.eva.pk}"
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["key_issued", "key_revoked"]


@pytest.mark.parametrize("scopes", [[], ["gate:read", "everything"]])
def test_a_scope_that_does_not_exist_is_refused(cast: Cast, scopes: list[str]) -> None:
    with pytest.raises(ValueError, match="Scopes are among"):
        issued(cast, scopes=scopes)
    assert not ApiKey.objects.exists()


def test_last_use_is_written_at_most_once_a_minute(cast: Cast) -> None:
    made = issued(cast)
    for at in (NOW, NOW + MINUTE / 2, NOW + 2 * MINUTE):
        who(bearer(made.secret), at)
    made.key.refresh_from_db()
    assert made.key.last_used_at == NOW + 2 * MINUTE
    who(bearer(made.secret), NOW + 2.5 * MINUTE)
    made.key.refresh_from_db()
    assert made.key.last_used_at == NOW + 2 * MINUTE
