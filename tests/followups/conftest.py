"""The presets without what needs a ledger (lists, consent), and the mail server of the staff."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from crm import policies
from followups import rulings
from offers.channels import smtp
from tests.followups.post import Post


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


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    """Takes every mail to the people of the house, as long as its outcome says so."""
    office = Post()
    monkeypatch.setattr(smtp, "transmit", office.transmit)
    return office
