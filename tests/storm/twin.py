"""Settings of the naive twin: the product, with the mutants named in KEPT_MUTANTS put in."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.storm.mutants.Mutants"]
