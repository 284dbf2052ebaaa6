"""One child process: started on a tether, its lines read, stopped within a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from importlib import util
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")
TICK = 0.02

Listener = Callable[[str, str], None]


def tethered(death_signal: signal.Signals = signal.SIGKILL) -> list[str]:
    """The words in front of a command that shall not outlive us."""
    here = [sys.executable, "-I", "-S", str(TETHER)]
    return [*here, str(os.getpid()), str(int(death_signal))]


class CannotStart(RuntimeError):
    """A process did not come up; the message is for people."""


class Process:
    """A program that ends with us. `start()` only from a thread that lives as long as we do."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        listener: Listener | None = None,
        death_signal: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.env = env
        self.cwd = cwd
        self.lines: deque[str] = deque(maxlen=20)
        self._listener = listener
        self._death_signal = death_signal
        self._popen: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        self.lines.clear()
        self._popen = subprocess.Popen(  # noqa: S603  the caller is this project
            [*tethered(self._death_signal), *self.command],
            env=self.env,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=[self._popen], daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        if self._popen is None:
            raise CannotStart(f"{self.name} was not started")
        return self._popen.pid

    def running(self) -> bool:
        """Without reaping: as long as the pid is ours, nobody else can get it."""
        if self._popen is None or self._popen.returncode is not None:
            return False
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._popen.pid, flags) is None

    def send(self, number: signal.Signals) -> None:
        if self.running():
            os.kill(self.pid, number)

    def wait(self, limit: float) -> bool:
        """True when it has ended within `limit` seconds."""
        until = time.monotonic() + limit
        while self.running():
            if time.monotonic() > until:
                return False
            time.sleep(TICK)
        return True

    def stop(self, *, limit: float = 10, first: signal.Signals = signal.SIGTERM) -> bool:
        """Asks with `first`, waits `limit` seconds, then kills. True when asking was enough."""
        if self._popen is None:
            return True
        self.send(first)
        willing = self.wait(limit)
        self._finish()
        return willing

    def kill(self) -> None:
        """Ends it and all that it started, at once."""
        if self._popen is not None:
            self._finish()

    def ended(self) -> str:
        """How it ended, in words."""
        if self._popen is None or self.running():
            return "is running"
        code = self._popen.wait()
        if code >= 0:
            return f"ended with exit code {code}"
        with contextlib.suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
        return f"was killed by signal {-code}"

    def _finish(self) -> None:
        popen = self._popen
        if popen is None or popen.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()
        if self._reader is not None:
            self._reader.join(1)

    def _read(self, popen: subprocess.Popen[str]) -> None:
        for raw in popen.stdout or ():
            line = raw.rstrip("\n")
            self.lines.append(line)
            if self._listener is not None:
                self._listener(self.name, line)


def package(name: str) -> Path:
    spec = util.find_spec(name)
    if spec is None or spec.origin is None:
        raise CannotStart(f"{name} is not installed; run ./kept, which installs it")
    return Path(spec.origin).parent


def wait_until(
    ready: Callable[[], bool], process: Process, *, limit: float, what: str = "ready"
) -> None:
    """Waits for `ready()`; raises CannotStart with the process's last lines when it ends first."""
    until = time.monotonic() + limit
    while not ready():
        if not process.running():
            process.kill()
            raise CannotStart(f"{process.name} {process.ended()}{tail(process)}")
        if time.monotonic() > until:
            process.kill()
            raise CannotStart(f"{process.name} was not {what} within {limit:.0f} s{tail(process)}")
        time.sleep(TICK)


def tail(process: Process) -> str:
    """Its last lines, indented; empty when it said nothing."""
    return "".join(f"\n    {line}" for line in list(process.lines)[-12:])
