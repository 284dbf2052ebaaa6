"""The form of the chain, in SQL: rows to hashes, hashes to parts, parts to a link.

A row is the text of `ROW(columns)` in UTF-8, hashed by SHA-256. A part is the hash over the hashes
of its rows in the order of their keys. A link is the hash over its own line, which ends in the
hash before it, and the lines of its parts. Sealing and verifying use the same statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from crm.chain.ledgers import Ledger

BLOCK = 10_000  # rows of a part at most
HASH = "sha256(convert_to(ROW({columns})::text, 'UTF8'))"
# The first seal also takes what stood there before the chain.
FIRST = """
SELECT 1::bigint AS number, r.id, {part} AS part, {hash} AS hash
FROM {table} r WHERE r.stretch IS NULL OR r.stretch <= {up_to}
"""
LATER = """
SELECT ({numbers}::bigint[])[width_bucket(r.stretch, {begins}::bigint[])] AS number, r.id,
    {part} AS part, {hash} AS hash
FROM {table} r WHERE r.stretch > {after} AND r.stretch <= {up_to}
"""
PARTS = """
SELECT number, part, block, count(*) AS rows,
    sha256(string_agg(hash, ''::bytea ORDER BY id)) AS hash,
    string_agg({send}(id) || substr(hash, 1, 4), ''::bytea ORDER BY id) AS manifest
FROM (
    SELECT o.*, (row_number() OVER (PARTITION BY number, part ORDER BY id) - 1) / {block} AS block
    FROM ({rows}) o
) b GROUP BY number, part, block
"""
# {links}: number, after_stretch, stretch, rows, sealed_at, sealed_by, previous_hash.
LINKS = """
SELECT l.number, sha256(convert_to(
    ROW(l.number, l.after_stretch, l.stretch, l.rows, l.sealed_at, l.sealed_by,
        encode(l.previous_hash, 'hex'))::text
    || coalesce((
        SELECT string_agg(E'\n' || ROW(f.ledger, f.columns, p.part, p.block, p.rows,
                encode(p.hash, 'hex'), encode(sha256(p.manifest), 'hex'))::text,
            '' ORDER BY f.ledger COLLATE "C", f.columns COLLATE "C", p.part COLLATE "C", p.block)
        FROM crm_sealpart p JOIN crm_sealform f ON f.id = p.form_id WHERE p.seal_id = l.number
    ), ''), 'UTF8')) AS hash,
    (SELECT coalesce(sum(p.rows), 0) FROM crm_sealpart p WHERE p.seal_id = l.number) AS rows
FROM ({links}) l ORDER BY l.number
"""


@dataclass(frozen=True)
class Span:
    """What a seal covers: the stretches after `after` up to `up_to`."""

    number: int
    after: int
    up_to: int


def rows(ledger: Ledger, columns: str, spans: Sequence[Span]) -> sql.Composed:
    """The hash of every row under these seals, which follow one another; the first one is alone.

    `columns` comes from a form: the database wrote its names (quote_ident).
    """
    return sql.SQL(FIRST if spans[0].number == 1 else LATER).format(
        part=ledger.part,
        hash=sql.SQL(HASH).format(columns=sql.SQL(columns)),
        table=ledger.identifier,
        numbers=sql.Literal([span.number for span in spans]),
        begins=sql.Literal([span.after + 1 for span in spans]),
        after=sql.Literal(spans[0].after),
        up_to=sql.Literal(spans[-1].up_to),
    )


def parts(ledger: Ledger, columns: str, spans: Sequence[Span]) -> sql.Composed:
    """What the parts of these seals are, by the rows as they stand."""
    return sql.SQL(PARTS).format(
        send=ledger.send, block=sql.Literal(BLOCK), rows=rows(ledger, columns, spans)
    )


def links(source: sql.Composable) -> sql.Composed:
    """What the hash of each link is, by its parts as they stand."""
    return sql.SQL(LINKS).format(links=source)
