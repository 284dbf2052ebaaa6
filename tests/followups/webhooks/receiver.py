"""A receiver of webhooks on loopback that answers as it is told to, and remembers what it heard."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Heard:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        act = self.server.note(Heard(self.path, headers, body))
        if isinstance(act, int):
            self.say(act)
        else:
            getattr(self, act)()

    def do_GET(self) -> None:
        act = self.server.note(Heard(self.path, {"webhook-id": "GET"}, b""))
        if isinstance(act, int):
            self.say(act)
        else:
            getattr(self, act)()

    def say(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def redirect(self) -> None:
        self.say(302, Location=f"{self.server.url}elsewhere")

    def busy(self) -> None:
        self.say(429, Retry_After="1800")

    def garbled(self) -> None:
        self.wfile.write(b"220 this is a mail server\r\n")

    def cut(self) -> None:
        """Nothing at all."""

    def slow(self) -> None:
        self.server.released.wait(10)

    def drip(self) -> None:
        """A byte now and then, for ever."""
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
            if self.server.released.is_set():
                return
            self.wfile.write(bytes([byte]))
            time.sleep(0.02)

    def endless(self) -> None:
        """A head that does not end."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(90):
            self.wfile.write(f"X-{number}: {'a' * 4000}\r\n".encode())

    def large(self) -> None:
        """A body of many megabytes behind a good head."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(50_000):
            self.wfile.write(b"a" * 1000)

    def log_message(self, *args: Any) -> None:
        """Silent."""

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:  # whoever asked has gone
            return


class Receiver(ThreadingHTTPServer):
    """Answers 200, or what `script` says for one request after the other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.script: list[int | str] = []
        self.always: int | str = 200
        self.heard: list[Heard] = []
        self.lock = threading.Lock()
        self.released = threading.Event()

    def note(self, heard: Heard) -> int | str:
        with self.lock:
            self.heard.append(heard)
            return self.script.pop(0) if self.script else self.always

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}/"

    @property
    def ids(self) -> list[str]:
        return [heard.id for heard in self.heard]

    def handle_error(self, *args: Any) -> None:
        """A handshake that was refused is what some tests want."""

    def __enter__(self) -> Receiver:
        threading.Thread(target=self.serve_forever, args=[0.02], daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()
