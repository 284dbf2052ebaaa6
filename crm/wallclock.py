"""What a clock on the wall shows, and when: the days on which it is put forward or back."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which a clock in `zone` shows `wall`: the first, when it does so twice; that
    of the change, when the clock skips it. So a later wall time is never an earlier instant."""
    first, second = _offset(wall, zone, 0), _offset(wall, zone, 1)
    instant = wall.replace(tzinfo=UTC)
    if second > first:
        return _change(instant - second, instant - first, zone)
    return instant - first


def since_midnight(local: datetime, zone: ZoneInfo) -> timedelta:
    """The time by the clock. While a clock that was put back shows times for the second time, it
    is taken as standing still at the change, so that it never runs backwards."""
    wall = local.replace(tzinfo=None, fold=0)
    if local.fold:
        before = _offset(wall, zone, 0)
        instant = wall.replace(tzinfo=UTC)
        change = _change(instant - before, instant - _offset(wall, zone, 1), zone)
        wall = (change + before).replace(tzinfo=None)
    return wall - midnight(local.date())


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second between two instants at which the clocks of `zone` change."""
    old = before.astimezone(zone).utcoffset()
    before, after = before.replace(microsecond=0), after.replace(microsecond=0) + _SECOND
    while after - before > _SECOND:
        middle = before + _SECOND * ((after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _offset(wall: datetime, zone: ZoneInfo, fold: int) -> timedelta:
    return wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()


def midnight(day: date) -> datetime:
    """The start of `day` on the wall, without a zone."""
    return datetime.combine(day, time(0))


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises ValueError for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"no such time zone: {name!r}") from error
