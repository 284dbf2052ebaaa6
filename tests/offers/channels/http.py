"""A scripted HTTP server on loopback: what a mail provider answers, and what it was sent."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ScriptedProvider:
    """Answers every POST with `status` and `body`, `silence` seconds late. Keeps the bodies."""

    def __init__(self, status: int = 200, body: bytes = b"{}", silence: float = 0) -> None:
        self.status, self.body, self.silence = status, body, silence
        self.received: list[bytes] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                outer.received.append(self.rfile.read(length))
                time.sleep(outer.silence)
                if outer.status:
                    self.send_response(outer.status)
                    self.send_header("Location", "/elsewhere")
                    self.send_header("Content-Length", str(len(outer.body)))
                    self.end_headers()
                    self.wfile.write(outer.body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self) -> ScriptedProvider:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()
