"""What is counted: the middle, the rates, spans in words; cells and figures say the same."""

from __future__ import annotations

import statistics
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followups.board import causes, cells, counts, numbers, rollups, wanted
from followups.board.counts import Day, Open, Redundant, Spread
from followups.board.wanted import Wanted
from followups.telling import CAUSES
from tests.cast import DAY, START, Cast, Relay
from tests.followups.scenes import proven

TEAMS = Wanted(teams=(1,), strays=False)
NONE = Spread({}, {}, {})


@given(st.dictionaries(st.integers(0, 500), st.integers(1, 9), min_size=1))
def test_the_middle_of_counted_values_is_the_lower_median(values: dict[int, int]) -> None:
    spelt = [value for value, count in values.items() for _time in range(count)]
    assert counts.median(values) == statistics.median_low(spelt)


def test_nothing_has_no_middle() -> None:
    assert counts.median({}) is None


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, 5_000))
def test_the_kept_rate_is_hidden_below_ten_and_never_rounded_up_to_its_target(
    kept: int, late: int, broken: int
) -> None:
    days = [Day(date(2026, 3, 2), kept=kept, late=late, broken=broken)]
    found = numbers.six(TEAMS, now=Open(0, 0, 0, ()), days=days, spread=NONE, redundant=[])
    rate = next(number for number in found if number.code == "kept_rate")
    judged = kept + late + broken
    assert bool(rate.hidden) == (judged < 10)
    if judged >= 10:
        assert rate.met == (kept * 100 >= numbers.KEPT_RATE * judged)
        assert 0 <= kept / judged * 100 - float(rate.value) < 0.1


def test_there_are_six_numbers_each_with_its_target_and_formula() -> None:
    found = numbers.six(TEAMS, now=Open(1, 2, 3, ()), days=[], spread=NONE, redundant=[])
    codes = [number.code for number in found]
    assert codes == ["broken", "due", "at_risk", "kept_rate", "proof", "avoided"]
    assert all(number.target and number.formula for number in found)


def test_a_call_made_in_spite_misses_the_target_of_those_avoided() -> None:
    days = [Redundant(date(2026, 3, 2), avoided=7, in_spite=1)]
    found = numbers.six(TEAMS, now=Open(0, 0, 0, ()), days=[], spread=NONE, redundant=days)
    assert (found[-1].value, found[-1].met) == ("7", False)


@pytest.mark.parametrize(
    ("hours", "words"), [(0, "0 h"), (23, "23 h"), (24, "1 d"), (27, "1 d 3 h"), (72, "3 d")]
)
def test_a_span_in_words(hours: int, words: str) -> None:
    assert numbers.span(hours) == words


def test_every_cause_has_somebody_whose_lateness_it_is() -> None:
    assert set(causes.BLAME) == set(CAUSES)
    for cause in CAUSES:
        for read_back in (True, False):
            assert causes.blame(cause, read_back=read_back) in causes.BLAMED
    assert causes.blame("bounced", read_back=True) == "customer"
    assert causes.blame("bounced", read_back=False) == "agent"
    assert causes.blame("", read_back=True) == ""


@pytest.mark.django_db
def test_one_agent_counted_from_figures_is_the_team_counted_from_cells(
    cast: Cast, relay: Relay
) -> None:
    proven(cast, relay)
    at = START + 3 * DAY
    rollups.roll(at=at)
    everybody = wanted.read({}, user=cast.chloe)
    amina = wanted.read({"agent": str(cast.amina.pk)}, user=cast.chloe)
    chloe = wanted.read({"agent": str(cast.chloe.pk)}, user=cast.chloe)
    assert counts.by_day(amina, at=at) == counts.by_day(everybody, at=at)
    assert counts.spread(amina, at=at) == counts.spread(everybody, at=at)
    assert sum(day.kept for day in counts.by_day(everybody, at=at)) == 1
    assert sum(day.kept for day in counts.by_day(chloe, at=at)) == 0
    assert counts.spread(everybody, at=at).hand == {"email": {cells.STEPS[0]: 1}}


@pytest.mark.django_db
def test_the_period_ends_today_and_has_so_many_days(cast: Cast, relay: Relay) -> None:
    promise = proven(cast, relay)
    for days, after in ((7, 6), (30, 29)):
        last = promise.due_at + timedelta(days=after)
        rollups.roll(at=last)
        chosen = wanted.read({"days": str(days)}, user=cast.chloe)
        for at, kept in ((last, 1), (last + DAY, 0)):
            found = counts.by_day(chosen, at=at)
            assert (len(found), sum(day.kept for day in found)) == (days, kept)
