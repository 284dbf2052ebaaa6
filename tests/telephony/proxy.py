"""Kamailio with the configuration of contrib/kamailio, and gates that misbehave."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from config.lineup import LOOPBACK, ROOT
from config.processes import Process, tail
from tests.telephony.programs import Programs
from tests.telephony.sipp import Ends, free_udp_port, wait_for_udp

SHIPPED = ROOT / "contrib" / "kamailio"
SITE = """#!substdef "!LISTEN_ON!udp:{host}:{proxy}!g"
#!substdef "!DIALERS!{dialers}!g"
#!substdef "!TRUNK!{host}:{carrier}!g"
#!substdef "!GATE_API!{api}!g"
#!substdef "!SOURCE!kamailio!g"
#!substdef "!EVENTS_API!{events}!g"
#!substdef "!EMERGENCY_NUMBERS!([+]32|0032)?112|100|101!g"
#!define GATE_TIMEOUT 1
#!define GATE_PAUSE 30
#!define CHILDREN 2
{more}
"""
STATUS = {"broken": 500, "locked": 401, "puzzled": 422}


@contextlib.contextmanager
def proxy(
    programs: Programs,
    folder: Path,
    *,
    api: str,
    events: str = "",
    dialers: str = "127.0.0.0/8",
    more: str = "",
) -> Iterator[Ends]:
    """The shipped configuration on free ports of loopback, in front of `api`."""
    ends = Ends(programs, folder, proxy_port=free_udp_port(), carrier_port=free_udp_port())
    shutil.copy(SHIPPED / "kamailio.cfg", folder / "kamailio.cfg")
    site = SITE.format(
        host=LOOPBACK,
        proxy=ends.proxy_port,
        carrier=ends.carrier_port,
        dialers=dialers,
        api=api,
        events=events or api,
        more=more,
    )
    (folder / "site.cfg").write_text(site)
    kamailio = Process(
        "kamailio",
        [
            *(programs.kamailio, "-DD", "-E", "-f", str(folder / "kamailio.cfg")),
            *("-L", str(programs.modules), "-Y", str(folder), "-m", "64"),
        ],
        env=programs.env,
    )
    kamailio.start()
    try:
        wait_for_udp(ends.proxy_port)
        yield ends
        assert kamailio.running(), tail(kamailio)
    finally:
        kamailio.stop(limit=5)


@dataclass
class FakeGate:
    """A gate that answers as it is told, and remembers what it was asked."""

    manner: str = "well"
    deaf: bool = False  # for events only
    answer: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def api(self) -> str:
        return f"http://id:secret@{LOOPBACK}:{self.port}/api/v1"

    def reply(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        if path.endswith("/call-events?source=kamailio"):
            return self._told(body)
        self.asked.append(body)
        if self.manner == "slow":
            time.sleep(1.6)
        if self.manner in STATUS:
            return STATUS[self.manner], b"{}"
        if self.manner == "garbled":
            return 200, b"<html>It works!</html>"
        return 200, json.dumps(self.answer).encode()

    def _told(self, event: dict[str, Any]) -> tuple[int, bytes]:
        self.events.append(event)
        if self.deaf:
            return 503, b"{}"
        self.heard.append(event)
        return 200, b"{}"


@contextlib.contextmanager
def fake_gate() -> Iterator[FakeGate]:
    gate = FakeGate()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = gate.reply(self.path, body)
            with contextlib.suppress(OSError):  # who asked does not wait for ever
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    gate.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
