"""The rows of an offer's table, written in one go: a bill run sets a hundred thousand of them."""

from __future__ import annotations

from collections.abc import Collection

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from offers.sheet import Table

register = template.Library()
ROW = '    <tr{}><th scope="row">{}</th>{}</tr>\n'
STRESSED = format_html(' class="{}"', "strong")


@register.simple_tag
def offer_rows(table: Table, strong: Collection[int]) -> SafeString:
    """The rows, the first cell of each a heading; those in `strong` and a total are stressed."""
    chosen = {*(strong or ()), *([len(table.rows) - 1] if table.total else [])}
    return format_html_join(
        "",
        ROW,
        (
            (
                STRESSED if place in chosen else "",
                heading,
                format_html_join("", "<td>{}</td>", ((cell,) for cell in cells)),
            )
            for place, (heading, *cells) in enumerate(table.rows)
        ),
    )
