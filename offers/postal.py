"""Post, pure: postal addresses as lines, the working days of the mail, when runs are cut and leave.

Every figure here is a product choice, said in docs/deliveries.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings

from crm.workdays import Calendar

MIDNIGHT = time(0)
# Letters are handed over on the working day after their batch is cut.
BATCH_CUT = time(14)
# Inserts must be printed before the bills are: so many working days before the bills leave.
BILL_CUT, BILL_CUT_DAYS = time(17), 3
# Working days from mailing until it can be in hand, and until nothing has come back.
READABLE_AFTER = {"post": 2, "bill_insert": 3}
QUIET_AFTER = {"post": 3, "bill_insert": 5}
NARROW = "\u00a0"  # inside a postcode, so that the first blank ends it


@dataclass(frozen=True)
class Slot:
    """A mailing as planned: until when one may join, and the day on which it leaves."""

    cut_off_at: datetime
    mailing_date: date


@lru_cache(maxsize=8)
def calendar(zone: str, country: str) -> Calendar:
    """The working days of the mail: Monday to Friday, whole days, without public holidays."""
    week = {day: ((MIDNIGHT, MIDNIGHT),) for day in range(5)}
    return Calendar(zone=zone, hours=week, country=country)


def mail_days() -> Calendar:
    """Those of the company's country."""
    return calendar(settings.TIME_ZONE, settings.DEFAULT_COUNTRY)


def zone() -> ZoneInfo:
    """In which its dates are meant."""
    return ZoneInfo(settings.TIME_ZONE)


def batch_after(at: datetime, days: Calendar) -> Slot:
    """The first batch of letters that is still open at `at`."""
    day = _local(at, days).date()
    while not (days.is_working_day(day) and _instant(day, BATCH_CUT, days) > at):
        day += timedelta(days=1)
    return Slot(_instant(day, BATCH_CUT, days), _working_day_after(day, days))


def bill_run_after(bill_day: int, at: datetime, days: Calendar) -> Slot:
    """The first run of bills of this day of the month that inserts can still join."""
    month = _local(at, days).date().replace(day=1)
    while True:
        slot = _bill_run(month.replace(day=bill_day), days)
        if slot.cut_off_at > at:
            return slot
        month = (month + timedelta(days=31)).replace(day=1)


def _bill_run(bill_date: date, days: Calendar) -> Slot:
    leaves = bill_date
    while not days.is_working_day(leaves):
        leaves += timedelta(days=1)
    cut, left = leaves, BILL_CUT_DAYS
    while left:
        cut -= timedelta(days=1)
        left -= days.is_working_day(cut)
    return Slot(_instant(cut, BILL_CUT, days), leaves)


def readable_at(channel: str, mailed_at: datetime, days: Calendar) -> datetime:
    """When what was mailed then can be in the customer's hand."""
    return days.add_working_days(mailed_at, READABLE_AFTER[channel])


def quiet_until(channel: str, mailed_at: datetime, days: Calendar) -> datetime:
    """Until when something mailed then could still come back."""
    return days.add_working_days(mailed_at, QUIET_AFTER[channel])


def noon(day: date, days: Calendar) -> datetime:
    """An instant that stands for a day of the plan."""
    return _instant(day, time(12), days)


def lines(*, street: str, postcode: str, city: str) -> str:
    """A postal address as a delivery keeps it; empty when a part is missing."""
    parts = [" ".join(part.split()) for part in (street, postcode, city)]
    if not all(parts):
        return ""
    return f"{parts[0]}\n{parts[1].replace(' ', NARROW)} {parts[2]}"


def parts(address: str) -> tuple[str, str, str]:
    """Street, postcode and city of what `lines` wrote."""
    street, _, place = address.partition("\n")
    postcode, _, city = place.partition(" ")
    return street, postcode.replace(NARROW, " "), city


def _local(at: datetime, days: Calendar) -> datetime:
    return at.astimezone(ZoneInfo(days.zone))


def _instant(day: date, wall: time, days: Calendar) -> datetime:
    return datetime.combine(day, wall, ZoneInfo(days.zone))


def _working_day_after(day: date, days: Calendar) -> date:
    day += timedelta(days=1)
    while not days.is_working_day(day):
        day += timedelta(days=1)
    return day
