"""What every operation of the API shares: the key at the door, and the shapes of its fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security.base import AuthBase
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict

from config.problems import Problem
from crm import keys
from crm.actors import Actor
from crm.keys import Mark
from crm.models import ApiKey

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
        if self.scope and self.scope not in found.key.scopes:
            raise Problem(
                "missing_scope",
                _("The key needs the scope %(scope)s.") % {"scope": self.scope},
            )
        return Caller(key=found.key, moment=found.at, mark=trusted.mark if trusted else None)


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
    """Only text: a bare number leaves open whether it counts seconds or milliseconds."""
    if not isinstance(value, str | datetime):
        raise ValueError(_("An instant is written like 2026-03-02T09:00:00+01:00."))
    return value


Text = Annotated[str, AfterValidator(_storable)]
Instant = Annotated[AwareDatetime, BeforeValidator(_written)]
