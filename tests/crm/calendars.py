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
PARIS = Calendar(
    zone="Europe/Paris",
    hours={
        **{day: ((time(8, 30), time(12, 15)), (time(13, 30), time(18))) for day in range(5)},
        5: ((time(9), time(12)),),
    },
    country="FR",
    extra_holidays=frozenset(date(year, 12, 26) for year in range(2026, 2031)),
    half_days={date(year, 12, 24): time(11) for year in range(2026, 2031)},
)
LISBON = Calendar(
    zone="Europe/Lisbon",
    hours={
        **{day: ((time(9), time(13)), (time(14), time(19, 30))) for day in range(6)},
        # Through the hour that the clocks skip in March and show twice in October.
        6: ((time(0, 30), time(2, 30)), (time(20), time(0))),
    },
    country="PT",
    half_days={date(year, 12, day): time(13) for year in range(2026, 2031) for day in (24, 31)},
)
CALENDARS = (DEFAULT, SPLIT, ALWAYS, NIGHTS, NEW_YORK)
