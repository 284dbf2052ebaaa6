"""Many promises at once: what throws for one is told, and does not stop the others."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest

from crm.actors import Actor
from followups import bulk, plans, promises
from followups.models import Promise, PromiseEvent
from tests.cast import START, Cast, call_and_promise
from tests.followups.scenes import promised


def test_one_that_throws_is_told_and_changes_nothing_and_the_others_are_done(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = promised(cast), call_and_promise(cast.bram, cast.dupont)

    def advance(*, promise: Promise, by: Actor, at: datetime) -> Any:
        promises.note(promise=promise, cause="sent_on", by=by, at=at, reason="written")
        if promise.pk == bad.pk:
            raise RuntimeError("a row that nobody thought of")
        return SimpleNamespace(channel="email")

    monkeypatch.setattr(bulk, "_may_be_sent", lambda *args, **kwargs: None)
    monkeypatch.setattr(plans, "advance", advance)
    before = PromiseEvent.objects.filter(promise=bad).count()
    by = Actor.person(cast.chloe)
    found = bulk.send_on(chosen=[bad, good], reason="a storm", by=by, at=START)
    assert [(one.promise, one.done) for one in found] == [(bad, False), (good, True)], found
    assert "nothing of it was changed" in found[0].words and "RuntimeError" not in found[0].words
    assert PromiseEvent.objects.filter(promise=bad).count() == before
    assert [record.promise for record in caplog.records if record.name == "kept.bulk"] == [  # type: ignore[attr-defined]
        bad.reference
    ]
