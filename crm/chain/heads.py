"""The head of the chain, given outside: whoever rewrites all of it cannot rewrite that."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from crm.models import Seal

log = logging.getLogger("kept.audit")
SAID = re.compile(r"^(\d{1,18}):([0-9a-f]{64})$")


@dataclass(frozen=True)
class Head:
    """A link by its number and hash. As text `NUMBER:HASH`."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


class NoHead(ValueError):
    """What was given is no head, in words."""


def of(seal: Seal) -> Head:
    """What is given outside of a seal."""
    return Head(seal.number, bytes(seal.hash).hex())


def newest() -> Seal | None:
    """The last seal there is."""
    return Seal.objects.order_by("-number").first()


def read(text: str) -> Head:
    """`NUMBER:HASH`. Raises NoHead."""
    found = SAID.match(text.strip().lower())
    if not found:
        raise NoHead(f"{text.strip()[:90]!r} is no head: NUMBER:HASH, with 64 hexadecimal digits.")
    return Head(int(found[1]), found[2])


def given(text: str) -> Iterator[Head]:
    """Heads that were kept outside: one as text, or a file of them. Raises NoHead, OSError.

    Of a line of the file the first word counts. A last line without its end was cut off in the
    middle of being written, and says nothing.
    """
    if SAID.match(text.strip().lower()):
        yield read(text)
        return
    with Path(text).open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip() and line.endswith("\n"):
                yield read(line.split()[0])


def give_out(head: Head) -> None:
    """Into the log, and as a line of AUDIT_HEAD_FILE. A full disk does not stop the sealing."""
    log.info("sealed", extra={"seal": head.number, "head": head.hash})
    if not settings.AUDIT_HEAD_FILE:
        return
    when = Seal.objects.values_list("sealed_at", flat=True).get(number=head.number)
    try:
        with Path(settings.AUDIT_HEAD_FILE).open("a", encoding="utf-8") as file:
            file.write(f"{head} {_instant(when)}\n")
    except OSError:
        log.exception("audit head not written", extra={"seal": head.number})


def _instant(when: datetime) -> str:
    return when.isoformat(timespec="seconds")
