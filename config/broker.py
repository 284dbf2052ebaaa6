"""The one connection pool of this process to Redis (Valkey, where Kept brings its own)."""

from __future__ import annotations

from functools import lru_cache

import redis
from django.conf import settings

PATIENCE = 0.2  # seconds: nobody waits longer for what may be lost


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    """Raises redis.RedisError at its first use, not here, when nobody listens."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
    )
