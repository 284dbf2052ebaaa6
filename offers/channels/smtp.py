"""One SMTP conversation about one message, which remembers the complete reply that decided it.

smtplib speaks EHLO and AUTH; what decides is kept here, because the usual mail backends throw away
"250 queued as ...", and with it the difference between sent, refused and nobody knows.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from offers.channels.wire import Garbage, Relay, Timeouts, Wire, words_of
from offers.message import wire_address

Kind = Literal["sent", "retry", "failed", "unknown", "lost"]

_ENHANCED = re.compile(r"^[245][0-9]{2}[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})\b", re.MULTILINE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Outcome:
    """What became of the message. `reply` is the server's text, or what went wrong instead."""

    kind: Kind
    code: int | None
    status: str | None
    reply: str
    stage: str


class _Refused(Exception):
    """A complete 4xx or 5xx reply before the body."""


class _CannotCarry(Exception):
    """This relay has no way to carry the address or the text, and waiting will not give it one."""


def parse(url: str) -> Relay:
    """smtp://user:password@host:port, smtps://..., ?starttls=1. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("a mail server is given as smtp://host:port or smtps://host:port")
    starttls = parse_qs(parts.query).get("starttls", ["0"])[-1].lower() in ("1", "true", "yes")
    implicit = parts.scheme == "smtps"
    return Relay(
        host=parts.hostname,
        port=parts.port or (465 if implicit else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls="implicit" if implicit else "starttls" if starttls else "none",
    )


def transmit(
    *,
    url: str,
    envelope_from: str,
    recipient: str,
    message: bytes,
    before_body: Callable[[], bool],
    envelope_id: str = "",
    timeouts: Timeouts | None = None,
    tls: ssl.SSLContext | None = None,
) -> Outcome:
    """Hand one message to the relay. Network trouble is an Outcome, never an exception.

    `before_body` is called once, after the server's 354 and before the first byte of the body.
    When it returns False, or raises (which goes through), the connection is closed and nothing of
    the message has left. A bad `url` raises ValueError: that is a setting, not the network.
    """
    relay = parse(url)
    try:
        path = (wire_address(envelope_from) if envelope_from else "", wire_address(recipient))
    except ValueError as error:
        return Outcome("failed", None, "5.1.3", str(error), "address")
    talk = _Conversation(relay, path, timeouts or Timeouts(), tls)
    try:
        if refusal := talk.until_354(message, envelope_id):
            return refusal
        if not before_body():
            return Outcome("lost", None, None, "the claim was lost before the body", "data")
        return talk.hand_over(_on_the_wire(message))
    finally:
        talk.close()


def _on_the_wire(message: bytes) -> bytes:
    """CRLF line ends only (a bare one lets a second message be smuggled in), dots doubled, end."""
    lines = _LINE_END.sub(b"\r\n", message)
    lines = re.sub(rb"(?m)^\.", b"..", lines)
    return lines + (b"" if lines.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _xtext(value: str) -> str:
    """RFC 3461 section 4."""
    plain = (chr(octet) for octet in value.encode())
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in plain)


class _Conversation(Wire):
    def __init__(
        self, relay: Relay, path: tuple[str, str], limits: Timeouts, tls: ssl.SSLContext | None
    ) -> None:
        self.sender, self.recipient = path
        super().__init__(relay, self.sender.rpartition("@")[2] or "localhost", limits, tls)

    def until_354(self, message: bytes, envelope_id: str) -> Outcome | None:
        """None once the server waits for the body; else why it does not."""
        try:
            self._open()
            self._envelope(message, envelope_id)
            self._command("data", "DATA", wanted=3)
            if self.has_spoken():
                raise Garbage("the server spoke out of turn")
        except (_Refused, smtplib.SMTPAuthenticationError):
            self._farewell()
            return self._decided("failed" if self.code and self.code >= 500 else "retry")
        except _CannotCarry as error:
            self._farewell()
            return Outcome("failed", None, "5.6.7", str(error), self.stage)
        except (OSError, Garbage, UnicodeError, ValueError) as error:
            return Outcome("retry", None, None, words_of(error), self.stage)
        return None

    def hand_over(self, payload: bytes) -> Outcome:
        """From the first byte of the body on, only a complete reply tells what happened."""
        self.enter("body", self.limits.body)
        trouble = ""
        try:
            finished = self.send_body(payload)
        except OSError as error:
            finished, trouble = False, words_of(error)
        self.enter("verdict" if finished else "body", 2 if trouble else self.limits.verdict)
        try:
            self.getreply()
        except (OSError, Garbage) as error:
            return Outcome("unknown", None, None, trouble or words_of(error), self.stage)
        return self._verdict(finished)

    def _verdict(self, finished: bool) -> Outcome:
        kinds: dict[int, Kind] = {4: "retry", 5: "failed"}
        if finished:
            kinds[2] = "sent"
            self._farewell()
        return self._decided(kinds.get((self.code or 0) // 100, "unknown"))

    def _open(self) -> None:
        self.connect(self.relay.host, self.relay.port)
        self._expect(2)
        self._greet()
        if self.relay.tls == "starttls":
            self._command("starttls", "STARTTLS")
            if self.has_spoken():  # words said before the handshake would pass for secured ones
                raise Garbage("the server spoke before the handshake")
            self.sock = self.secured(self.timed_socket())
            self._greet()
        if self.relay.user:
            self.enter("auth", self.limits.command)
            self.login(self.relay.user, self.relay.password)

    def _greet(self) -> None:
        self.enter("ehlo", self.limits.command)
        if not 200 <= self.ehlo()[0] <= 299:
            self.enter("ehlo", self.limits.command)
            self.helo()
            self._expect(2)

    def _envelope(self, message: bytes, envelope_id: str) -> None:
        self.enter("mail", self.limits.command)
        head = _HEAD_END.split(message, maxsplit=1)[0]
        utf8 = not (head.isascii() and self.sender.isascii() and self.recipient.isascii())
        missing = "smtputf8" if utf8 else "" if message.isascii() else "8bitmime"
        if missing and not self.has_extn(missing):
            raise _CannotCarry(f"the mail server does not offer {missing}")
        self.command_encoding = "utf-8" if utf8 else "ascii"
        options = self._mail_options(message, envelope_id, utf8)
        self._command("mail", " ".join([f"MAIL FROM:<{self.sender}>", *options]))
        self._command("rcpt", " ".join([f"RCPT TO:<{self.recipient}>", *self._rcpt_options()]))

    def _mail_options(self, message: bytes, envelope_id: str, utf8: bool) -> list[str]:
        options = [f"SIZE={len(message)}"] if self.has_extn("size") else []
        options += ["SMTPUTF8"] if utf8 else []
        options += [] if message.isascii() else ["BODY=8BITMIME"]
        options += ["RET=HDRS"] if self.has_extn("dsn") else []
        if envelope_id and self.has_extn("dsn"):
            options.append(f"ENVID={_xtext(envelope_id)}")
        return options

    def _rcpt_options(self) -> list[str]:
        if not self.has_extn("dsn"):
            return []
        original = [f"ORCPT=rfc822;{_xtext(self.recipient)}"] if self.recipient.isascii() else []
        return ["NOTIFY=SUCCESS,FAILURE,DELAY", *original]

    def _command(self, stage: str, line: str, *, wanted: int = 2) -> None:
        self.enter(stage, self.limits.command)
        self.docmd(line)
        self._expect(wanted)

    def _expect(self, wanted: int) -> None:
        answered = (self.code or 0) // 100
        if answered in (4, 5):
            raise _Refused
        if answered != wanted:
            raise Garbage(self.reply)

    def _decided(self, kind: Kind) -> Outcome:
        found = _ENHANCED.search(self.reply)
        status = found[1] if found and found[1][0] == self.reply[0] else None
        return Outcome(kind, self.code, status, self.reply, self.stage)

    def _farewell(self) -> None:
        """QUIT without waiting for an answer: what matters has been said."""
        self.deadline = time.monotonic() + 1
        with contextlib.suppress(OSError):
            self.timed_socket().sendall(b"QUIT\r\n")
