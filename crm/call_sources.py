"""Where call events come from: the only writer of CallSource. A secret is shown once, if at all."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import phonenumbers
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from crm import audit, call_maps, call_schemes, wallclock
from crm.actors import Actor
from crm.call_maps import BadMap
from crm.models import CallSource, Campaign, Disposition, Team

SHIPPED = Path(__file__).resolve().parent / "data" / "call_sources"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
# Under these names Kept logs its own contacts; nobody else may speak for it.
OWN = frozenset({"desk", "page", "demo", "import"})
SHORTEST, LONGEST = 16, 200
HEARD = timedelta(minutes=1)
MOST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Dialect:
    """How a dialer speaks: its scheme, where the scheme's parts stand, and its field map."""

    scheme: str
    door: Mapping[str, Any]
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Opened:
    """A source and its secret, which is shown this once."""

    source: CallSource
    secret: str = field(repr=False)


def shipped() -> list[str]:
    """The dialers whose dialect comes with Kept."""
    return sorted(path.stem for path in SHIPPED.glob("*.json"))


def dialect(path: Path) -> Dialect:
    """Reads a dialect from a file. Raises BadMap."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadMap(_("The file is too large."))
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadMap(_("There is no such file.")) from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMap(_("The file is not JSON.")) from error
    if not isinstance(stored, dict) or not {"scheme", "fields"} <= set(stored):
        raise BadMap(_("The file needs a scheme and fields."))
    door = stored.get("door", {})
    if not isinstance(door, dict) or set(stored) - {"about", "scheme", "door", "fields"}:
        raise BadMap(_("The file holds about, scheme, door and fields, and nothing else."))
    return Dialect(scheme=str(stored["scheme"]), door=door, fields=stored["fields"])


def named(name: str) -> CallSource | None:
    """The source of that name, while it is switched on."""
    rows = CallSource.objects.select_related("campaign", "team")
    return rows.filter(name=name, off_at=None).first() if NAME.fullmatch(name) else None


@transaction.atomic
def add(
    *,
    name: str,
    dialect: Dialect,
    zone: str,
    region: str,
    by: Actor,
    at: datetime,
    secret: str = "",
    campaign: Campaign | None = None,
    team: Team | None = None,
) -> Opened:
    """Makes a source. Without a secret of the dialer's own, one is made up here.

    Raises BadMap, in words, for a name, zone, secret or dialect that cannot be used.
    """
    if not NAME.fullmatch(name) or name in OWN:
        raise BadMap(_("A name has at most 32 small letters, digits, - and _; and is not taken."))
    _check_place(zone, region.upper())
    shown, kept = _secret(dialect.scheme, secret)
    source = CallSource(
        name=name,
        scheme=dialect.scheme,
        door=call_schemes.door_of(dialect.scheme, dialect.door),
        fields=_checked(dialect.fields),
        zone=zone,
        region=region.upper(),
        campaign=campaign,
        team=team,
        created_at=at,
        created_by=by.code,
        **kept,
    )
    try:
        with transaction.atomic():
            source.save(force_insert=True)
    except IntegrityError as error:
        raise BadMap(_("There is a source of this name already.")) from error
    _note("call_source_added", source, by=by, at=at)
    return Opened(source, shown)


@transaction.atomic
def rotate(*, source: CallSource, by: Actor, at: datetime, secret: str = "") -> Opened:
    """Gives the source another secret; the old one ends at once. Raises BadMap."""
    shown, kept = _secret(source.scheme, secret)
    rows = CallSource.objects.filter(pk=source.pk)
    rows.update(rotated_at=at, rotated_by=by.code, **kept)
    source.refresh_from_db()
    _note("call_source_rotated", source, by=by, at=at)
    return Opened(source, shown)


@transaction.atomic
def remap(*, source: CallSource, fields: Any, by: Actor, at: datetime) -> None:
    """Gives the source another field map. Raises BadMap."""
    CallSource.objects.filter(pk=source.pk).update(fields=_checked(fields))
    source.refresh_from_db()
    _note("call_source_mapped", source, by=by, at=at)


@transaction.atomic
def switch_off(*, source: CallSource, by: Actor, at: datetime) -> bool:
    """From now on nobody listens; False when it was off already."""
    rows = CallSource.objects.filter(pk=source.pk, off_at=None)
    won = rows.update(off_at=at, off_by=by.code)
    if won:
        _note("call_source_switched_off", source, by=by, at=at)
    return bool(won)


@transaction.atomic
def switch_on(*, source: CallSource, by: Actor, at: datetime) -> bool:
    """Listens again; False when it was on already."""
    rows = CallSource.objects.filter(pk=source.pk, off_at__isnull=False)
    won = rows.update(off_at=None, off_by="")
    if won:
        _note("call_source_switched_on", source, by=by, at=at)
    return bool(won)


def heard(*, source: CallSource, at: datetime) -> None:
    """Notes that the dialer spoke, to the minute: of many events in it one writes."""
    if source.last_heard_at is None or source.last_heard_at + HEARD < at:
        unheard = CallSource.objects.filter(pk=source.pk, last_heard_at=source.last_heard_at)
        unheard.update(last_heard_at=at)


def note_silence(*, source: CallSource, at: datetime) -> bool:
    """Notes that people were told of its silence; False when they were, or it has spoken since."""
    rows = CallSource.objects.filter(pk=source.pk, last_heard_at=source.last_heard_at)
    untold = Q(silence_told_at=None) | Q(silence_told_at__lt=F("last_heard_at"))
    return bool(rows.filter(untold).update(silence_told_at=at))


def _check_place(zone: str, region: str) -> None:
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise BadMap(_("There is no country %(code)s.") % {"code": region})
    try:
        wallclock.zone_of(zone)
    except ValueError as error:
        raise BadMap(_("There is no time zone %(zone)s.") % {"zone": zone}) from error


def _secret(scheme: str, given: str) -> tuple[str, dict[str, Any]]:
    """The secret, and the columns that keep what has to be kept of it."""
    secret = given or secrets.token_urlsafe(32)
    if not SHORTEST <= len(secret) <= LONGEST or not secret.isprintable():
        limits = {"least": SHORTEST, "most": LONGEST}
        raise BadMap(_("A secret has from %(least)d to %(most)d readable characters.") % limits)
    if scheme in CallSource.SIGNS:
        return secret, {"shared_secret": secret, "secret_sha256": None}
    return secret, {"shared_secret": "", "secret_sha256": call_schemes.digest(secret)}


def _checked(fields: Any) -> dict[str, Any]:
    checked = call_maps.check(fields)
    wanted = call_maps.dispositions(checked)
    unknown = wanted - set(Disposition.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if unknown:
        what = ", ".join(sorted(unknown))
        told = {"place": "disposition", "what": what}
        raise BadMap(_("%(place)s: unknown %(what)s.") % told)
    return checked


def _note(action: str, source: CallSource, *, by: Actor, at: datetime) -> None:
    """Which map held from then on is told by its hash; of the secret nothing is told."""
    stored = json.dumps([source.scheme, source.door, source.fields], sort_keys=True)
    data = {"scheme": source.scheme, "dialect": hashlib.sha256(stored.encode()).hexdigest()}
    audit.write(action=action, subject=f"source:{source.name}", by=by, at=at, data=data)
