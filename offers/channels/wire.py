"""How bytes come and go in an SMTP conversation, each within its time.

smtplib calls half a line a reply, takes any three digits, and lets a server that drips bytes go on
for ever; here a reply is complete or it is none.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Literal

LONGEST_LINE = 4096  # RFC 5321 says 512; some servers write more
LONGEST_REPLY = 65_536
CHUNK = 16_384  # one TLS record, so that a time limit is looked at between any two
CEILING = 120  # seconds; the lease of a claim lasts 180

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Timeouts:
    """Seconds. `prelude` is everything before the body, whatever the number of commands."""

    connect: float = 15
    command: float = 20
    prelude: float = 45
    body: float = 25
    verdict: float = 45

    def __post_init__(self) -> None:
        if self.prelude + self.body + self.verdict >= CEILING:
            raise ValueError(f"the time limits of one mail must stay under {CEILING} s together")


@dataclass(frozen=True)
class Relay:
    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: Literal["none", "starttls", "implicit"] = "none"


class Garbage(Exception):
    """The other side does not speak SMTP, or not in turn."""


class Wire(smtplib.SMTP):
    """A connection to a relay that knows what stage it is in and when that stage must be over."""

    def __init__(
        self, relay: Relay, helo: str, limits: Timeouts, tls: ssl.SSLContext | None
    ) -> None:
        super().__init__(local_hostname=helo)
        self.relay, self.limits, self.tls = relay, limits, tls
        self.stage = "connect"
        self.unread = b""
        self.code: int | None = None
        self.reply = ""
        self.prelude_end = time.monotonic() + limits.prelude
        self.deadline = min(self.prelude_end, time.monotonic() + limits.connect)

    def enter(self, stage: str, seconds: float) -> None:
        self.stage = stage
        self.deadline = time.monotonic() + seconds
        if stage not in ("body", "verdict"):
            self.deadline = min(self.deadline, self.prelude_end)

    def timed_socket(self) -> socket.socket:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if self.sock is None:
            raise ConnectionError("not connected")
        self.sock.settimeout(left)
        return self.sock

    def _get_socket(self, host: str, port: int, timeout: object) -> socket.socket:
        """Every address of the host in turn; a silent one leaves time for the next."""
        trouble: OSError = ConnectionError("no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        ):
            self.enter("connect", self.limits.connect)
            sock = self.sock = socket.socket(family, kind, protocol)
            try:
                self.timed_socket().connect(address)
                if self.relay.tls == "implicit":
                    sock = self.secured(sock)
            except OSError as error:
                sock.close()
                self.sock, trouble = None, error
            else:
                self.sock = sock
                self.enter("greeting", self.limits.command)
                return sock
        raise trouble

    def secured(self, sock: socket.socket) -> ssl.SSLSocket:
        context = self.tls or ssl.create_default_context()
        return context.wrap_socket(sock, server_hostname=self.relay.host)

    def send(self, s: str | bytes) -> None:  # type: ignore[override]
        if self.unread:
            raise Garbage("the server spoke out of turn")
        self.timed_socket().sendall(s.encode(self.command_encoding) if isinstance(s, str) else s)

    def send_body(self, payload: bytes) -> bool:
        """False when the server spoke before the end was sent; its reply is then waiting."""
        for start in range(0, len(payload), CHUNK):
            if self.has_spoken():
                return False
            self.timed_socket().sendall(payload[start : start + CHUNK])
        return True

    def has_spoken(self) -> bool:
        """Whether something waits to be read, without waiting for it."""
        sock = self.timed_socket()
        sock.settimeout(0)
        try:
            data = sock.recv(LONGEST_LINE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return bool(self.unread)
        if not data and not self.unread:
            raise ConnectionError("the connection was cut")
        self.unread += data
        return True

    def getreply(self) -> tuple[int, bytes]:
        """A complete reply: every line ended, every line with the same code. Raises otherwise."""
        lines: list[bytes] = []
        codes: set[bytes] = set()
        more = True
        while more:
            line = self._read_line()
            found = _LINE.fullmatch(line)
            codes.add(found[1] if found else b"")
            lines.append(line)
            if not found or len(codes) > 1 or sum(map(len, lines)) > LONGEST_REPLY:
                raise Garbage(line.decode("utf-8", "replace"))
            more = found[2] == b"-"
        self.code = int(lines[0][:3])
        self.reply = printable(b"\n".join(lines).decode("utf-8", "replace"))
        return self.code, b"\n".join(line[4:].strip() for line in lines)

    def _read_line(self) -> bytes:
        while b"\n" not in self.unread:
            data = self.timed_socket().recv(LONGEST_LINE)
            if not data:
                raise ConnectionError("the connection was cut")
            self.unread += data
            if len(self.unread) > LONGEST_REPLY:
                raise Garbage(self.unread[:80].decode("utf-8", "replace"))
        line, _, self.unread = self.unread.partition(b"\n")
        return line.removesuffix(b"\r")


def printable(text: str) -> str:
    return _UNPRINTABLE.sub("?", text)


def words_of(error: BaseException) -> str:
    return printable(str(error) or type(error).__name__)[:500]
