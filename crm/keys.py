"""API keys of machines: issued once, kept as a hash, compared in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from config import prepared
from config.prepared import Statement
from crm import audit
from crm.actors import Actor
from crm.models import ApiKey, Team

SCOPES: dict[str, str | Lazy] = {
    "gate:read": _("ask the gate"),
    "calls:write": _("log calls and the promises made in them"),
    "feed:read": _("read which numbers are blocked, and what changes"),
    "promises:read": _("read promises"),
    "promises:write": _("withdraw, renegotiate, reassign and send promises"),
    "evidence:write": _("report what became of a print job or a mail, signed"),
    "customers:read": _("find and read customers; see references in the gate's answers"),
    "customers:write": _("create and replace customers"),
}
SEEN = timedelta(minutes=1)
# Questions a minute for a key that has no limit of its own: 600 a second for a dialer at the
# gate, 100 for everybody else.
GATE_QUOTA, QUOTA = 36_000, 6_000
MOST_A_MINUTE = 10_000_000


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
    per_minute: int | None = None,
) -> Issued:
    """Makes a key. Raises ValueError for a scope that does not exist.

    `per_minute` is its own limit of requests; see quota_of.
    """
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
        per_minute=per_minute,
    )
    audit.write(action="key_issued", subject=f"key:{key_id}", by=by, at=at)
    return Issued(key=key, secret=secret)


def quota_of(key: ApiKey) -> int:
    """How many requests it may make in a minute."""
    return key.per_minute or (GATE_QUOTA if "gate:read" in key.scopes else QUOTA)


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
class Mark:
    """Which row of which key was seen: any change of it, its use included, is another row."""

    key_id: str
    row: str


@dataclass(frozen=True)
class Recognised:
    """A valid key, the database's clock when it was read (None on trust), and its row's mark."""

    key: ApiKey
    at: datetime | None
    mark: Mark


COLUMNS = [str(field.column) for field in ApiKey._meta.concrete_fields]
LOOK_UP = Statement(
    "api_key",
    f"SELECT kept_now(), xmin::text || ctid, {', '.join(COLUMNS)} FROM crm_apikey"  # noqa: S608
    " WHERE key_id = %(key_id)s",
)
# What this process saw of the keys that were used in it; never believed without its mark.
SEEN_HERE: dict[str, Recognised] = {}


def _parts(header: str) -> tuple[str, str] | None:
    secret = of_header(header) or ""
    parts = secret.split("_", 2)
    if len(parts) != 3 or parts[0] != "kept" or not parts[1].isalnum():
        return None
    return parts[1], secret


def authenticate(*, header: str, at: datetime | None = None) -> Recognised | None:
    """The key behind a header, or None. One query, which also reads the clock when `at` is None.

    Last use is written at most once a minute.
    """
    given = _parts(header)
    found = prepared.rows(LOOK_UP, {"key_id": given[0]}) if given else []
    if not given or not found:
        return None
    row = found[0]
    now = at or row[0]
    key = ApiKey.from_db(connection.alias, COLUMNS, row[2:])
    if not hmac.compare_digest(bytes(key.secret_sha256), _digest(given[1])):
        return None
    if key.revoked_at or (key.expires_at and key.expires_at <= now):
        return None
    used(key=key, at=now)
    recognised = Recognised(key=key, at=now, mark=Mark(key.key_id, row[1]))
    SEEN_HERE[key.key_id] = recognised
    return recognised


def on_trust(*, header: str) -> Recognised | None:
    """The key as this process last saw it, without a query; None when it has to be looked up.

    Whoever uses it hands its mark to the statement that acts, which does nothing when the row
    has changed since: revoked, expired, or only used.
    """
    given = _parts(header)
    known = SEEN_HERE.get(given[0]) if given else None
    if not given or not known:
        return None
    if not hmac.compare_digest(bytes(known.key.secret_sha256), _digest(given[1])):
        return None
    return replace(known, at=None)


def used(*, key: ApiKey, at: datetime) -> None:
    """Notes the last use, to the minute: of many requests in the same moment one writes."""
    if key.last_used_at is None or key.last_used_at + SEEN < at:
        unseen = ApiKey.objects.filter(pk=key.pk, last_used_at=key.last_used_at)
        unseen.update(last_used_at=at)
