"""The load generator: keep-alive connections, closed loop for rates, open loop for latencies."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Request = Callable[[int], bytes]


@dataclass
class Result:
    """What came back. `latencies` in seconds; in an open loop from when a request was due."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    @property
    def failed(self) -> int:
        return sum(n for status, n in self.statuses.items() if status >= 400)

    def percentile(self, share: float) -> float:
        """In milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else 0.0


class Line:
    """One keep-alive connection that speaks just enough HTTP."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Sends one request; returns status and body. Raises OSError when the server hangs up."""
        self.sock.sendall(request)
        data = self.rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(data) < end + 4 + length:
            data += self._more()
        self.rest = data[end + 4 + length :]
        return int(head[9:12]), data[end + 4 : end + 4 + length]

    def _more(self) -> bytes:
        chunk = self.sock.recv(65536)
        if not chunk:
            raise ConnectionError("the server hung up")
        return chunk


def get(port: int, path: str, key: str) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n\r\n"
    return head.encode()


def post(port: int, path: str, key: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def closed(port: int, request: Request, *, connections: int, seconds: float) -> Result:
    """Each connection asks again as soon as it was answered."""
    results = [Result() for _ in range(connections)]
    stop = threading.Event()

    def work(place: int) -> None:
        line, mine, number = Line(port), results[place], place
        while not stop.is_set():
            begun = time.perf_counter()
            status, _ = line.ask(request(number))
            mine.latencies.append(time.perf_counter() - begun)
            mine.statuses[status] = mine.statuses.get(status, 0) + 1
            number += connections

    begun = time.perf_counter()
    threads = [threading.Thread(target=work, args=(place,)) for place in range(connections)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return merged(results, time.perf_counter() - begun)


def opened(
    port: int, request: Request, *, connections: int, rate: float, seconds: float, seed: int = 7
) -> Result:
    """Requests fall due at random instants of a given rate, whether or not answers came.

    A request that had to wait for a free connection counts from the instant it was due.
    """
    dice = random.Random(seed)
    due, at = [], 0.0
    while at < seconds:
        at += dice.expovariate(rate)
        due.append(at)
    results = [Result() for _ in range(connections)]
    taken = iter(enumerate(due))
    lock = threading.Lock()
    begun = time.perf_counter()

    def work(place: int) -> None:
        line, mine = Line(port), results[place]
        while True:
            with lock:
                number, instant = next(taken, (-1, 0.0))
            if number < 0:
                return
            wait = begun + instant - time.perf_counter()
            if wait > 0:
                time.sleep(wait)
            status, _ = line.ask(request(number))
            mine.latencies.append(time.perf_counter() - begun - instant)
            mine.statuses[status] = mine.statuses.get(status, 0) + 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return merged(results, time.perf_counter() - begun)


def merged(results: Sequence[Result], seconds: float) -> Result:
    total = Result(seconds=seconds)
    for result in results:
        total.latencies += result.latencies
        for status, n in result.statuses.items():
            total.statuses[status] = total.statuses.get(status, 0) + n
    return total
