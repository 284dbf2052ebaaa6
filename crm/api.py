"""What every operation of the API shares: the key at the door, the shapes of its fields, retries
that are answered once, and the cursors of lists."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja.security.base import AuthBase
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict

from config.problems import DOCUMENTED, Problem, invalid
from config.quotas import QUOTAS
from config.shortcut import LIMITS
from crm import idempotency, keys
from crm.actors import Actor
from crm.idempotency import Answer
from crm.keys import Mark
from crm.models import ApiKey

DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="kept", Basic realm="kept"'}


@dataclass(frozen=True)
class Caller:
    """The machine behind a request.

    `moment` is the database's clock when its key was read. `mark` stands for a key that was
    taken on trust: whatever acts for this caller has to check it.
    """

    key: ApiKey
    moment: datetime | None
    mark: Mark | None = None

    @property
    def at(self) -> datetime:
        if self.moment is None:
            raise RuntimeError("a key that was taken on trust tells no time")
        return self.moment

    @property
    def by(self) -> Actor:
        return Actor.machine(self.key)

    def may(self, scope: str) -> bool:
        return scope in self.key.scopes


class Key(AuthBase):
    """The door: a valid key (Bearer, or Basic with the key id as user) that has the scope.

    `on_trust` lets a key in as this process last saw it; see keys.on_trust.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "A key of `manage.py issue_key`; or Basic with `<key id>:<key>`."

    def __init__(self, scope: str = "", *, on_trust: bool = False) -> None:
        if scope and scope not in keys.SCOPES:
            raise ValueError(f"there is no scope {scope!r}")
        self.scope = scope
        self.on_trust = on_trust
        super().__init__()

    def __call__(self, request: HttpRequest) -> Caller:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        trusted = keys.on_trust(header=header) if self.on_trust else None
        found = trusted or keys.authenticate(header=header)
        if found is None:
            raise Problem("unauthorized", headers=CHALLENGE)
        _count(request, found.key)
        if self.scope and self.scope not in found.key.scopes:
            raise Problem(
                "missing_scope",
                _("The key needs the scope %(scope)s.") % {"scope": self.scope},
            )
        return Caller(key=found.key, moment=found.at, mark=trusted.mark if trusted else None)


def _count(request: HttpRequest, key: ApiKey) -> None:
    """One more request of this key. Whether there may be another stands in the answer's headers.

    A request whose key is looked at twice (it was taken on trust, and had changed) counts once.
    """
    if hasattr(request, LIMITS):
        return
    standing = QUOTAS.ask(key.key_id, quota=keys.quota_of(key))
    setattr(request, LIMITS, standing.headers if standing else {})
    if standing and standing.full:
        raise Problem("too_many_requests")


def caller_of(request: HttpRequest) -> Caller:
    """The machine that Key let in."""
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller


class Strict(BaseModel):
    """A body or a query in which nothing may stand that we do not read."""

    model_config = ConfigDict(extra="forbid")


def _storable(text: str) -> str:
    """NUL and half characters pass through JSON; no database keeps them."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(_("There is a character in it that cannot be stored."))
    return text


def _written(value: Any) -> Any:
    """Only a date and a time: a number, also one in quotes, leaves open what it counts."""
    if isinstance(value, datetime) or (isinstance(value, str) and DATE.match(value)):
        return value
    raise ValueError(_("An instant is written like 2026-03-02T09:00:00+01:00."))


def _dated(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and DATE.fullmatch(value)):
        return value
    raise ValueError(_("A day is written like 2026-03-02."))


Text = Annotated[str, AfterValidator(_storable)]
Instant = Annotated[AwareDatetime, BeforeValidator(_written)]
Day = Annotated[date, BeforeValidator(_dated)]


LONGEST_KEY = 200
# What an operation that answers a retry once says of it in the OpenAPI document.
RETRIED = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": False,
            "description": "The same key and body get the same answer for seven days.",
            "schema": {"type": "string", "maxLength": LONGEST_KEY},
        }
    ],
    **DOCUMENTED,
}


def answered_once(
    request: HttpRequest, *, operation: str, body: BaseModel, act: Callable[[], Answer]
) -> HttpResponse:
    """Acts, or with a known Idempotency-Key answers what was answered before."""
    key = request.headers.get("Idempotency-Key", "")
    status, answer = _once(request, key, operation, body, act) if key else act()
    # Sorted, because a stored answer comes back in an order of its own.
    return JsonResponse(answer, status=status, json_dumps_params={"sort_keys": True})


def _once(
    request: HttpRequest, key: str, operation: str, body: BaseModel, act: Callable[[], Answer]
) -> Answer:
    if len(key) > LONGEST_KEY or not key.isprintable():
        raise invalid(
            "Idempotency-Key", _("At most %(most)d readable characters.") % {"most": LONGEST_KEY}
        )
    caller = caller_of(request)
    try:
        return idempotency.once(
            actor=caller.by.code,
            key=key,
            body={"operation": operation, "body": body.model_dump(mode="json")},
            at=caller.at,
            act=act,
        )
    except idempotency.StillRunning as error:
        raise Problem("still_running", headers={"Retry-After": "1"}) from error
    except idempotency.OtherBody as error:
        raise Problem("idempotency_key_reused") from error


def refuse_unknown(request: HttpRequest, known: type[BaseModel]) -> None:
    """A query in which something stands that we do not read is refused, like a body."""
    for name in request.GET:
        if name not in known.model_fields:
            raise invalid(name, _("This field is not known."))


def cursor_of(pk: int) -> str:
    """Where the next page begins, in a form that nobody takes for a number to count with."""
    return base64.urlsafe_b64encode(json.dumps({"after": pk}).encode()).decode()


def after(cursor: str) -> int:
    """The row after which a page begins. Raises Problem for what cursor_of has not made."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cursor.encode()))["after"]
    except (ValueError, binascii.Error, TypeError, KeyError) as error:
        raise invalid("cursor", _("This cursor was not made here.")) from error
    if not isinstance(found, int) or not 0 <= found < 2**63:
        raise invalid("cursor", _("This cursor was not made here."))
    return found
