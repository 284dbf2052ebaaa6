"""Names as people search them: each word that was typed begins a word of the name, in any order.

Both questions are answered from an index (models/customers.py), so that a million names are
searched in milliseconds. A part from the middle of a word finds nobody: no index knows it.
"""

from __future__ import annotations

from django.db.models import BooleanField, Func, Q, Value

from crm.columns import SIGNS, Words

LAST = "\U0010ffff"  # no character comes after it


class _Begun(Func):
    """True where all of the beginnings begin a word."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()


def words(folded: str) -> list[str]:
    """The words of a folded text; the signs between them are none."""
    return folded.translate(dict.fromkeys(map(ord, SIGNS), " ")).split()


def begun(field: str, folded: str) -> _Begun | None:
    """The condition that each word begins one of the name in this field; None without a word."""
    found = words(folded)
    if not found:
        return None
    quoted = (word.replace("\\", "\\\\").replace("'", "''") for word in found)
    query = " & ".join(f"'{word}':*" for word in quoted)
    return _Begun(Words(field), Value(query))


def starting(column: str, folded: str) -> Q:
    """The span of all names that start like this, of a column that is columns.in_order(). A span,
    not LIKE: whose pattern comes as a parameter is looked up in no index."""
    return Q(**{f"{column}__gte": folded, f"{column}__lt": folded + LAST})
