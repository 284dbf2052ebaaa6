"""Only when asked for by `-m telephony`, and only where Kamailio and SIPp are."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config import clock
from crm import call_sources
from tests.cast import SYSTEM
from tests.journeys.scene import Scene
from tests.live import LiveSystem
from tests.telephony import programs
from tests.telephony.programs import Missing, Programs
from tests.telephony.proxy import FakeGate, fake_gate, proxy
from tests.telephony.sipp import Ends


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Nobody's ordinary run starts a telephone exchange."""
    if "telephony" in (config.getoption("markexpr") or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("telephony")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def found() -> Programs:
    try:
        return programs.find()
    except Missing as reason:
        pytest.skip(f"{reason}; or unpacked under {programs.VARIABLE}")


@dataclass
class Stage:
    """A scene of the journeys with a proxy in front of its gate."""

    scene: Scene
    ends: Ends


@pytest.fixture
def stage(found: Programs, live_system: LiveSystem, tmp_path: Path) -> Iterator[Stage]:
    scene = Scene(live_system)
    scene.to_working_morning()
    key_id = scene.secret.split("_")[1]
    plain = call_sources.dialect(call_sources.SHIPPED / "plain.json")
    reporting = call_sources.add(
        name="kamailio",
        dialect=dataclasses.replace(plain, scheme="basic", door={}),
        zone="UTC",
        region="BE",
        by=SYSTEM,
        at=clock.now(),
    )
    at = live_system.base_url.removeprefix("http://")
    asking = f"http://{key_id}:{scene.secret}@{at}/api/v1"
    telling = f"http://kamailio:{reporting.secret}@{at}/api/v1"
    with proxy(found, tmp_path, api=asking, events=telling) as ends:
        yield Stage(scene, ends)


@pytest.fixture
def gate() -> Iterator[FakeGate]:
    with fake_gate() as gate:
        yield gate
