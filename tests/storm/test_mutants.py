"""Each safeguard is missed: without it a test of the suite is red. All of them with -m mutants."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from config import lineup
from tests.servers import with_database
from tests.storm import house
from tests.storm.mutants import KNOWN, Mutant

pytestmark = [pytest.mark.storm, pytest.mark.mutants]
ALWAYS = ("no_compare_and_set", "no_customer_lock")  # in every run of the suite
ASKED = tuple(sorted(set(KNOWN) - set(ALWAYS)))


@pytest.fixture
def database(storm_template: str) -> Iterator[str]:
    """The name that settings get; the tests run in `test_` and this name."""
    name = f"kept_mutant_{os.getpid()}"
    house.create(f"test_{name}", template=storm_template)
    try:
        yield name
    finally:
        house.drop(f"test_{name}")


def run(mutant: Mutant, *, database: str, without: str) -> str:
    """What pytest prints of this mutant's test."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {"DATABASE_URL": with_database(env["DATABASE_URL"], database), "KEPT_MUTANTS": without}
    words = ["-m", "pytest", mutant.red, *mutant.more, "-p", "tests.storm.mutated", "--reuse-db"]
    done = subprocess.run(
        [sys.executable, *words, "-q", "-ra", "-p", "no:cacheprovider"],
        env=env,
        cwd=lineup.ROOT,
        text=True,
        capture_output=True,
        timeout=240,
    )
    return done.stdout + done.stderr


def missed(name: str, database: str) -> None:
    mutant = KNOWN[name]
    said = run(mutant, database=database, without=name)
    assert f"FAILED {mutant.red}" in said, said
    assert "ERROR at setup" not in said, said


@pytest.mark.parametrize("name", ALWAYS)
def test_what_is_taken_out_is_missed(name: str, database: str) -> None:
    missed(name, database)


@pytest.mark.asked
@pytest.mark.parametrize("name", ASKED)
def test_whatever_else_is_taken_out_is_missed_too(name: str, database: str) -> None:
    missed(name, database)


def test_with_everything_in_place_the_same_test_is_green(database: str) -> None:
    said = run(KNOWN[ALWAYS[0]], database=database, without="")
    assert "1 passed" in said, said
