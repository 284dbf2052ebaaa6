"""How instants, days and amounts are said to people: in the reader's language, the house's zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_currency
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

CURRENCY = "EUR"


def locale() -> str:
    """The reader's, as Babel names it."""
    return (get_language() or "en").replace("-", "_")


def house(at: datetime) -> datetime:
    """The instant on the clock of the house."""
    return at.astimezone(ZoneInfo(settings.TIME_ZONE))


def midnight(at: datetime) -> datetime:
    """When the day of that instant began, on the clock of the house."""
    return begin_of(house(at).date())


def begin_of(day: date) -> datetime:
    """The first instant of a day, on the clock of the house."""
    return datetime.combine(day, time.min, ZoneInfo(settings.TIME_ZONE))


def exact(at: datetime) -> str:
    """Everything about an instant, for hovering: "Tuesday 3 March 2026, 09:00:12 +0100"."""
    return format_datetime(house(at), "EEEE d MMMM y, HH:mm:ss Z", locale=locale())


def brief(at: datetime, *, now: datetime | None = None) -> str:
    """As short as it stays clear: "14:05" today, "Tue 3 Mar, 09:00" this year, else with it."""
    local = house(at)
    if now and house(now).date() == local.date():
        return format_datetime(local, "HH:mm", locale=locale())
    same_year = now is None or house(now).year == local.year
    return format_datetime(
        local, "EEE d MMM, HH:mm" if same_year else "d MMM y, HH:mm", locale=locale()
    )


def said(at: datetime, *, now: datetime) -> str:
    """For the middle of a sentence: "at 14:05", "on Tue 3 Mar, 09:00"."""
    today = house(now).date() == house(at).date()
    words = _("at %(when)s") if today else _("on %(when)s")
    return words % {"when": brief(at, now=now)}


def spoken(at: datetime, *, now: datetime) -> str:
    """As one says it on the phone: "Tuesday 17:30", "Tuesday 10 March, 17:30"."""
    local = house(at)
    days = (local.date() - house(now).date()).days
    pattern = "EEEE HH:mm" if 0 <= days < 7 else "EEEE d MMMM, HH:mm"
    return format_datetime(local, pattern, locale=locale())


def due(at: datetime, *, now: datetime) -> str:
    """When something is due, as one says it: "by Tuesday 17:30", "today by 17:30"; what has passed
    "was due Mon 2 Mar, 17:30"."""
    today = house(now).date() == house(at).date()
    short = today or at < now
    when = {"when": brief(at, now=now) if short else spoken(at, now=now)}
    if at < now:
        return (_("was due today at %(when)s") if today else _("was due %(when)s")) % when
    return (_("today by %(when)s") if today else _("by %(when)s")) % when


def day(on: date) -> str:
    return format_date(on, "d MMM y", locale=locale())


def weekday_and_day(on: date) -> str:
    """ "Fri 25 Dec", where the year stands above."""
    return format_date(on, "EEE d MMM", locale=locale())


def heading(on: date, *, now: datetime) -> str:
    """The day above what happened on it: "Today", "Tuesday 3 March", in another year with it."""
    today = house(now).date()
    if on == today:
        return _("Today")
    pattern = "EEEE d MMMM" if on.year == today.year else "EEEE d MMMM y"
    return format_date(on, pattern, locale=locale())


def lasting(span: timedelta) -> str:
    """How long, in the largest unit of which there are two: "45 sec", "3 min", "26 hr"."""
    return format_timedelta(span, threshold=2, format="short", locale=locale())


def money(amount: Decimal) -> str:
    return format_currency(amount, CURRENCY, locale=locale())
