"""Every journey plays on the live system."""

from __future__ import annotations

import pytest

from tests.journeys.scene import Scene
from tests.live import LiveSystem


@pytest.fixture
def scene(live_system: LiveSystem) -> Scene:
    return Scene(live_system)
