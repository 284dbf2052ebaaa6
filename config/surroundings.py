"""What the front door puts into the environment, so that nobody has to write settings first."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg

from config.embedded import Held, Servers
from config.lineup import LOOPBACK, ROOT
from config.processes import CannotStart

VAR = ROOT / "var"
ADDRESSES = ("DATABASE_URL", "REDIS_URL")


def secret_file(path: Path) -> Path:
    """A secret made once, readable by its owner only."""
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
    return path


def settings(*, demo: bool, port: int, smtp_port: int | None, var: Path = VAR) -> dict[str, str]:
    """The variables that `up` gives to every process. In the demo no mail can leave the machine."""
    made = {
        "DEBUG": "0",
        "BASE_URL": f"http://{LOOPBACK}:{port}",
        "ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "MAIL_FROM": "offers@kept.example",
        "REPLY_ADDRESS": "answers@kept.example",
        "BOUNCE_ADDRESS": "bounce@kept.example",
        "SINK_DIR": str(var / "mail"),
        "FORGOTTEN_LIST": str(var / "forgotten.csv"),
    }
    if smtp_port is not None:
        made["EMAIL_URL"] = f"smtp://{LOOPBACK}:{smtp_port}"
    if demo:
        made |= {"KEPT_DEMO": "1", "CANARY_ADDRESS": "canary@nowhere.example"}
    else:
        made = {name: value for name, value in made.items() if name not in os.environ}
    for name in ("SECRET_KEY", "HASH_PEPPER"):
        if name not in os.environ and f"{name}_FILE" not in os.environ:
            made[f"{name}_FILE"] = str(secret_file(var / name.lower()))
    return made


def around(made: Mapping[str, str]) -> dict[str, str]:
    """Our environment with what was made; KEPT_DEMO only when it was."""
    outside = {name: value for name, value in os.environ.items() if name != "KEPT_DEMO"}
    return outside | dict(made) | {"DJANGO_SETTINGS_MODULE": "config.settings"}


def remember(made: Mapping[str, str], var: Path = VAR) -> None:
    """For `./kept <command>` in another window, and after `up` has ended."""
    fresh = var / "environment.json.new"
    fresh.write_text(json.dumps(dict(made), indent=1))
    fresh.chmod(0o600)
    fresh.replace(var / "environment.json")


def remembered(var: Path = VAR) -> dict[str, str]:
    """What the last `up` made; the demo's on port 8000 when there was none."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        made: dict[str, str] = json.loads((var / "environment.json").read_text())
        return made
    prepare(var)
    return settings(demo=True, port=8000, smtp_port=25, var=var)


def prepare(var: Path = VAR) -> None:
    try:
        var.mkdir(mode=0o700, exist_ok=True)
        (var / "mail").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"cannot write in {var}: {error.strerror}") from error


@contextlib.contextmanager
def servers_for_a_command(var: Path = VAR) -> Iterator[dict[str, str]]:
    """The environment with servers behind it: those given, those of a running `up`, or own ones."""
    prepare(var)
    missing = [name for name in ADDRESSES if name not in os.environ]
    servers = Servers(var)
    try:
        addresses = _own_or_running(servers, missing)
        made = {name: value for name, value in remembered(var).items() if name not in ADDRESSES}
        yield around(made | addresses)
    finally:
        servers.stop()


def _own_or_running(servers: Servers, missing: list[str], limit: float = 60) -> dict[str, str]:
    """Waits while another command has its servers up: they go when it goes."""
    until = time.monotonic() + limit
    while True:
        try:
            return _start(servers, missing)
        except Held:
            made = remembered(servers.folder)
            if _reachable(made.get("DATABASE_URL", "")):
                return {name: made[name] for name in missing if name in made}
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def _start(servers: Servers, missing: list[str]) -> dict[str, str]:
    if not missing:
        return {}
    started = servers.start(postgres="DATABASE_URL" in missing, valkey="REDIS_URL" in missing)
    return {name: url for name, url in zip(ADDRESSES, started, strict=True) if url}


def _reachable(database_url: str) -> bool:
    try:
        psycopg.connect(database_url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return bool(database_url)
