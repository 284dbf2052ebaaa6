"""The presets as they limit calls, without what needs a ledger: lists and consent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from crm import policies
from followups import rulings


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No preset asks for a national list or a consent, so that its other limits can be seen."""
    bare = {"lists": (), "consent": None}
    found = {
        name: tuple(replace(v, rules=v.rules.model_copy(update=bare)) for v in versions)
        for name, versions in policies.installed().items()
    }
    monkeypatch.setattr(policies, "installed", lambda: found)
    monkeypatch.setattr(rulings, "_LAST", {})
    # Two policies of one label are the same, but for here.
    rulings._rules.cache_clear()
    yield
    rulings._rules.cache_clear()
