"""Print and mail providers that sign their reports: the only writer of EvidenceSource."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from crm import audit
from crm.actors import Actor
from offers.models import EvidenceSource

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}", re.ASCII)


class BadSource(ValueError):
    """A source that cannot be made; the message says why."""


@dataclass(frozen=True)
class Opened:
    """A source and its secret, which is shown this once."""

    source: EvidenceSource
    secret: str = field(repr=False)


def named(name: str) -> EvidenceSource | None:
    """The source of that name, while it is switched on."""
    rows = EvidenceSource.objects.filter(name=name, off_at=None)
    return rows.first() if NAME.fullmatch(name) else None


@transaction.atomic
def add(*, name: str, carries: str, by: Actor, at: datetime) -> Opened:
    """Makes a source with a secret of its own. Raises BadSource."""
    if not NAME.fullmatch(name):
        raise BadSource(_("A name has at most 30 small letters, digits, - and _."))
    secret = _secret()
    source = EvidenceSource(
        name=name, carries=carries, shared_secret=secret, created_at=at, created_by=by.code
    )
    try:
        with transaction.atomic():
            source.save(force_insert=True)
    except IntegrityError as error:
        raise BadSource(_("There is a source of this name already.")) from error
    _note("evidence_source_added", source, by=by, at=at)
    return Opened(source, secret)


@transaction.atomic
def rotate(*, source: EvidenceSource, by: Actor, at: datetime) -> Opened:
    """Gives the source another secret; the old one ends at once."""
    secret = _secret()
    rows = EvidenceSource.objects.filter(pk=source.pk)
    rows.update(shared_secret=secret, rotated_at=at, rotated_by=by.code)
    _note("evidence_source_rotated", source, by=by, at=at)
    return Opened(source, secret)


@transaction.atomic
def switch(*, source: EvidenceSource, on: bool, by: Actor, at: datetime) -> bool:
    """From now on its reports are taken, or are not; False when it was so before."""
    rows = EvidenceSource.objects.filter(pk=source.pk, off_at__isnull=not on)
    won = rows.update(off_at=None if on else at, off_by="" if on else by.code)
    if won:
        _note(f"evidence_source_{'on' if on else 'off'}", source, by=by, at=at)
    return bool(won)


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _note(action: str, source: EvidenceSource, *, by: Actor, at: datetime) -> None:
    data = {"carries": source.carries}
    audit.write(action=action, subject=f"evidence_source:{source.name}", by=by, at=at, data=data)
