"""What all tests share: the test database, the live system, the browser."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from crm import policies
from offers import channels
from tests.cast import Cast, Relay, assemble
from tests.live import LiveSystem

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REQUIRED = os.environ.get("KEPT_BROWSER_REQUIRED") == "1"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--storm-seconds", default=30, type=float, help="how long tests/storm storms")
    parser.addoption("--seed", default=11, type=int, help="what the storm's faults are drawn from")
    parser.addoption(
        "--checks", default=2_000, type=int, help="questions in test_gate_histories.py"
    )
    parser.addoption("--canaries", default=3, type=int, help="people in test_canaries.py")
    parser.addoption("--rungs", default=1_500, type=int, help="in test_escalation_crowds.py")
    parser.addoption("--stories", default=30, type=int, help="in test_state_machine.py")
    parser.addoption("--rounds", default=5, type=int, help="rounds in test_gate_crowds.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs a browser, and puts it last.

    The live system's sweeps would touch the rows of other tests that commit, and an open
    browser leaves an event loop behind, in which Django refuses the database.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "browser" in fixtures and item.get_closest_marker("browser") is None:
            item.add_marker("browser")
        if item.get_closest_marker("browser") and CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="no Chromium (Debian's package: chromium)"))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.get_closest_marker("browser"):
        return 2
    return int("live_system" in getattr(item, "fixturenames", ()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With KEPT_BROWSER_REQUIRED=1 a browser test that is skipped has failed.

    A failed one on the live system also tells what its processes said last.
    """
    report: Any = yield
    system = getattr(item, "funcargs", {}).get("live_system")
    if report.failed and system is not None:
        report.sections.append(("the live system", system.said()))
    if REQUIRED and report.skipped and item.get_closest_marker("browser"):
        report.outcome = "failed"
        report.longrepr = f"skipped, although KEPT_BROWSER_REQUIRED=1: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Our own connections may empty append-only tables between tests; nobody else's may."""
    options = connection.settings_dict["OPTIONS"]
    given = options.get("options", "")
    options["options"] = f"{given} -c kept.flush=allowed".strip()


@pytest.fixture(scope="session")
def live_processes(django_db_setup: None) -> Iterator[LiveSystem]:
    system = LiveSystem(connection.settings_dict["NAME"])
    try:
        yield system
    finally:
        system.stop()


@pytest.fixture
def live_system(live_processes: LiveSystem, transactional_db: None) -> Iterator[LiveSystem]:
    """Sink, worker, beat and web on the test database; its mailbox is empty."""
    live_processes.mailbox.clear()
    live_processes.wake()
    yield live_processes
    live_processes.sleep()


@pytest.fixture(scope="session")
def base_url() -> str:
    """Playwright's pages open addresses relative to this one."""
    return str(settings.BASE_URL)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    # Playwright's loop runs on in this thread until the session ends (see the order above).
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(autouse=True)
def presets_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process remembers what another test activated at the same instant."""
    monkeypatch.setattr(policies._Memory, "known", policies._Known())


@pytest.fixture
def cast(db: None) -> Cast:
    """The standing cast (tests/cast.py)."""
    return assemble()


@pytest.fixture
def relay(monkeypatch: pytest.MonkeyPatch) -> Relay:
    """The e-mail channel with a scripted border instead of a network."""
    scripted = Relay()
    channel = dataclasses.replace(channels.CHANNELS["email"], carry=scripted.carry)
    monkeypatch.setitem(channels.CHANNELS, "email", channel)
    return scripted
