"""The calendars that the tests of working time share."""

from __future__ import annotations

from datetime import date, time

from crm.workdays import DEFAULT, Calendar

SPLIT = Calendar(
    zone="Europe/Brussels",
    hours={
        **{day: ((time(9), time(12)), (time(13), time(17))) for day in range(4)},
        4: ((time(9), time(12)),),
        5: ((time(10), time(13)),),
    },
    country="BE",
    half_days={date(2026, 12, 24): time(12), date(2026, 12, 31): time(11, 30)},
)
ALWAYS = Calendar("Europe/Brussels", {day: ((time(0), time(0)),) for day in range(7)})
NIGHTS = Calendar(
    "Europe/Brussels", {day: ((time(0), time(2, 30)), (time(2, 30), time(6))) for day in range(7)}
)
NEW_YORK = Calendar(
    "America/New_York", {d: ((time(8), time(20)),) for d in range(6)}, country="US", region="NY"
)
CALENDARS = (DEFAULT, SPLIT, ALWAYS, NIGHTS, NEW_YORK)
