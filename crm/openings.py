"""One year of openings as a table: how much working time has passed at an instant."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

# From and until, in microseconds since 1970.
Opening = tuple[int, int]


class Year(NamedTuple):
    """One local year of a calendar, in microseconds since 1970. `before[i]` is the working time of
    the year before opening i, `days` are its working days, `firsts` the first opening of each."""

    opens: list[int]
    closes: list[int]
    before: list[int]
    total: int
    days: list[date]
    firsts: list[int]

    def used(self, moment: int) -> int:
        """The working time of this year that has passed at `moment`."""
        index = bisect_right(self.opens, moment) - 1
        if index < 0:
            return 0
        return self.before[index] + min(moment, self.closes[index]) - self.opens[index]

    def openings(self, day: date) -> list[Opening]:
        """The openings of one day, in order; none on a day off."""
        index = bisect_left(self.days, day)
        if index == len(self.days) or self.days[index] != day:
            return []
        start, after = self.firsts[index], index + 1
        end = self.firsts[after] if after < len(self.firsts) else len(self.opens)
        return list(zip(self.opens[start:end], self.closes[start:end], strict=True))


def tabulated(days: Iterable[tuple[date, list[Opening]]]) -> Year:
    """The table of a year's days, in order. A day without openings is no working day."""
    year, total = Year([], [], [], 0, [], []), 0
    for day, openings in days:
        if openings:
            year.days.append(day)
            year.firsts.append(len(year.opens))
        for start, end in openings:
            year.opens.append(start)
            year.closes.append(end)
            year.before.append(total)
            total += end - start
    return year._replace(total=total)
