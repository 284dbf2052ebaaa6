"""API keys of machines: issued once, kept as a hash, compared in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from config import prepared
from config.prepared import Statement
from crm import audit
from crm.actors import Actor
from crm.models import ApiKey, Team

SCOPES = {
    "gate:read": "ask the gate",
    "calls:write": "log calls and the promises made in them",
    "promises:read": "read promises",
    "customers:read": "see references of customers and promises in the gate's answers",
}
SEEN = timedelta(minutes=1)


@dataclass(frozen=True)
class Issued:
    """A new key; `secret` is shown this once and kept nowhere."""

    key: ApiKey
    secret: str


def _digest(secret: str) -> bytes:
    # 256 random bits need no slow hash; one SHA-256 keeps the hot path short.
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def issue(
    *,
    name: str,
    scopes: Iterable[str],
    by: Actor,
    at: datetime,
    purposes: Iterable[str] = (),
    team: Team | None = None,
    expires_at: datetime | None = None,
) -> Issued:
    """Makes a key. Raises ValueError for a scope that does not exist."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise ValueError(f"Scopes are among {', '.join(SCOPES)}; not {', '.join(unknown)!r}.")
    key_id = secrets.token_hex(8)
    secret = f"kept_{key_id}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        key_id=key_id,
        secret_sha256=_digest(secret),
        name=name,
        scopes=wanted,
        purposes=list(purposes),
        team=team,
        created_at=at,
        created_by=by.code,
        expires_at=expires_at,
    )
    audit.write(action="key_issued", subject=f"key:{key_id}", by=by, at=at)
    return Issued(key=key, secret=secret)


@transaction.atomic
def revoke(*, key: ApiKey, by: Actor, at: datetime) -> bool:
    """Ends a key at once; False when it was already ended."""
    won = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(
        revoked_at=at, revoked_by=by.code
    )
    if won:
        audit.write(action="key_revoked", subject=f"key:{key.key_id}", by=by, at=at)
    return bool(won)


def of_header(header: str) -> str | None:
    """The secret in an Authorization header: Bearer, or Basic with the key id as user."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        _, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
    except ValueError:  # no base64, or no text in it
        return None
    return secret or None


@dataclass(frozen=True)
class Recognised:
    """A valid key, and the database's clock when it was read."""

    key: ApiKey
    at: datetime


COLUMNS = [str(field.column) for field in ApiKey._meta.concrete_fields]
LOOK_UP = Statement(
    "api_key",
    f"SELECT kept_now(), {', '.join(COLUMNS)} FROM crm_apikey WHERE key_id = %(key_id)s",  # noqa: S608
)


def authenticate(*, header: str, at: datetime | None = None) -> Recognised | None:
    """The key behind a header, or None. One query, which also reads the clock when `at` is None.

    Last use is written at most once a minute.
    """
    secret = of_header(header) or ""
    parts = secret.split("_", 2)
    if len(parts) != 3 or parts[0] != "kept":
        return None
    found = prepared.rows(LOOK_UP, {"key_id": parts[1]}) if parts[1].isalnum() else []
    if not found:
        return None
    row = found[0]
    now = at or row[0]
    key = ApiKey.from_db(connection.alias, COLUMNS, row[1:])
    if not hmac.compare_digest(bytes(key.secret_sha256), _digest(secret)):
        return None
    if key.revoked_at or (key.expires_at and key.expires_at <= now):
        return None
    if key.last_used_at is None or key.last_used_at + SEEN < now:
        _seen(key, now)
    return Recognised(key=key, at=now)


def _seen(key: ApiKey, at: datetime) -> None:
    """Of many requests in the same moment one writes."""
    unseen = ApiKey.objects.filter(pk=key.pk, last_used_at=key.last_used_at)
    unseen.update(last_used_at=at)
