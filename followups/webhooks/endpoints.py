"""Who is told: the only writer of WebhookEndpoint. A secret is shown once."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext as _

from crm import audit
from crm.actors import Actor
from followups.models import WebhookEndpoint
from followups.terms import Refused
from followups.webhooks import addresses, events, signing

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
# For so long both secrets sign, so that the receiver can change over without missing anything.
BOTH_SIGN = timedelta(hours=24)
# How long an endpoint that does not take anything is left alone: doubled each time, up to the last.
FIRST_REST, LONGEST_REST = timedelta(seconds=5), timedelta(minutes=5)
LONGEST_ASKED_REST = timedelta(hours=1)
OK_NOTED = timedelta(minutes=1)
GONE, BY_HAND = "gone", "by_hand"


@dataclass(frozen=True)
class Opened:
    """An endpoint and its secret, which is shown this once."""

    endpoint: WebhookEndpoint
    secret: str = field(repr=False)


@transaction.atomic
def add(*, name: str, url: str, types: Collection[str], by: Actor, at: datetime) -> Opened:
    """Makes an endpoint; it is told what happens from now on. Raises Refused, by field."""
    check_name(name)
    secret = signing.new_secret()
    endpoint = WebhookEndpoint(
        name=name,
        url=_checked(url),
        types=_known(types),
        secret=secret,
        created_at=at,
        created_by=by.code,
    )
    try:
        with transaction.atomic():
            endpoint.save(force_insert=True)
    except IntegrityError as error:
        raise Refused("name", _("There is an endpoint of this name already.")) from error
    _note("webhook_added", endpoint, by=by, at=at)
    return Opened(endpoint, secret)


@transaction.atomic
def change(
    *, endpoint: WebhookEndpoint, url: str, types: Collection[str], by: Actor, at: datetime
) -> None:
    """Gives it another address or other events; what waits goes to the new address."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    rows.update(
        url=_checked(url),
        types=_known(types),
        changed_at=at,
        changed_by=by.code,
        rests_until_at=None,
    )
    endpoint.refresh_from_db()
    _note("webhook_changed", endpoint, by=by, at=at)


@transaction.atomic
def rotate(*, endpoint: WebhookEndpoint, by: Actor, at: datetime) -> Opened:
    """Gives it another secret; for a day the old one signs beside it."""
    secret = signing.new_secret()
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
        secret=secret,
        old_secret=F("secret"),
        old_secret_until_at=at + BOTH_SIGN,
        rotated_at=at,
        rotated_by=by.code,
    )
    endpoint.refresh_from_db()
    _note("webhook_rotated", endpoint, by=by, at=at)
    return Opened(endpoint, secret)


@transaction.atomic
def switch_off(*, endpoint: WebhookEndpoint, by: Actor, at: datetime, cause: str = BY_HAND) -> bool:
    """From now on it is told nothing, and what waits stays; False when it was off already."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk, off_at=None)
    won = rows.update(off_at=at, off_by=by.code, off_cause=cause)
    if won:
        _note("webhook_switched_off", endpoint, by=by, at=at, cause=cause)
    return bool(won)


@transaction.atomic
def switch_on(*, endpoint: WebhookEndpoint, by: Actor, at: datetime) -> bool:
    """Told again, first of all what waited; False when it was on already."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk, off_at__isnull=False)
    won = rows.update(
        off_at=None,
        off_by="",
        off_cause="",
        failures=0,
        failing_since_at=None,
        rests_until_at=None,
    )
    if won:
        _note("webhook_switched_on", endpoint, by=by, at=at)
    return bool(won)


def ready(*, at: datetime) -> QuerySet[WebhookEndpoint]:
    """Those that are on and do not rest."""
    awake = Q(rests_until_at=None) | Q(rests_until_at__lte=at)
    return WebhookEndpoint.objects.filter(awake, off_at=None).order_by("pk")


def keys(endpoint: WebhookEndpoint, *, at: datetime) -> list[str]:
    """The secrets that sign just now, the newest first."""
    until = endpoint.old_secret_until_at
    return [endpoint.secret, *([endpoint.old_secret] if until and at < until else [])]


def took(*, endpoint: WebhookEndpoint, at: datetime) -> None:
    """It took something: what it failed before is forgotten."""
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    rows.filter(failures__gt=0).update(failures=0, failing_since_at=None, rests_until_at=None)
    stale = Q(last_ok_at=None) | Q(last_ok_at__lt=at - OK_NOTED)
    rows.filter(stale).update(last_ok_at=at)


def failed(
    *, endpoint: WebhookEndpoint, began_at: datetime, at: datetime, asked: int | None = None
) -> None:
    """It took nothing: it rests, the longer the more often. Of what was sent to it at the same
    time the first failure counts. `asked`: the seconds of its Retry-After."""
    rest = min(FIRST_REST * 2 ** min(endpoint.failures, 10), LONGEST_REST)
    if asked is not None:
        rest = max(rest, min(timedelta(seconds=asked), LONGEST_ASKED_REST))
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    awake = rows.filter(Q(rests_until_at=None) | Q(rests_until_at__lte=began_at))
    won = awake.update(
        failures=F("failures") + 1,
        failing_since_at=Coalesce("failing_since_at", at),
        rests_until_at=at + rest,
    )
    if not won and asked is not None:
        rows.update(rests_until_at=Greatest(F("rests_until_at"), at + rest))


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: who rests still rests."""
    WebhookEndpoint.objects.filter(rests_until_at__isnull=False).update(
        rests_until_at=F("rests_until_at") + by
    )


def check_name(name: str) -> None:
    """Raises Refused for what is no name."""
    if not NAME.fullmatch(name):
        raise Refused("name", _("A name has at most 32 small letters, digits, - and _."))


def _checked(url: str) -> str:
    try:
        addresses.check(url)
    except addresses.BadAddress as error:
        raise Refused("url", str(error)) from error
    return url


def _known(types: Collection[str]) -> list[str]:
    unknown = ", ".join(sorted(set(types) - set(events.TYPES)))
    if unknown:
        raise Refused("types", _("There is no event %(name)s.") % {"name": unknown})
    if not types:
        raise Refused("types", _("Choose at least one event."))
    return [name for name in events.TYPES if name in types]


def _note(action: str, endpoint: WebhookEndpoint, *, by: Actor, at: datetime, **more: Any) -> None:
    """Of the secret nothing is told, and of the address only its host: a path may be a secret."""
    host = addresses.target_of(endpoint.url).host
    data = {"name": endpoint.name, "host": host, "types": endpoint.types, **more}
    audit.write(action=action, subject=f"webhook:{endpoint.pk}", by=by, at=at, data=data)
