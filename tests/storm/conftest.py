"""The storm and its twin: how long, from which seed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.storm import house


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes waits until it is asked for with `-m mutants`."""
    if "mutants" in (config.getoption("markexpr") or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("asked")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def storm_template() -> Iterator[str]:
    """The name of a migrated, empty database."""
    name = f"kept_storm_{os.getpid()}"
    try:
        house.migrated(name)
        yield name
    finally:
        house.drop(name)


@pytest.fixture
def storm_seconds(pytestconfig: pytest.Config) -> float:
    return float(pytestconfig.getoption("--storm-seconds"))


@pytest.fixture
def seed(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("--seed"))
