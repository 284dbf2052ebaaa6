"""Files as other systems write them, and the way of one from upload to result."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from crm.importing import headings, jobs, kinds, work
from crm.models import Import
from tests.cast import START, SYSTEM

HEAD = "Klantnummer;Naam;Taal;GSM;E-mail;Straat;Postcode;Gemeente;Team\n"
DUPONT = "K1;Mme Dupont;FR;0470 12 34 56;dupont@mail.example;rue Haute 1;4000;Liège;liege\n"
PEETERS = "K2;Dhr. Peeters;Nederlands;09 222 33 44;;Kouter 2;9000;Gent;Gent\n"


def uploaded(
    content: str | bytes,
    *,
    name: str = "klanten.csv",
    kind: str = "customers",
    at: datetime = START,
) -> Import:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        return jobs.upload(
            path=Path(file.name), name=name, kind=kind, language="en", by=SYSTEM, at=at
        )


def swept(row: Import, *, at: datetime = START) -> Import:
    """Everything that the sweep does with it now."""
    while work.run(clock=lambda: at, share=timedelta(days=1)):
        pass
    row.refresh_from_db()
    return row


def checked(
    content: str | bytes,
    *,
    name: str = "klanten.csv",
    kind: str = "customers",
    at: datetime = START,
    columns: dict[str, int] | None = None,
    **options: Any,
) -> Import:
    """Read, its columns guessed from the headings, and checked."""
    row = swept(uploaded(content, name=name, kind=kind, at=at), at=at)
    assert row.status == "read", row.why
    guessed = headings.guess(row.headings, kinds.of(row).fields)
    assert jobs.choose(
        row=row, columns=guessed if columns is None else columns, options=options, by=SYSTEM, at=at
    )
    return swept(row, at=at)


def imported(content: str | bytes, *, at: datetime = START, **more: Any) -> Import:
    row = checked(content, at=at, **more)
    assert jobs.start(row=row, leave_bad=True, by=SYSTEM, at=at)
    return swept(row, at=at)


def undone(row: Import, *, at: datetime = START, ground: str = "") -> Import:
    assert jobs.undo(row=row, ground=ground, by=SYSTEM, at=at)
    return swept(row, at=at)


def counts(row: Import) -> tuple[int, int, int, int]:
    """new, changed, same, bad"""
    return row.lines_new, row.lines_changed, row.lines_same, row.lines_bad
