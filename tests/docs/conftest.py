"""The house in which a reader of the docs tries the commands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.docs.reader import House
from tests.docs.waiting import Waiting
from tests.journeys.scene import Scene
from tests.live import LiveSystem
from tests.sources import ROOT


@pytest.fixture(scope="session")
def waiting(
    live_processes: LiveSystem, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Waiting]:
    folder = tmp_path_factory.mktemp("w")
    one = Waiting(env=live_processes.env, folder=folder, root=ROOT)
    one.ready()
    yield one
    one.stop()


@pytest.fixture
def house(live_system: LiveSystem, waiting: Waiting) -> Iterator[House]:
    made = House(Scene(live_system), waiting)
    yield made
    made.close_copy()
    made.copies.close()
