"""The rows of an offer's table, written in one go: a bill run sets a hundred thousand of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from offers.sheet import Table

register = template.Library()


@register.simple_tag
def offer_rows(table: Table, strong: Collection[int]) -> SafeString:
    """The rows, the first cell of each a heading; those in `strong` and a total are stressed."""
    return mark_safe("".join(_rows(table, strong or ())))  # noqa: S308 (each cell is escaped)


def _rows(table: Table, strong: Collection[int]) -> Iterator[str]:
    last = len(table.rows) - 1
    for place, (heading, *cells) in enumerate(table.rows):
        stressed = place in strong or (table.total and place == last)
        yield '    <tr class="strong">' if stressed else "    <tr>"
        yield f'<th scope="row">{escape(heading)}</th>'
        yield from (f"<td>{escape(cell)}</td>" for cell in cells)
        yield "</tr>\n"
