"""What a list shows of its rows, and how many there are: the number above it is never a guess."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from babel.numbers import format_decimal
from django.db.models import Model, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

T = TypeVar("T")
U = TypeVar("U")
M = TypeVar("M", bound=Model)


class Excerpt(list[T]):
    """The rows that are shown; `total` counts those that are not as well."""

    def __init__(self, rows: Iterable[T] = (), *, total: int | None = None) -> None:
        super().__init__(rows)
        self.total = len(self) if total is None else total

    @property
    def cut(self) -> bool:
        return self.total > len(self)

    @property
    def said(self) -> str:
        """ "12", or "200 of 1,234" when there are more than are shown."""
        if not self.cut:
            return _figure(len(self))
        return _("%(n)s of %(total)s") % {"n": _figure(len(self)), "total": _figure(self.total)}

    def each(self, change: Callable[[T], U]) -> Excerpt[U]:
        """The same excerpt with something else made of every row."""
        return Excerpt(map(change, self), total=self.total)


def _figure(number: int) -> str:
    return format_decimal(number, locale=(get_language() or "en").replace("-", "_"))


def of(rows: QuerySet[M], *, most: int) -> Excerpt[M]:
    """The first rows; the others are only counted, and only when there are some."""
    found = list(rows[:most])
    return Excerpt(found, total=len(found) if len(found) < most else rows.count())
