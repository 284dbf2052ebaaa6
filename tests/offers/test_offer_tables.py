"""The rows of an offer's table as a page shows them."""

from __future__ import annotations

from django.template import Context, Template

from offers.sheet import Table

TABLE = Table(
    columns=("", "a", "b"),
    rows=(("<b>Line</b>", "1 & 2", '"3"'), ("Other", "4", "5"), ("Sum", "6", "7")),
    total=True,
)
PAGE = Template("{% load offer_tables %}{% offer_rows table strong %}")


def rows(strong: tuple[int, ...] | str) -> list[str]:
    return PAGE.render(Context({"table": TABLE, "strong": strong})).splitlines()


def test_every_cell_is_escaped_and_the_first_is_a_heading() -> None:
    first = rows(())[0].strip()
    assert first == (
        '<tr><th scope="row">&lt;b&gt;Line&lt;/b&gt;</th>'
        "<td>1 &amp; 2</td><td>&quot;3&quot;</td></tr>"
    )


def test_the_total_and_the_chosen_rows_are_stressed() -> None:
    assert ['class="strong"' in row for row in rows("")] == [False, False, True]
    assert ['class="strong"' in row for row in rows((1,))] == [False, True, True]
