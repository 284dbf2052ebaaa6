"""The mailbox to which mail comes back, read over IMAP.

A message is marked only after what it says was committed. Who dies in between reads it again, and
nothing is written twice: evidence is unique, and so is what is kept.
"""

from __future__ import annotations

import imaplib
import logging
import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from offers.reports import LARGEST

log = logging.getLogger("kept.bounces")
PATIENCE = 10  # seconds that a server may be silent
SHARE = 20  # seconds of one sweep: its heartbeat comes after it and guards the gate
# Our own mark, so that people may read the mailbox too. Where a server keeps no marks but its own,
# it is \\Seen, and the mailbox must be ours alone.
MARK = "$KeptTaken"
TROUBLE = (OSError, imaplib.IMAP4.error, ssl.SSLError)


def poll(url: str, *, take: Callable[[bytes], object]) -> bool:
    """Hands every new message of a mailbox to `take`. True when it was read to its end."""
    parts = urlsplit(url)
    try:
        connection = _connect(parts)
    except TROUBLE as error:
        return _down(parts, error)
    try:
        return _read(connection, parts, take)
    except TROUBLE as error:
        return _down(parts, error)
    finally:
        _leave(connection)


def _down(parts: SplitResult, error: Exception) -> bool:
    """Said in words, and without those of the server: they may quote a name or a password."""
    log.error(
        "the bounce mailbox cannot be read: nobody listens",
        extra={"host": parts.hostname, "error": type(error).__name__},
    )
    return False


def _connect(parts: SplitResult) -> imaplib.IMAP4:
    host = parts.hostname or ""
    if parts.scheme == "imaps":
        return imaplib.IMAP4_SSL(
            host, parts.port or 993, ssl_context=ssl.create_default_context(), timeout=PATIENCE
        )
    return imaplib.IMAP4(host, parts.port or 143, timeout=PATIENCE)


def _leave(connection: imaplib.IMAP4) -> None:
    try:
        connection.logout()
    except TROUBLE:
        connection.shutdown()


def _read(connection: imaplib.IMAP4, parts: SplitResult, take: Callable[[bytes], object]) -> bool:
    connection.login(unquote(parts.username or ""), unquote(parts.password or ""))
    folder = unquote(parts.path.strip("/")) or "INBOX"
    _wanted(connection.select(f'"{folder}"'))
    mark, unmarked = _mark(connection)
    uids = _wanted(connection.uid("SEARCH", *unmarked.split()))[0].split()
    started, all_taken = time.monotonic(), True
    for uid in uids:
        if time.monotonic() - started > SHARE:
            return False  # the next sweep goes on
        if _taken(_fetch(connection, uid.decode()), take):
            _wanted(connection.uid("STORE", uid.decode(), "+FLAGS.SILENT", f"({mark})"))
        else:
            all_taken = False
    return all_taken


def _taken(raw: bytes | None, take: Callable[[bytes], object]) -> bool:
    """One message that cannot be taken in stays unmarked, and stops no other."""
    try:
        if raw is not None:
            take(raw)
    except Exception:
        log.exception("a message in the bounce mailbox could not be taken in")
        return False
    return True


def _mark(connection: imaplib.IMAP4) -> tuple[str, str]:
    """The mark, and how to ask for what does not bear it."""
    _, found = connection.response("PERMANENTFLAGS")
    flags = b" ".join(flag for flag in found if isinstance(flag, bytes))
    own = b"\\*" in flags or MARK.encode() in flags
    return (MARK, f"UNKEYWORD {MARK} UNDELETED") if own else ("\\Seen", "UNSEEN UNDELETED")


def _fetch(connection: imaplib.IMAP4, uid: str) -> bytes | None:
    """The first LARGEST bytes, unread for everybody else; None when it has gone meanwhile."""
    answer = _wanted(connection.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)"))
    return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), None)


def _wanted(reply: tuple[str, list[Any]]) -> list[Any]:
    """The data of an answer that must be OK."""
    status, data = reply
    if status != "OK":
        raise imaplib.IMAP4.error("the server said no")
    return data
