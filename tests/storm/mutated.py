"""The pytest plugin that takes a safeguard out before any test: `-p tests.storm.mutated`."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def mutated(django_db_setup: None, django_db_blocker: Any) -> None:
    from tests.storm import mutants  # Django is ready only now

    with django_db_blocker.unblock():
        mutants.take_out()
