"""The pytest plugin that starts throw-away servers, before pytest-django reads the settings.

`DATABASE_URL` and `REDIS_URL` of the caller are honoured. Workers of xdist share both servers:
each has its own test database and its own database number in Valkey.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from config.embedded import Servers, discard_stale
from config.lineup import LOOPBACK, free_port

PREFIX = "kept-test-"
PRETEND = {
    "KEPT_DEMO": "1",
    "DEBUG": "0",
    "ALLOWED_HOSTS": f"{LOOPBACK},localhost,testserver",
    "SECRET_KEY": "only-for-tests-" * 5,
    "HASH_PEPPER": "only-for-tests-" * 3,
    "MAIL_FROM": "offers@kept.example",
    "REPLY_ADDRESS": "answers@kept.example",
    "BOUNCE_ADDRESS": "bounce@kept.example",
}
SERVERS: list[Servers] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        _start()
    else:
        number = int(worker.removeprefix("gw")) + 1
        os.environ["REDIS_URL"] = with_database(os.environ["REDIS_URL"], number)
    os.environ.update(PRETEND)
    os.environ["BASE_URL"] = f"http://{LOOPBACK}:{free_port()}"
    os.environ["EMAIL_URL"] = f"smtp://{LOOPBACK}:{free_port()}"
    os.environ["STATIC_ROOT"] = str(Path(os.environ["KEPT_TEST_FOLDER"]) / "nothing-collected")
    os.environ["SINK_DIR"] = str(Path(os.environ["KEPT_TEST_FOLDER"]) / f"mail-{worker or 'main'}")


def pytest_unconfigure(config: pytest.Config) -> None:
    while SERVERS:
        servers = SERVERS.pop()
        servers.stop()
        shutil.rmtree(servers.folder, ignore_errors=True)


def with_database(address: str, name: str | int) -> str:
    """The address with another database in it (`urllib` forgets the slashes of an empty host)."""
    scheme, _, rest = address.partition("://")
    before, mark, query = rest.partition("?")
    if scheme == "unix":
        return f"{scheme}://{before}?db={name}"
    host = before.partition("/")[0]
    return f"{scheme}://{host}/{name}{mark}{query}"


def _start() -> None:
    discard_stale(Path(tempfile.gettempdir()), PREFIX)
    servers = Servers(Path(tempfile.mkdtemp(prefix=PREFIX)), durable=False, max_connections=200)
    SERVERS.append(servers)
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if name not in os.environ]
    urls = servers.start(postgres="DATABASE_URL" in missing, valkey="REDIS_URL" in missing)
    for name, url in zip(("DATABASE_URL", "REDIS_URL"), urls, strict=True):
        os.environ.setdefault(name, url)
    os.environ["KEPT_TEST_FOLDER"] = str(servers.folder)
