"""How often somebody may knock: counters in Redis, which forget. Without Redis nobody is refused.

Nothing is decided by them but a refusal to look; so losing them costs nothing (decisions/0001).
"""

from __future__ import annotations

import hashlib
import hmac
import logging

import redis
from django.conf import settings
from django.http import HttpRequest

from config import broker

log = logging.getLogger("kept.limits")


def count(name: str, who: str, *, seconds: int) -> None:
    """One more of `name` by this person, forgotten `seconds` after the first."""
    key = _key(name, who)
    try:
        with broker.client().pipeline() as pipe:
            pipe.set(key, 0, ex=seconds, nx=True)
            pipe.incr(key)
            pipe.execute()
    except redis.RedisError:
        log.warning("cannot count", extra={"limit": name})


def full(name: str, who: str, *, most: int) -> bool:
    """Whether this person did it `most` times already."""
    try:
        found = broker.client().get(_key(name, who))
    except redis.RedisError:
        return False
    return isinstance(found, bytes) and int(found) >= most


def caller(request: HttpRequest) -> str:
    """Where a request comes from: over https our own proxy wrote it down, last in its header."""
    told = request.headers.get("X-Forwarded-For", "") if settings.SECURE else ""
    return told.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


def _key(name: str, who: str) -> str:
    """Keyed, so that Redis holds nobody's address."""
    digest = hmac.new(settings.HASH_PEPPER.encode(), who.encode(), hashlib.sha256).hexdigest()
    return f"kept:limit:{name}:{digest[:32]}"
