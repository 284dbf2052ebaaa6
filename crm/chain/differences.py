"""What is wrong with the chain, in words: which row, under which seal, in which minute."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from psycopg import sql

from crm.chain import statements
from crm.chain.ledgers import Ledger
from crm.chain.statements import Span
from crm.models import Seal, SealPart

NAMED = 5  # rows of a part that are named; the others are counted
FOUND = """
SELECT {send}(id), substr(hash, 1, 4) FROM ({rows}) r WHERE number = {number} AND part = {part}
"""


@dataclass(frozen=True)
class Fault:
    """`code` for machines: edited, deleted, inserted, link, gap, tail, head, ahead, unreadable,
    part, ledger_gone. `text` for people."""

    code: str
    text: str
    ledger: str = ""
    seal: int | None = None
    keys: tuple[str, ...] = ()


def of_link(
    seal: Seal, before: Seal | None, made: bytes, rows: int, *, start: bytes
) -> Iterator[Fault]:
    """What a link says of itself, of the one before it, and of its parts. `before` is None in
    front of the first one."""
    n = seal.number
    follows, after = (before.number, before.stretch) if before else (0, 0)
    if n != follows + 1:
        which = f"{follows + 1}" if n == follows + 2 else f"{follows + 1} to {n - 1}"
        yield Fault("gap", f"Seal {which} is missing before seal {n} ({_when(seal)}).", seal=n)
    elif bytes(seal.previous_hash) != (bytes(before.hash) if before else start):
        text = f"Seal {n} ({_when(seal)}) does not follow the one before it: one was made anew."
        yield Fault("link", text, seal=n)
    elif seal.after_stretch != after:
        text = f"Seal {n} ({_when(seal)}) does not begin where the one before it ends."
        yield Fault("link", text, seal=n)
    if bytes(seal.hash) != made or seal.rows != rows:
        text = (
            f"Seal {n} ({_when(seal)}) is not what was sealed: it or one of its parts was edited."
        )
        yield Fault("link", text, seal=n)


def of_part(ledger: Ledger, columns: str, span: Span, part: str) -> list[Fault]:
    """Which rows of one ledger differ from what was sealed."""
    sealed = _sealed(ledger, span, part)
    found = _found(ledger, columns, span, part)
    both = sealed.keys() & found.keys()
    kinds = {
        "edited": [key for key in both if sealed[key] != found[key]],
        "deleted": sealed.keys() - found.keys(),
        "inserted": found.keys() - sealed.keys(),
    }
    faults = [_rows(code, ledger, span, part, list(keys)) for code, keys in kinds.items() if keys]
    if faults:
        return faults
    text = (
        f"{ledger.table}: rows under seal {span.number} ({_when_of(span)}) are not what was sealed."
    )
    return [Fault("part", text, ledger.table, span.number)]


def _sealed(ledger: Ledger, span: Span, part: str) -> dict[bytes, bytes]:
    rows = SealPart.objects.filter(seal_id=span.number, form__ledger=ledger.table, part=part)
    known, size = {}, ledger.key_bytes
    for row in rows.order_by("block"):
        manifest = bytes(row.manifest)
        for i in range(0, len(manifest), size + 4):
            known[manifest[i : i + size]] = manifest[i + size : i + size + 4]
    return known


def _found(ledger: Ledger, columns: str, span: Span, part: str) -> dict[bytes, bytes]:
    statement = sql.SQL(FOUND).format(
        send=ledger.send,
        rows=statements.rows(ledger, columns, [span]),
        number=sql.Literal(span.number),
        part=sql.Literal(part),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return {bytes(key): bytes(digest) for key, digest in cursor.fetchall()}


SAID = {
    "edited": "edited after it was sealed",
    "deleted": "deleted after it was sealed",
    "inserted": "inserted into a time that was sealed already",
}


def _rows(code: str, ledger: Ledger, span: Span, part: str, keys: list[bytes]) -> Fault:
    names = [_key(ledger, key) for key in sorted(keys)]
    listed = ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
    many = "row" if len(names) == 1 else f"{len(names):,} rows"
    month = f" of {part}" if part else ""
    text = f"{ledger.table}{month}: {many} {listed} {SAID[code]}"
    where = f"seal {span.number}, {_when_of(span)}"
    return Fault(code, f"{text} ({where}).", ledger.table, span.number, tuple(names[:NAMED]))


def _key(ledger: Ledger, key: bytes) -> str:
    if ledger.uuid:
        return str(uuid.UUID(bytes=key))
    return str(int.from_bytes(key, "big", signed=True))


def unreadable(ledger: Ledger, spans: list[Span], missing: list[str]) -> Fault:
    """A column that was hashed is gone: nobody can say any more what stood in it."""
    first, last = spans[0].number, spans[-1].number
    text = f"{ledger.table}: sealed with {', '.join(missing)}, which the table has no more"
    return Fault("unreadable", f"{text} (seals {first} to {last}).", ledger.table, first)


def behind_the_last(ledger: Ledger, rows: int) -> Fault:
    """The sealer had been further than the last seal there is."""
    text = f"{ledger.table}: {rows:,} rows were sealed, and their seals are gone from the end."
    return Fault("tail", text, ledger.table)


def ahead_of_time(ledger: Ledger, rows: int) -> Fault:
    """Somebody wrote a stretch that has not begun."""
    text = f"{ledger.table}: {rows:,} rows claim to be written in a time to come."
    return Fault("ahead", text, ledger.table)


def head_missing(number: int) -> Fault:
    """The chain is shorter than it was when this head was given outside."""
    text = f"Seal {number} was given outside and is gone: the chain was cut, or is a restored one."
    return Fault("head", text, seal=number)


def head_other(seal: Seal) -> Fault:
    """The chain has another link where that head was given outside."""
    text = (
        f"Seal {seal.number} ({_when(seal)}) has another hash than was given outside:"
        " the chain was made anew."
    )
    return Fault("head", text, seal=seal.number)


def _when_of(span: Span) -> str:
    seal = Seal.objects.filter(number=span.number).first()
    return _when(seal) if seal else "no instant"


def _when(seal: Seal) -> str:
    return f"sealed {seal.sealed_at:%Y-%m-%d %H:%M:%S} UTC"
