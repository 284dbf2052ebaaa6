"""Who knocks: the five ways in which a dialer proves that a call event is its own. Reads only."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.utils.translation import gettext as _

from crm import call_maps, keys
from crm.call_maps import BadMap
from crm.models import CallSource

# A signed event that is older was kept by somebody and is told again.
WINDOW = timedelta(seconds=300)
Scheme = CallSource.Scheme


class Speaker(Protocol):
    """Whoever has a scheme: where its parts stand, and what is kept of its secret."""

    @property
    def scheme(self) -> str: ...
    @property
    def door(self) -> dict[str, str]: ...
    @property
    def secret_sha256(self) -> bytes | memoryview | None: ...
    @property
    def shared_secret(self) -> str: ...


class Untrusted(Exception):
    """Not this dialer, or not now. `stale` when the signature is right and too old."""

    def __init__(self, *, stale: bool = False) -> None:
        self.stale = stale
        super().__init__("stale" if stale else "untrusted")


@dataclass(frozen=True, repr=False)
class Knock:
    """What a request shows of itself. It has no repr: everything in it may be a secret.

    `urls`: the spellings under which the sender may know our address. `form`: its pairs, in any
    order. `headers` are found by any spelling of their name.
    """

    method: str
    headers: Mapping[str, str]
    body: bytes
    payload: Mapping[str, Any]
    urls: tuple[str, ...] = ()
    form: tuple[tuple[str, str], ...] = ()


def digest(secret: str) -> bytes:
    """What is kept of a secret that is presented: it is long and random, so no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def verify(source: Speaker, knock: Knock, *, at: datetime) -> None:
    """Raises Untrusted unless it is `source` who knocks. Compares in constant time."""
    CHECKS[source.scheme](source, knock, at)


def _presented(source: Speaker, secret: str) -> None:
    kept = bytes(source.secret_sha256 or b"")
    if not secret or not hmac.compare_digest(kept, digest(secret)):
        raise Untrusted


def _bearer(source: Speaker, knock: Knock, at: datetime) -> None:
    scheme, _sep, secret = knock.headers.get("Authorization", "").partition(" ")
    _presented(source, secret.strip() if scheme.lower() == "bearer" else "")


def _basic(source: Speaker, knock: Knock, at: datetime) -> None:
    """The password is the secret; what the user is called is the dialer's affair."""
    header = knock.headers.get("Authorization", "")
    basic = header.partition(" ")[0].lower() == "basic"
    _presented(source, (keys.of_header(header) or "") if basic else "")


def _token(source: Speaker, knock: Knock, at: datetime) -> None:
    value = knock.payload.get(source.door["field"])
    _presented(source, value if isinstance(value, str) else "")


def _hmac(source: Speaker, knock: Knock, at: datetime) -> None:
    """Over the raw body, with the timestamp before it when the dialer sends one.

    A GET has no body: its query would be signed by nothing.
    """
    door = source.door
    signed = knock.body
    if knock.method != "POST":
        raise Untrusted
    stamp = knock.headers.get(door["timestamp_header"], "")
    if door["timestamp_header"]:
        signed = stamp.encode("utf-8", "surrogatepass") + b"." + knock.body
    mac = hmac.new(source.shared_secret.encode(), signed, hashlib.sha256).digest()
    written = base64.b64encode(mac).decode() if door["encoding"] == "base64" else mac.hex()
    _same(door["prefix"] + written, knock.headers.get(door["header"], ""))
    if door["timestamp_header"]:
        _fresh(stamp, "unix", at)


def _twilio(source: Speaker, knock: Knock, at: datetime) -> None:
    """Base64 of HMAC-SHA1 over the address and the sorted pairs of the form, run together.

    Of a body that is no form nothing is signed.
    """
    if knock.body and not knock.form:
        raise Untrusted
    pairs = "".join(name + value for name, value in sorted(set(knock.form)))
    given = knock.headers.get("X-Twilio-Signature", "")
    secret = source.shared_secret.encode()
    found = False
    for url in knock.urls:
        signed = (url + pairs).encode("utf-8", "surrogatepass")
        mac = base64.b64encode(hmac.new(secret, signed, hashlib.sha1).digest()).decode()
        found |= hmac.compare_digest(mac.encode(), given.encode("utf-8", "surrogatepass"))
    if not found:
        raise Untrusted
    stamp = dict(knock.form).get("Timestamp", "")
    if stamp:  # signed with the rest, so it cannot have been taken away
        _fresh(stamp, "rfc2822", at)


def _same(wanted: str, given: str) -> None:
    if not hmac.compare_digest(wanted.encode(), given.strip().encode("utf-8", "surrogatepass")):
        raise Untrusted


def _fresh(stamp: str, form: str, at: datetime) -> None:
    try:
        said = call_maps.instant_of(stamp, form, call_maps.UTC_ZONE)
    except call_maps.NO_INSTANT as error:
        raise Untrusted(stale=True) from error
    if said is None or abs(at - said) > WINDOW:
        raise Untrusted(stale=True)


CHECKS: dict[str, Callable[[Speaker, Knock, datetime], None]] = {
    Scheme.BEARER: _bearer,
    Scheme.BASIC: _basic,
    Scheme.TOKEN: _token,
    Scheme.HMAC: _hmac,
    Scheme.TWILIO: _twilio,
}
# What a source may say about where the parts of its scheme stand, and what holds when it does not.
DOORS: dict[str, dict[str, str]] = {
    Scheme.BEARER: {},
    Scheme.BASIC: {},
    Scheme.TOKEN: {"field": "token"},
    Scheme.HMAC: {
        "header": "X-Signature",
        "timestamp_header": "X-Timestamp",
        "encoding": "hex",
        "prefix": "",
    },
    Scheme.TWILIO: {},
}


def door_of(scheme: str, given: Mapping[str, Any]) -> dict[str, str]:
    """The scheme's settings, complete. Raises BadMap for one that it does not have."""
    if scheme not in DOORS:
        raise BadMap(_("There is no scheme %(name)s.") % {"name": scheme})
    known = DOORS[scheme]
    _refuse(set(given) - set(known))
    door = {**known, **given}
    _refuse(name for name, value in door.items() if not isinstance(value, str))
    _refuse({"field", "header"} & {name for name, value in door.items() if not value})
    _refuse({"encoding"} if door.get("encoding", "hex") not in {"hex", "base64"} else ())
    return door


def _refuse(names: Iterable[str]) -> None:
    wrong = ", ".join(sorted(names))
    if wrong:
        raise BadMap(_("%(place)s: unknown %(what)s.") % {"place": "door", "what": wrong})
