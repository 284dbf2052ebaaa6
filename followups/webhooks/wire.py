"""One POST to an address outside: pinned to what was judged, within its time, of limited size.

http.client lets a server that drips bytes go on for ever; here every byte comes before one
deadline. Redirects are not followed, and of the answer only its head is read.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from followups.webhooks import addresses
from followups.webhooks.addresses import BadAddress, Forbidden, Target

log = logging.getLogger("kept.webhooks")
SECONDS = 5.0  # from the connection to the end of the answer's head
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back: an HTTP status, or why there was none. `retry_after` in seconds."""

    status: int | None
    error: str = ""
    retry_after: int | None = None

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == http.HTTPStatus.GONE


class TooLong(OSError):
    """A head that does not end."""


def post(
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Sends it once. Whatever the other side does comes back as an Answer; raises nothing."""
    try:
        return _posted(addresses.target_of(url), headers, body, tls)
    except (BadAddress, Forbidden):
        error = "address"
    except socket.gaierror:
        error = "dns"
    except ssl.SSLError:
        error = "tls"
    except TimeoutError:
        error = "timeout"
    except ConnectionError:  # also one that was cut before an answer came
        error = "connect"
    except (http.client.HTTPException, TooLong, ValueError):
        error = "garbled"
    except OSError:
        error = "connect"
    return Answer(None, error)


def _posted(
    target: Target, headers: Mapping[str, str], body: bytes, tls: ssl.SSLContext | None
) -> Answer:
    found = addresses.resolved(target)
    line = _connected(target, found, time.monotonic() + SECONDS, tls)
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.sock = line
    try:
        more = {"Host": target.authority, "Connection": "close", "User-Agent": "Kept"}
        connection.request("POST", target.path, body=body, headers={**headers, **more})
        answer = connection.getresponse()
        return Answer(answer.status, retry_after=_seconds(answer.getheader("Retry-After")))
    finally:
        connection.close()
        line.close()


def _seconds(text: str | None) -> int | None:
    """A day, where it was said as a date, is no use to us."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else None


def _connected(
    target: Target, found: list[str], deadline: float, tls: ssl.SSLContext | None
) -> Any:
    """A line to the first address that takes it; an address, never the name."""
    trouble: OSError = ConnectionError("no address")
    for address in found:
        try:
            sock = socket.create_connection((address, target.port), timeout=_left(deadline))
        except OSError as error:
            trouble = error
            continue
        try:
            if target.scheme == "https":
                sock.settimeout(_left(deadline))
                context = tls or ssl.create_default_context()
                sock = context.wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise
        return Line(sock, deadline)
    raise trouble


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


class Line:
    """A connected socket, as http.client uses one; everything on it ends at the deadline."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self.sock, self.deadline = sock, deadline

    def timed(self) -> socket.socket:
        self.sock.settimeout(_left(self.deadline))
        return self.sock

    def sendall(self, data: bytes) -> None:
        self.timed().sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(Incoming(self))

    def close(self) -> None:
        self.sock.close()


class Incoming(io.RawIOBase):
    """What comes in on a line, up to MOST_BYTES."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line, self.count = line, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = self.line.timed().recv_into(buffer)
        self.count += size
        if self.count > MOST_BYTES:
            raise TooLong("too long")
        return size
