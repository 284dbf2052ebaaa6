"""The same scenes as the tests of pages and of the API have."""

from __future__ import annotations

from tests.api.conftest import scene
from tests.pages.conftest import enter, monday

__all__ = ["enter", "monday", "scene"]
