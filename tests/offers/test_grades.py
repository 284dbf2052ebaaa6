"""What a delivery's events add up to, whatever their order or repetition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.grades import CUSTOMER, GRADE, REVOKING, fold
from offers.models import Evidence
from tests.cast import HOUR, START


@dataclass(frozen=True)
class Event:
    kind: str
    occurred_at: datetime = START
    hard: bool = False

    @property
    def grade(self) -> int:
        return GRADE[self.kind]


def later(kind: str, hours: int) -> Event:
    return Event(kind, START + hours * HOUR)


events = st.builds(
    Event,
    st.sampled_from(sorted(GRADE)),
    st.integers(0, 5).map(lambda hours: START + hours * HOUR),
    st.booleans(),
)


@given(st.lists(events, max_size=8), st.data())
def test_any_order_and_any_repetition_give_the_same(
    found: list[Event], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(found))
    repeated = shuffled + data.draw(
        st.lists(st.sampled_from(found), max_size=6) if found else st.just([])
    )
    assert fold(repeated) == fold(found)


@given(st.lists(events, max_size=8))
def test_nothing_stands_that_was_revoked_by_the_last_word(found: list[Event]) -> None:
    acts = [event for event in found if event.kind in CUSTOMER]
    state = fold(found)
    assert state.stands == bool(state.reached)
    assert not (state.failed and state.stands)
    if not acts and any(event.kind in REVOKING for event in found):
        assert (state.failed, state.grade) == (True, 0)


@given(st.lists(events, max_size=8))
def test_a_higher_grade_is_never_met_before_a_lower_one(found: list[Event]) -> None:
    reached = fold(found).reached
    assert [reached[g] for g in sorted(reached)] == sorted(reached.values())


def test_every_kind_of_evidence_has_a_grade() -> None:
    assert set(GRADE) == set(Evidence.Kind.values)


@pytest.mark.parametrize("order", [1, -1])
def test_between_machines_a_failure_revokes_whenever_it_happened(order: int) -> None:
    found = [later("relay_accepted", 0), later("delivered", 1), later("failed", 0)][::order]
    assert (fold(found).grade, fold(found).failed) == (0, True)


def test_the_customers_word_outranks_a_bounce() -> None:
    state = fold([later("relay_accepted", 0), later("confirmed", 1), later("failed", 2)])
    assert (state.grade, state.failed) == (5, False)


def test_the_customers_denial_outranks_the_machines() -> None:
    state = fold([later("delivered", 0), later("quiet", 30), later("never_received", 1)])
    assert (state.grade, state.failed) == (0, True)


def test_among_the_customers_acts_the_latest_wins() -> None:
    assert fold([later("never_received", 1), later("confirmed", 2)]).grade == 5
    assert fold([later("never_received", 2), later("confirmed", 1)]).grade == 0


def test_a_tie_revokes() -> None:
    state = fold([later("confirmed", 1), later("never_received", 1)])
    assert (state.grade, state.failed) == (0, True)


def test_a_read_receipt_is_a_machine_and_a_bounce_revokes_it() -> None:
    assert fold([later("read_receipt", 1)]).grade == 4
    assert fold([later("read_receipt", 1), later("failed", 0)]).grade == 0


def test_a_complaint_proves_that_it_came() -> None:
    state = fold([later("complaint", 1)])
    assert (state.grade, state.failed, state.delivered_at) == (2, False, START + HOUR)


def test_a_delay_proves_nothing_and_revokes_nothing() -> None:
    state = fold([later("relay_accepted", 0), later("delayed", 3), later("delayed", 1)])
    assert (state.grade, state.failed) == (1, False)
    assert (state.first_delayed_at, state.last_delayed_at) == (START + HOUR, START + 3 * HOUR)


def test_only_a_failure_says_that_the_address_is_bad() -> None:
    assert fold([Event("failed", hard=True)]).hard
    assert not fold([Event("delayed", hard=True)]).hard
