"""A scripted SMTP server on loopback: it answers what it is told, at the stage it is told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping

DROP = b"<drop>"
SILENCE = b"<silence>"

ORDERLY = {
    "greeting": b"220 relay.example ESMTP\r\n",
    "EHLO": b"250-relay.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 SIZE 0\r\n",
    "HELO": b"250 relay.example\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    "verdict": b"250 2.0.0 Ok: queued as 4F2A1\r\n",
    "QUIT": b"221 2.0.0 Bye\r\n",
}


class ScriptedRelay:
    """One connection at a time. `commands` and `body` are what arrived, byte for byte."""

    def __init__(
        self,
        script: Mapping[str, bytes] | None = None,
        tls: ssl.SSLContext | None = None,
        drop_in_body: int = 0,
    ) -> None:
        self.script = {**ORDERLY, **(script or {})}
        self.tls = tls
        self.drop_in_body = drop_in_body
        self.commands: list[bytes] = []
        self.body = b""
        self.over = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> ScriptedRelay:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.socket.close()
        self.thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            conn, _ = self.socket.accept()
            conn.settimeout(5)
            with conn:
                self._talk(conn)

    def _talk(self, conn: socket.socket) -> None:
        if not self._answer(conn, "greeting"):
            return
        stream = conn.makefile("rb")
        while line := stream.readline():
            self.commands.append(line)
            verb = line.strip().partition(b" ")[0].upper().decode("latin-1")
            if not self._answer(conn, verb) or verb == "QUIT":
                return
            if verb == "STARTTLS" and self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
                stream = conn.makefile("rb")
            if verb == "DATA" and self.script["DATA"].startswith(b"354"):
                if not self._read_body(stream):
                    return
                if not self._answer(conn, "verdict"):
                    return

    def _read_body(self, stream: object) -> bool:
        while line := stream.readline():  # type: ignore[attr-defined]
            if line == b".\r\n":
                return True
            self.body += line
            if self.drop_in_body and len(self.body) > self.drop_in_body:
                return False
        return False

    def _answer(self, conn: socket.socket, stage: str) -> bool:
        reply = self.script.get(stage, b"502 5.5.2 not here\r\n")
        if reply == DROP:
            return False
        if reply == SILENCE:
            self.over.wait(5)
            return False
        conn.sendall(reply)
        return True
