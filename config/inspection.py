"""`./kept check`: every question that a machine can ask this project, one after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from config.embedded import Servers
from config.lineup import ROOT
from config.processes import CannotStart

CODE = ["config", "crm", "offers", "followups", "manage.py"]
MANAGE = [sys.executable, "manage.py"]
STEPS = {
    "style": [sys.executable, "-m", "ruff", "check", ".", "kept"],
    "format": [sys.executable, "-m", "ruff", "format", "--check", ".", "kept"],
    "types": [sys.executable, "-m", "mypy", *CODE],
    "migrations": [*MANAGE, "makemigrations", "--check", "--dry-run"],
    "deployment": [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"],
    "translations": [*MANAGE, "check_translations"],
    "docs": [*MANAGE, "check_docs"],
}
# As on a real machine: the checks of Django and ours must find nothing to say about these.
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DEBUG": "0",
    "BASE_URL": "https://kept.example",
    "ALLOWED_HOSTS": "kept.example",
    "SECRET_KEY": "not-a-secret-but-long-and-varied-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "HASH_PEPPER": "not-a-pepper-but-long-and-varied-0123456789",
    "EMAIL_URL": "smtp://mail.kept.example:587",
    "MAIL_FROM": "offers@kept.example",
    "REPLY_ADDRESS": "answers@kept.example",
    "BOUNCE_ADDRESS": "bounce@kept.example",
    "BOUNCE_INTAKE": "pipe",
}


def surroundings(addresses: tuple[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "KEPT_DEMO"}
    database_url, redis_url = addresses
    return inherited | PRODUCTION | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}


def ask(name: str, command: list[str], env: dict[str, str]) -> bool:
    """Runs one step; shows what it says only when it found something."""
    begun = time.monotonic()
    run = subprocess.run(  # noqa: S603  the steps above
        command,
        cwd=ROOT,
        env=env,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    verdict = "ok" if run.returncode == 0 else "NOT OK"
    say(f"[{time.monotonic() - begun:5.1f} s] {name}: {verdict}")
    if run.returncode != 0:
        say("\n".join(f"    {line}" for line in run.stdout.splitlines()))
    return run.returncode == 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="kept-check-") as folder:
        servers = Servers(Path(folder), durable=False)
        try:
            env = surroundings(servers.start())
            failed = [name for name, command in STEPS.items() if not ask(name, command, env)]
        finally:
            servers.stop()
    say(f"not ok: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotStart as problem:
        sys.exit(str(problem))
