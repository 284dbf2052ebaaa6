"""Post: addresses as lines, the plan of mailings, and the days that the mail takes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers import postal
from tests.cast import MINUTE, START, brussels

DAYS = postal.calendar("Europe/Brussels", "BE")


@pytest.mark.parametrize("postcode", ["4000", "1012 AB", "L-2311"])
def test_an_address_is_read_back_as_it_was_written(postcode: str) -> None:
    lines = postal.lines(street="rue du Pont 1", postcode=postcode, city="Saint Nicolas")
    assert postal.parts(lines) == ("rue du Pont 1", postcode, "Saint Nicolas")


@pytest.mark.parametrize("missing", ["street", "postcode", "city"])
def test_an_address_that_lacks_a_part_is_none(missing: str) -> None:
    whole = {"street": "a", "postcode": "b", "city": "c"}
    assert postal.lines(**{**whole, missing: " "}) == ""


def test_a_line_break_in_a_street_adds_no_line() -> None:
    assert postal.lines(street="a\nb", postcode="1", city="c") == "a b\n1 c"


@pytest.mark.parametrize(
    ("at", "cut", "leaves"),
    [
        ("2026-03-02 09:00", "2026-03-02 14:00", date(2026, 3, 3)),
        ("2026-03-02 14:00", "2026-03-03 14:00", date(2026, 3, 4)),
        ("2026-03-06 13:59", "2026-03-06 14:00", date(2026, 3, 9)),
        ("2026-03-07 10:00", "2026-03-09 14:00", date(2026, 3, 10)),
        # Easter Monday is no working day of the mail.
        ("2026-04-03 15:00", "2026-04-07 14:00", date(2026, 4, 8)),
    ],
)
def test_letters_leave_on_the_working_day_after_their_cut_off(
    at: str, cut: str, leaves: date
) -> None:
    slot = postal.batch_after(brussels(at), DAYS)
    assert (slot.cut_off_at, slot.mailing_date) == (brussels(cut), leaves)


@pytest.mark.parametrize(
    ("day", "at", "cut", "leaves"),
    [
        (12, "2026-03-02 09:00", "2026-03-09 17:00", date(2026, 3, 12)),
        (12, "2026-03-09 16:59", "2026-03-09 17:00", date(2026, 3, 12)),
        # The 12th of April is a Sunday, and Monday the 6th is Easter Monday.
        (12, "2026-03-09 17:00", "2026-04-08 17:00", date(2026, 4, 13)),
        (1, "2026-12-30 09:00", "2027-01-27 17:00", date(2027, 2, 1)),
    ],
)
def test_bills_leave_on_their_day_and_are_cut_three_working_days_before(
    day: int, at: str, cut: str, leaves: date
) -> None:
    slot = postal.bill_run_after(day, brussels(at), DAYS)
    assert (slot.cut_off_at, slot.mailing_date) == (brussels(cut), leaves)


@given(
    st.integers(0, 9 * 365 * 24 * 60).map(lambda minutes: START + minutes * MINUTE),
    st.integers(1, 28),
)
def test_the_next_mailing_can_always_be_joined_and_is_never_two_months_away(
    at: datetime, day: int
) -> None:
    slot = postal.bill_run_after(day, at, DAYS)
    assert at < slot.cut_off_at <= at + timedelta(days=45)
    assert slot.mailing_date.day >= day
    assert postal.batch_after(at, DAYS).cut_off_at > at


def test_the_mail_takes_its_working_days() -> None:
    thursday = brussels("2026-03-12 10:00")
    assert postal.readable_at("post", thursday, DAYS) == brussels("2026-03-16 10:00")
    assert postal.readable_at("bill_insert", thursday, DAYS) == brussels("2026-03-17 10:00")
    assert postal.quiet_until("post", thursday, DAYS) == brussels("2026-03-17 10:00")
    assert postal.quiet_until("bill_insert", thursday, DAYS) == brussels("2026-03-19 10:00")
