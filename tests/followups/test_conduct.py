"""The conduct sweep: every call to sell gets its verdict once, however late it is known."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction

from crm import calls
from crm.models import Attempt, Campaign
from followups import conduct
from followups.models import Conduct, ConductMark
from tests.cast import DAY, HOUR, MINUTE, START, SYSTEM, Cast, assemble, call_of
from tests.followups.scenes import promised
from tests.followups.test_watchdog import found as wrong
from tests.races import Thread

LATER = START + DAY


def rang(cast: Cast, **more: Any) -> Attempt:
    facts = {"customer": cast.dupont, "at": LATER} | more
    call = call_of(cast.bram, facts.pop("customer"), **facts)
    return calls.log(call=call, by=SYSTEM, at=LATER + MINUTE).attempt


def swept(at: datetime = LATER) -> int:
    """How many calls were looked at until there was none left."""
    found = 0
    while moved := conduct.judge(at=at):
        found += moved
    return found


def test_every_outbound_call_to_sell_is_judged_and_no_other(cast: Cast) -> None:
    wanted = {rang(cast).pk, rang(cast, purpose="survey").pk}
    rang(cast, direction="inbound")
    rang(cast, purpose="service")
    rang(cast, purpose="callback")
    assert swept() == 2
    assert {*Conduct.objects.values_list("pk", flat=True)} == wanted
    assert swept() == 0


@pytest.mark.parametrize("size", [1, 2, 3])
def test_batches_of_any_size_judge_them_all(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(conduct, "BATCH", size)
    for _round in range(2):
        before = Conduct.objects.count()
        for _call in range(5):
            rang(cast)
        assert swept() >= 5
        assert Conduct.objects.count() == before + 5


def test_history_that_is_older_than_what_was_judged_is_judged_too(cast: Cast) -> None:
    promised(cast)
    rang(cast)
    swept()
    old = rang(cast, at=START - 300 * DAY)
    then = rang(cast, at=START + 5 * HOUR)
    swept()
    assert [Conduct.objects.get(attempt=call).in_spite for call in (old, then)] == [
        [],
        ["open_promise"],
    ]


@pytest.fixture
def lasting(transactional_db: None) -> Cast:
    """The cast, committed: what one transaction writes, another one judges."""
    return assemble()


def test_a_call_that_commits_late_is_judged_all_the_same(lasting: Cast) -> None:
    cast = lasting
    rang(cast)
    swept()
    written, go = threading.Event(), threading.Event()

    def slow() -> int:
        with transaction.atomic():
            attempt = rang(cast, customer=None, number="+32470999998")
            written.set()
            assert go.wait(30)
        return attempt.pk

    thread = Thread(slow)
    assert written.wait(30)
    quick = rang(cast)
    swept()
    swept()
    assert Conduct.objects.filter(attempt=quick).exists()
    go.set()
    late = thread.answer()
    assert late < quick.pk
    assert not Conduct.objects.filter(attempt=late).exists()
    swept()
    assert Conduct.objects.filter(attempt=late).exists()


def test_a_restored_database_is_looked_through_as_a_whole(cast: Cast) -> None:
    """Another server counts its transactions anew: the calls that came along lie in its future."""
    rang(cast)
    swept()
    late, known = rang(cast), Conduct.objects.get()
    Attempt.objects.filter(pk=late.pk).update(xact=2**60)
    assert swept() == 0, "no transaction of this server"
    ConductMark.objects.update(house=1, xact=2**61)
    assert swept() == 1
    assert Conduct.objects.exclude(pk=known.pk).get().pk == late.pk
    mark = ConductMark.objects.get()
    assert not mark.whole and mark.house != 1 and mark.xact < 2**60
    assert swept() == 0
    rang(cast)
    assert swept() == 1


def test_a_call_that_cannot_be_judged_stops_no_other_and_is_tried_again(cast: Cast) -> None:
    mars = Campaign.objects.create(slug="mars", name="mars", policy="mars")
    bad, good = rang(cast, campaign=mars), rang(cast)
    swept()
    assert Conduct.objects.get(attempt=good).asked == "none"
    failed = Conduct.objects.get(attempt=bad)
    assert (failed.asked, failed.failures, failed.next_try_at) == ("", 1, LATER + conduct.WAIT)
    assert swept(LATER + conduct.WAIT - MINUTE) == 0
    Campaign.objects.update(policy="none")
    assert swept(LATER + conduct.WAIT) == 1
    mended = Conduct.objects.get(attempt=bad)
    assert (mended.asked, mended.failures, mended.next_try_at) == ("none", 0, None)


def test_a_call_that_never_can_be_judged_is_given_up_and_told(cast: Cast) -> None:
    mars = Campaign.objects.create(slug="mars", name="mars", policy="mars")
    rang(cast, campaign=mars)
    for turn in range(conduct.MOST_TRIES):
        assert not conduct.unjudged().exists()
        swept(LATER + turn * conduct.WAIT)
    assert conduct.unjudged().count() == 1
    assert wrong(at=LATER) == {"unjudged_call": 1}


def test_two_sweeps_at_once_do_the_work_once(lasting: Cast) -> None:
    rang(lasting)
    begun, go = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            assert conduct._alone()
            begun.set()
            assert go.wait(30)

    thread = Thread(other)
    assert begun.wait(30)
    assert conduct.judge(at=LATER) == 0
    go.set()
    thread.answer()
    assert conduct.judge(at=LATER) == 1


def test_what_was_asked_may_be_told_late_and_the_call_is_judged_again(lasting: Cast) -> None:
    cast = lasting
    call = call_of(cast.bram, cast.dupont, at=LATER, source="dialer", external_id="1", result="")
    attempt = calls.log(call=call, by=SYSTEM, at=LATER).attempt
    swept()
    said = {"source": "dialer", "external_id": "1", "scrub_id": uuid.uuid4()}
    more = call_of(cast.bram, cast.dupont, at=LATER, **said)
    assert calls.log(call=more, by=SYSTEM, at=LATER).revised
    before = Conduct.objects.get().xact
    assert swept() == 1
    assert Attempt.objects.get().scrub_id == said["scrub_id"]
    assert Conduct.objects.get(attempt=attempt).xact > before


def test_how_a_call_ended_changes_nothing_in_its_verdict(lasting: Cast) -> None:
    cast = lasting
    said: dict[str, Any] = {"source": "dialer", "external_id": "1", "at": LATER}
    calls.log(call=call_of(cast.bram, cast.dupont, result="", **said), by=SYSTEM, at=LATER)
    swept()
    calls.log(call=call_of(cast.bram, cast.dupont, **said), by=SYSTEM, at=LATER)
    assert Attempt.objects.get().result == "answered"
    assert swept() == 0


def test_a_call_counts_for_its_team_else_the_campaign_s_else_the_customer_s(cast: Cast) -> None:
    theirs = Campaign.objects.create(slug="c", name="c", team=cast.gent)

    def of(**more: Any) -> object:
        call = call_of(None, more.pop("customer", cast.dupont), at=LATER, **more)  # type: ignore[arg-type]
        attempt = calls.log(call=call, by=SYSTEM, at=LATER).attempt
        swept()
        return Conduct.objects.get(attempt=attempt).team

    assert of(team=cast.gent) == cast.gent
    assert of(campaign=theirs) == cast.gent
    assert of() == cast.liege
    assert of(customer=None, number="+32470999998") is None


def test_the_team_that_called_may_become_known_later(lasting: Cast) -> None:
    cast = lasting
    said: dict[str, Any] = {"source": "dialer", "external_id": "1", "at": LATER}
    nobody = call_of(None, cast.dupont, result="", **said)  # type: ignore[arg-type]
    calls.log(call=nobody, by=SYSTEM, at=LATER)
    swept()
    assert Conduct.objects.get().team == cast.liege
    calls.log(call=call_of(cast.bram, cast.dupont, **said), by=SYSTEM, at=LATER)
    swept()
    assert Conduct.objects.get().team == cast.gent
