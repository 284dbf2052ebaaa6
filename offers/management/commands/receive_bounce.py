"""`manage.py receive_bounce < message`: what a mail server's pipe calls for returned mail."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand

from config import clock
from config.celery import nudge
from offers import bounces
from offers.reports import LARGEST

log = logging.getLogger("kept.bounces")
CHUNK = 64 * 1024


class Command(BaseCommand):
    help = (
        "Reads one message from standard input. Exit 0: taken in, or kept to be tried again;"
        " 75 (EX_TEMPFAIL): the mail server must keep it; 65 (EX_DATAERR): there was nothing."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        raw = _read(sys.stdin.buffer)
        if not raw.strip():
            self.stderr.write("nothing on standard input")
            raise SystemExit(os.EX_DATAERR)
        try:
            matched = bounces.receive(raw=raw, by=bounces.LISTENER, at=clock.now())
        except Exception as error:
            # Whatever it was: a report must not be lost, and the mail server has it on disk.
            log.exception("bounce not taken in", extra={"error": type(error).__name__})
            self.stderr.write(f"not taken in now: {type(error).__name__}")
            raise SystemExit(os.EX_TEMPFAIL) from error
        # A failure may have queued the next channel.
        nudge("send")
        self.stdout.write("taken in" if matched else "kept")


def _read(stream: BinaryIO) -> bytes:
    """The first LARGEST bytes: a report stands in front of the mail it returns. The rest is read
    and dropped, so that the mail server does not see a broken pipe."""
    raw = stream.read(LARGEST)
    while stream.read(CHUNK):
        pass
    return raw
