"""`./kept up`: starts everything in order, shows one log, stops it in the opposite order."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from config import lineup, surroundings
from config.embedded import Servers
from config.processes import CannotStart, Process, tail, tethered

# What they say to nobody in particular; their last lines are shown whole when they die.
CHATTER = re.compile(r" LOG:  |FATAL:  the database system is starting|overcommit")
COLOURS = {"postgres": 34, "valkey": 35, "sink": 36, "worker": 32, "beat": 33, "web": 96}


class Log:
    """One log for all; the name before a line is coloured when somebody looks at a terminal."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        if not text.strip() or (name in {"postgres", "valkey"} and CHATTER.search(text)):
            return
        shown = f"{name:>8}"
        if self._coloured:
            shown = f"\033[{COLOURS.get(name, 90)}m{shown}\033[0m"
        self.say(f"{shown} | {text}")

    def say(self, text: str = "") -> None:
        with self._lock, contextlib.suppress(OSError):
            print(text, flush=True)


class Up:
    """What `./kept up` has started, in that order."""

    def __init__(self, *, port: int, demo: bool, var: Path) -> None:
        self.port = port
        self.var = var
        self.demo = demo
        self.log = Log()
        self.servers = Servers(var, listener=self.log.line)
        self.members: list[lineup.Member] = []
        self.env: dict[str, str] = {}

    def start(self) -> None:
        begun = time.monotonic()
        surroundings.prepare(self.var)
        self.servers.claim()
        own_sink = self.demo or "EMAIL_URL" not in os.environ
        smtp_port = lineup.free_port() if own_sink else None
        made = surroundings.settings(
            demo=self.demo, port=self.port, smtp_port=smtp_port, var=self.var
        )
        made |= self._start_servers()
        self.env = surroundings.around(made)
        surroundings.remember(made, self.var)
        self._run("migrate", ["migrate", "--noinput", "--verbosity", "0"])
        # The pages of the API's description are large and seldom opened: served where they lie.
        parts = ["--noinput", "--clear", "--ignore", "ninja", "--verbosity", "0"]
        self._run("static files", ["collectstatic", *parts])
        if smtp_port is not None:
            folder = self.var / "mail"
            self._add(lineup.sink(self.env, port=smtp_port, folder=folder, listener=self.log.line))
        self._run("plans", ["load_plans", "--if-empty"])
        if self.demo:
            self._run("demo", ["demo"])
        self._add(lineup.worker(self.env, listener=self.log.line))
        schedule = self.var / "beat-schedule"
        self._add(lineup.beat(self.env, schedule=schedule, listener=self.log.line))
        self._add(lineup.web(self.env, port=self.port, listener=self.log.line))
        self._welcome(time.monotonic() - begun)

    def watch(self) -> None:
        """Returns never; raises CannotStart when one of ours dies."""
        while True:
            for process in self._processes():
                if not process.running():
                    raise CannotStart(f"{process.name} {process.ended()}{tail(process)}")
            time.sleep(0.2)

    def stop(self) -> None:
        for member in reversed(self.members):
            with self._timed(f"{member.process.name} stopped", f"stopping {member.process.name}"):
                if not member.stop():
                    self.log.say(f"         {member.process.name} did not stop in time: killed")
        with self._timed("Valkey and PostgreSQL stopped", "stopping Valkey and PostgreSQL"):
            self.servers.stop()

    def kill(self) -> None:
        for process in reversed(self._processes()):
            process.kill()
        self.servers.release()

    def _start_servers(self) -> dict[str, str]:
        missing = [name for name in surroundings.ADDRESSES if name not in os.environ]
        if not missing:
            return {}
        with self._timed("own servers ready (" + ", ".join(missing) + " not set)"):
            urls = self.servers.start(
                postgres="DATABASE_URL" in missing, valkey="REDIS_URL" in missing
            )
        return {name: url for name, url in zip(surroundings.ADDRESSES, urls, strict=True) if url}

    def _add(self, member: lineup.Member) -> None:
        self.members.append(member)
        with self._timed(f"{member.process.name} ready"):
            member.start()

    def _run(self, name: str, arguments: list[str]) -> None:
        """A step that ends, with its lines in the log."""
        words = ["manage.py", *arguments]
        process = lineup.python(name, words, self.env, self.log.line)
        with self._timed(f"{name} done"):
            process.start()
            try:
                while not process.wait(0.5):
                    pass
            finally:
                process.kill()
        if process.ended() != "ended with exit code 0":
            raise CannotStart(f"{name} {process.ended()}{tail(process)}")

    def _processes(self) -> list[Process]:
        servers = [self.servers.postgres, self.servers.valkey]
        own = [server.process for server in servers if server is not None and server.process]
        return own + [member.process for member in self.members]

    @contextlib.contextmanager
    def _timed(self, done: str, before: str = "") -> Iterator[None]:
        if before:
            self.log.say(f"         {before} …")
        begun = time.monotonic()
        yield
        self.log.say(f"[{time.monotonic() - begun:5.1f} s] {done}")

    def _welcome(self, seconds: float) -> None:
        self.log.say(f"[{seconds:5.1f} s] everything is ready\n")
        base = self.env["BASE_URL"]
        self.log.say(f"Kept is at {base}/")
        if self.demo:
            words = [sys.executable, "manage.py", "demo_logins"]
            run = subprocess.run(
                words, env=self.env, cwd=lineup.ROOT, capture_output=True, text=True, check=False
            )
            self.log.say(run.stdout.rstrip() or run.stderr.rstrip())
            self.log.say(f"Mails stay on this machine; read them at {base}/demo/mail/")
            self.log.say(f"New here? Log in, then follow the five-minute tour: {base}/demo/tour/")
        self.log.say(f"Ctrl-C stops everything; the data stay in {self.var}\n")


class Interrupts:
    """The first Ctrl-C (or TERM, or a closed terminal) stops in order, the second one at once."""

    def __init__(self, at_once: Callable[[], None]) -> None:
        self._at_once = at_once
        self._seen = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._received)

    def close(self) -> None:
        """From here on we are stopping anyway."""
        self._seen = True

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self._seen:
            self._at_once()
            os._exit(130)
        self._seen = True
        raise KeyboardInterrupt


def up(*, port: int, demo: bool, var: Path = surroundings.VAR) -> int:
    if not lineup.port_is_free(port):
        print(
            f"Port {port} is in use on this machine. Nothing was started."
            f" Choose another one: ./kept up --port {port + 1 if port < 65535 else 8000}",
            file=sys.stderr,
        )
        return 1
    launcher = Up(port=port, demo=demo, var=var)
    interrupts = Interrupts(launcher.kill)
    try:
        launcher.start()
        launcher.watch()
    except KeyboardInterrupt:
        launcher.log.say()
        return 0
    except CannotStart as error:
        launcher.log.say(f"\n{error}\n")
        return 1
    finally:
        interrupts.close()
        launcher.stop()
    return 0


def manage(arguments: list[str]) -> int:
    """`manage.py` with its servers behind it, in the folder the caller stands in."""
    words = [*tethered(), sys.executable, str(lineup.ROOT / "manage.py"), *arguments]
    with surroundings.servers_for_a_command() as env, _patient():
        return subprocess.run(words, env=env, check=False).returncode


@contextlib.contextmanager
def _patient() -> Iterator[None]:
    """Ctrl-C reaches the command too; we wait for its end and then stop the servers."""
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {text!r}")
    return int(text)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["manage"]:
        return manage(arguments[1:])
    width = shutil.get_terminal_size().columns
    parser = argparse.ArgumentParser(
        prog="./kept up",
        description="Starts Kept on this machine.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=width),
    )
    parser.add_argument("--port", type=_port, default=8000, help="8000 when not given")
    parser.add_argument("--no-demo", action="store_true", help="no demo data, log-ins and clock")
    parser.add_argument("--data", type=Path, default=surroundings.VAR, help="var/ when not given")
    asked = parser.parse_args(arguments[1:])
    return up(port=asked.port, demo=not asked.no_demo, var=asked.data.resolve())


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except CannotStart as problem:
        sys.exit(str(problem))
