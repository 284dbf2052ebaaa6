"""Which column is which: by the words of the headings, or as it was the last time.

The only writer of ColumnMapping.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from crm.actors import Actor
from crm.customers import fold
from crm.importing.cells import Field
from crm.models import ColumnMapping

_OTHER = re.compile(r"[^a-z0-9]+")


def plain(heading: str) -> str:
    """Letters and digits only: "N° de téléphone" and "n_de_telephone" meet."""
    return _OTHER.sub("", fold(heading))


def guess(headings: Sequence[str], fields: Sequence[Field]) -> dict[str, int]:
    """Our name -> place, for the headings that say so; each column and each name once."""
    found: dict[str, int] = {}
    for place, heading in enumerate(headings):
        word = plain(heading)
        for field in fields:
            if word in field.words and field.name not in found:
                found[field.name] = place
                break
    return found


def fingerprint(headings: Sequence[str]) -> str:
    """Of a file with these columns, in whatever order."""
    return hashlib.sha256("\n".join(sorted(headings)).encode()).hexdigest()


def remembered(kind: str, headings: Sequence[str]) -> ColumnMapping | None:
    """How a file with these headings was read the last time."""
    return ColumnMapping.objects.filter(kind=kind, fingerprint=fingerprint(headings)).first()


def places(columns: Mapping[str, str], headings: Sequence[str]) -> dict[str, int]:
    return {name: headings.index(one) for name, one in columns.items() if one in headings}


def remember(
    *,
    kind: str,
    headings: Sequence[str],
    columns: Mapping[str, int],
    options: Mapping[str, Any],
    by: Actor,
    at: datetime,
) -> None:
    ColumnMapping.objects.update_or_create(
        kind=kind,
        fingerprint=fingerprint(headings),
        defaults={
            "columns": {name: headings[place] for name, place in columns.items()},
            "options": dict(options),
            "used_at": at,
            "used_by": by.code,
        },
    )
