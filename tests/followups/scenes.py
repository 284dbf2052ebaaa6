"""Scenes of the ring: a promise carried, accepted, delivered, proven, or come back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from followups.models import Promise
from offers import evidence, sending
from offers.models import Evidence
from tests.cast import DAY, START, Cast, Clock, Relay, call_and_promise, delivery_of
from tests.offers.journeys import happens

Kind = Evidence.Kind


def promised(cast: Cast, **more: Any) -> Promise:
    """Amina's promise to Mme Dupont, made on Monday at nine."""
    return call_and_promise(cast.amina, cast.dupont, **more)


def accepted(cast: Cast, relay: Relay, *, at: datetime = START, **more: Any) -> Promise:
    """The relay took the mail."""
    promise = promised(cast, at=at, **more)
    sending.send_due(clock=Clock(at))
    return fresh(promise)


def proven(cast: Cast, relay: Relay, **more: Any) -> Promise:
    """Delivered at once, and nothing came back for a day."""
    promise = accepted(cast, relay, **more)
    report(promise, Kind.DELIVERED, at=promise.made_at)
    evidence.ripen(at=promise.made_at + DAY)
    return fresh(promise)


def report(promise: Promise, kind: str, *, at: datetime, **more: Any) -> Promise:
    """Something is reported about the newest delivery of the promise."""
    happens(delivery_of(promise), kind, at=at, **more)
    return fresh(promise)


def fresh(promise: Promise) -> Promise:
    return Promise.objects.select_related("text").get(pk=promise.pk)


def causes(promise: Promise) -> list[str]:
    return list(promise.events.order_by("pk").values_list("cause", flat=True))
