"""The limit: a bare WSGI callable that does one indexed look-up. No key, no rules."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import psycopg
from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

LOOK_UP = """
SELECT p.reference FROM crm_phonenumber n JOIN followups_promise p ON p.customer_id = n.customer_id
WHERE n.e164 = %s AND p.status = 'open' LIMIT 1
"""
_local = threading.local()


def _connection() -> psycopg.Connection:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        _local.connection.prepare_threshold = 1
    connection: psycopg.Connection = _local.connection
    return connection


def application(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    number = parse_qs(environ["QUERY_STRING"])["number"][0]
    row = _connection().execute(LOOK_UP, [number]).fetchone()
    body = json.dumps({"decision": "deny" if row else "allow"}).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def main() -> None:
    port, workers, threads = (int(word) for word in sys.argv[1:4])
    Granian(
        "bench.raw:application",
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        log_level=LogLevels.error,
    ).serve()


if __name__ == "__main__":
    main()
