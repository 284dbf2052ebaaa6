"""Customers of an import, a batch at a time and set by set: a part of the writer of customers.

The lines are staged; everything else happens in the database. Holds those who change, in the order
of their ids; like every bulk import it takes no lock on numbers. A mail address that a file brings
is put in front, because an agent may have mended one since; telephone numbers are as the file says.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext as _

from crm import customers, forgotten
from crm.actors import Actor
from crm.importing.frames import Frame
from crm.importing.judging import BAD, Judged, Written
from crm.models import Customer, Import, ImportBatch

# Everything that an import can change about the customer of the row `c`, as one value.
CURRENT = """
SELECT jsonb_build_object('external_id', c.external_id, 'language', c.language,
    'country', c.country, 'bill_medium', c.bill_medium, 'bill_day', c.bill_day, 'team', c.team_id,
    'name', coalesce(x.name, ''), 'folded_name', coalesce(x.folded_name, ''),
    'note', coalesce(x.note, ''), 'street', coalesce(a.street, ''),
    'postcode', coalesce(a.postcode, ''), 'city', coalesce(a.city, ''),
    'phones', coalesce((SELECT jsonb_agg(n.e164 ORDER BY n.position, n.id)
        FROM crm_phonenumber n WHERE n.customer_id = c.id), '[]'),
    'emails', coalesce((SELECT jsonb_agg(e.address ORDER BY e.position, e.id)
        FROM crm_emailaddress e WHERE e.customer_id = c.id), '[]')) AS facts
FROM (SELECT 1) one LEFT JOIN crm_customertext x ON x.customer_id = c.id
LEFT JOIN crm_postaladdress a ON a.customer_id = c.id
"""
# One more mail address than the file has is no difference, nor is what it does not tell.
SAME = """f.facts || (l.facts - 'emails') = f.facts
    AND f.facts->'emails' @> coalesce(l.facts->'emails', '[]')"""
VERDICTS = f"""
SELECT l.id, CASE WHEN g.gone OR c.id IS NULL AND NOT r.ready THEN 'bad'
        WHEN c.id IS NULL THEN 'new' WHEN {SAME} THEN 'same' ELSE 'changed' END AS verdict,
    CASE WHEN g.gone THEN 'external_id'
        WHEN c.id IS NULL AND NOT r.ready THEN CASE WHEN NOT l.facts ? 'name' THEN 'name'
            WHEN NOT (l.facts ? 'language' OR %(language)s::boolean) THEN 'language'
            ELSE 'team' END ELSE '' END AS wrong,
    CASE WHEN g.gone THEN %(forgotten)s::text
        WHEN c.id IS NULL AND NOT r.ready THEN %(missing)s::text ELSE '' END AS reason
FROM crm_importline l LEFT JOIN crm_customer c ON c.external_id = l.key
LEFT JOIN LATERAL ({CURRENT}) f ON c.id IS NOT NULL
CROSS JOIN LATERAL (
    SELECT c.erased_at IS NOT NULL OR l.key = ANY(%(gone)s::text[]) AS gone) g
CROSS JOIN LATERAL (SELECT l.facts ? 'name' AND (l.facts ? 'language' OR %(language)s::boolean)
    AND (l.facts ? 'team' OR %(team)s::boolean) AS ready) r
WHERE l.of_id = %(import)s AND l.line BETWEEN %(first)s AND %(last)s AND l.reason = ''
"""  # noqa: S608 (constants of ours)
CLEARED = "DROP TABLE IF EXISTS pg_temp.told"
TOLD = """
CREATE TEMPORARY TABLE told ON COMMIT DROP AS
SELECT l.line, l.id AS staged, l.verdict, c.id AS customer_id,
    l.facts || jsonb_build_object('external_id', l.key) AS facts,
    NULL::jsonb AS was, c.id IS NULL AS new
FROM crm_importline l LEFT JOIN crm_customer c ON c.external_id = l.key
WHERE l.of_id = %(import)s AND l.line BETWEEN %(first)s AND %(last)s AND l.verdict <> 'bad'
"""
# Somebody was forgotten, or taken back with another import, while this one waited.
LATE = """
DELETE FROM told t USING told o LEFT JOIN crm_customer c ON c.id = o.customer_id,
    LATERAL (SELECT CASE
        WHEN c.erased_at IS NOT NULL OR o.facts->>'external_id' = ANY(%(gone)s::text[])
            OR o.facts->>'external_id' LIKE 'forgotten:%%'
            THEN 'forgotten'
        WHEN o.new AND o.verdict <> 'new' THEN 'vanished'
        WHEN o.new AND NOT (%(defaults)s::jsonb || o.facts) ?& ARRAY['name', 'language', 'team']
            THEN 'missing' END AS why) w
WHERE t.line = o.line AND w.why IS NOT NULL RETURNING t.staged, w.why
"""
NOBODYS = """
SELECT l.key FROM crm_importline l LEFT JOIN crm_customer c ON c.external_id = l.key
WHERE l.of_id = %(import)s AND l.line BETWEEN %(first)s AND %(last)s AND l.reason = ''
    AND c.id IS NULL
"""
BARRED = "SELECT customer_id FROM told WHERE facts->'phones' <> '[]'"
KNOWN = "SELECT customer_id FROM told WHERE customer_id IS NOT NULL"
WAS = f"""
UPDATE told t SET was = f.facts FROM crm_customer c, LATERAL ({CURRENT}) f
WHERE c.id = t.customer_id
"""  # noqa: S608
SAME_AGAIN = f"DELETE FROM told l USING (SELECT customer_id, was AS facts FROM told) f \
WHERE f.customer_id = l.customer_id AND {SAME}"  # noqa: S608
NUMBERED = """
UPDATE told SET customer_id = nextval(pg_get_serial_sequence('crm_customer', 'id')) WHERE new
"""
# The facts as they are to be, whole. What is new of the addresses stands in front.
WHOLE = """
UPDATE told SET facts = coalesce(was, %(defaults)s::jsonb) || facts || jsonb_build_object(
    'emails', coalesce((SELECT jsonb_agg(e) FROM jsonb_array_elements(facts->'emails') e
        WHERE NOT coalesce(was->'emails', '[]') @> e), '[]') || coalesce(was->'emails', '[]'))
"""
ADDED = """
INSERT INTO crm_customer (id, reference, external_id, language, country, bill_medium, bill_day,
    team_id, generated, created_at, erased_by)
SELECT customer_id, 'C-' || lpad(customer_id::text, greatest(6, length(customer_id::text)), '0'),
    facts->>'external_id', facts->>'language', facts->>'country', facts->>'bill_medium',
    (facts->>'bill_day')::smallint, (facts->>'team')::bigint, false, %(at)s::timestamptz, ''
FROM told WHERE new
"""
CHANGED = """
UPDATE crm_customer c SET language = t.facts->>'language', country = t.facts->>'country',
    bill_medium = t.facts->>'bill_medium', bill_day = (t.facts->>'bill_day')::smallint,
    team_id = (t.facts->>'team')::bigint
FROM told t WHERE c.id = t.customer_id AND NOT t.new
"""
TEXTS = """
INSERT INTO crm_customertext (customer_id, name, folded_name, note)
SELECT customer_id, facts->>'name', facts->>'folded_name', facts->>'note' FROM told
ON CONFLICT (customer_id) DO UPDATE
    SET name = excluded.name, folded_name = excluded.folded_name, note = excluded.note
"""
ADDRESSES = """
INSERT INTO crm_postaladdress (customer_id, street, postcode, city)
SELECT customer_id, facts->>'street', facts->>'postcode', facts->>'city' FROM told
ON CONFLICT (customer_id) DO UPDATE
    SET street = excluded.street, postcode = excluded.postcode, city = excluded.city
"""
NUMBERS_GONE = """
DELETE FROM crm_phonenumber n USING told t
WHERE n.customer_id = t.customer_id AND NOT t.facts->'phones' ? n.e164
"""
NUMBERS = """
INSERT INTO crm_phonenumber (customer_id, e164, position)
SELECT t.customer_id, n.e164, n.place - 1
FROM told t, jsonb_array_elements_text(t.facts->'phones') WITH ORDINALITY AS n (e164, place)
WHERE t.new OR t.was->'phones' <> t.facts->'phones'
ON CONFLICT (customer_id, e164) DO UPDATE SET position = excluded.position
"""
EMAILS_GONE = """
DELETE FROM crm_emailaddress e USING told t
WHERE e.customer_id = t.customer_id AND NOT t.facts->'emails' ? e.address
"""
EMAILS = """
INSERT INTO crm_emailaddress (customer_id, address, position)
SELECT t.customer_id, e.address, e.place - 1
FROM told t, jsonb_array_elements_text(t.facts->'emails') WITH ORDINALITY AS e (address, place)
WHERE t.new OR t.was->'emails' <> t.facts->'emails'
ON CONFLICT (customer_id, address) DO UPDATE SET position = excluded.position
"""
# Numbers decide whom the gate knows, and countries at which hours.
GATE = """
INSERT INTO crm_gatechange (customer_id, cause, at)
SELECT customer_id, CASE WHEN new THEN 'number_added' ELSE 'numbers_changed' END,
    %(at)s::timestamptz
FROM told WHERE new AND facts->'phones' <> '[]'
    OR NOT new AND (was->'phones' <> facts->'phones' OR was->'country' <> facts->'country')
"""
# What was written is, whole, what CURRENT would find: the same keys, the same values.
NOTED = """
INSERT INTO crm_importchange (of_id, batch, line, customer_id, was, left_as, outcome)
SELECT %(import)s, %(batch)s, line, customer_id, was, md5(facts::text), '' FROM told
"""
KNOWN_NOW = f"""
SELECT c.external_id, f.facts FROM crm_customer c, LATERAL ({CURRENT}) f
WHERE c.external_id = ANY(%s)
"""  # noqa: S608
WRITING = (ADDED, CHANGED, TEXTS, ADDRESSES, NUMBERS_GONE, NUMBERS, EMAILS_GONE, EMAILS, GATE)


def verdicts(frame: Frame) -> dict[str, Any]:
    """What VERDICTS asks for, beside the import and its lines."""
    return {
        "language": bool(frame.language),
        "team": bool(frame.team),
        **_reasons(),
    }


def _reasons() -> dict[str, str]:
    return {
        "forgotten": _("is somebody who asked to be forgotten"),
        "missing": _("is missing, and nobody has this number yet"),
        "vanished": _("was somebody’s when the file was checked, and is nobody’s now"),
    }


def gone(values: dict[str, Any]) -> list[str]:
    """Which lines of a stretch are about somebody who was forgotten, by their external id."""
    with connection.cursor() as cursor:
        cursor.execute(NOBODYS, values)
        return sorted(forgotten.those_forgotten(key for (key,) in cursor.fetchall()))


def now(keys: list[str]) -> dict[str, dict[str, Any]]:
    """What is known of these customers, by external id."""
    with connection.cursor() as cursor:
        cursor.execute(KNOWN_NOW, [keys])
        return {key: json.loads(facts) for key, facts in cursor.fetchall()}


def _defaults(frame: Frame) -> str:
    """What is known of somebody new of whom the file says nothing."""
    known = {
        "language": frame.language or None,
        "team": frame.team,
    }
    plain: dict[str, Any] = {
        "country": frame.country,
        "bill_medium": Customer.BillMedium.PAPER.value,
        "bill_day": None,
        "note": "",
        "street": "",
        "postcode": "",
        "city": "",
        "phones": [],
        "emails": [],
    }
    return json.dumps(plain | {name: value for name, value in known.items() if value})


def write(*, row: Import, batch: ImportBatch, frame: Frame, by: Actor, at: datetime) -> Written:
    """Writes the good lines of a batch. Who was forgotten since they were checked is left alone."""
    values: dict[str, Any] = {
        "import": row.pk,
        "batch": batch.number,
        "first": batch.first,
        "last": batch.last,
        "defaults": _defaults(frame),
        "at": at,
    }
    values["gone"] = gone(values)
    with connection.cursor() as cursor:
        cursor.execute(CLEARED)
        cursor.execute(TOLD, values)
        customers.hold([pk for (pk,) in _all(cursor, KNOWN)])
        bad = _late(cursor, values)
        cursor.execute(WAS)
        counts = Counter(same=_run(cursor, SAME_AGAIN))
        counts["new"] = _run(cursor, NUMBERED)
        cursor.execute(WHOLE, values)
        cursor.execute("ANALYZE told")
        _write(cursor, values)
        forgotten.bar(pk for (pk,) in _all(cursor, BARRED))
        counts["changed"] = _run(cursor, NOTED, values) - counts["new"]
    return Written(counts, bad)


def _late(cursor: CursorWrapper, values: dict[str, Any]) -> list[Judged]:
    reasons = _reasons()
    cursor.execute(LATE, values)
    return [Judged(pk, BAD, "external_id", reasons[why]) for pk, why in cursor.fetchall()]


def _write(cursor: CursorWrapper, values: dict[str, Any]) -> None:
    for statement in WRITING:
        cursor.execute(statement, values if "%(" in statement else None)


def _run(cursor: CursorWrapper, statement: str, values: dict[str, Any] | None = None) -> int:
    cursor.execute(statement, values)
    return int(cursor.rowcount)


def _all(cursor: CursorWrapper, statement: str) -> list[tuple[Any, ...]]:
    cursor.execute(statement)
    return list(cursor.fetchall())


# --- and back --------------------------------------------------------------------------------

# What was changed since stays as it is: the hash of what stands now is another.
TAKEN_BACK = f"""
CREATE TEMPORARY TABLE told ON COMMIT DROP AS
SELECT m.line, m.id AS change_id, m.customer_id, m.was AS facts, f.facts AS was, false AS new
FROM crm_importchange m JOIN crm_customer c ON c.id = m.customer_id, LATERAL ({CURRENT}) f
WHERE m.of_id = %(import)s AND m.batch = %(batch)s AND m.outcome = ''
    AND c.erased_at IS NULL AND md5(f.facts::text) = m.left_as
"""  # noqa: S608
CAME_NEW = "SELECT customer_id FROM told WHERE facts IS NULL"
MET = "DELETE FROM told WHERE facts IS NULL AND customer_id = ANY(%(met)s)"
# Somebody who came new is made nobody: the row stays, because the feed of changes tells of it.
NOBODY = """
UPDATE told SET facts = was || '{"name": "", "folded_name": "", "note": "", "street": "",
    "postcode": "", "city": "", "phones": [], "emails": []}', new = true WHERE facts IS NULL
"""
EMPTIED = """
UPDATE crm_customer c SET external_id = NULL, erased_at = %(at)s, erased_by = %(by)s
FROM told t WHERE c.id = t.customer_id AND t.new
"""
GATE_BACK = """
INSERT INTO crm_gatechange (customer_id, cause, at)
SELECT customer_id, 'numbers_changed', %(at)s::timestamptz FROM told
WHERE was->'phones' <> facts->'phones' OR was->'country' <> facts->'country'
"""
OUTCOMES = """
UPDATE crm_importchange m SET outcome = CASE WHEN EXISTS (
    SELECT FROM told t WHERE t.change_id = m.id) THEN 'undone' ELSE 'left' END
WHERE m.of_id = %(import)s AND m.batch = %(batch)s AND m.outcome = ''
"""
BACK = (TEXTS, ADDRESSES, NUMBERS_GONE, NUMBERS, EMAILS_GONE, EMAILS, EMPTIED, GATE_BACK)
CANDIDATES = """
SELECT customer_id FROM crm_importchange WHERE of_id = %(import)s AND batch = %(batch)s
"""


def undo(*, row: Import, batch: int, by: Actor, at: datetime) -> Counter[str]:
    """Takes the changes of a batch back; what was changed since is left."""
    values: dict[str, Any] = {"import": row.pk, "batch": batch, "at": at, "by": by.code}
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, values)
        customers.hold([pk for (pk,) in cursor.fetchall()])
        cursor.execute(CLEARED)
        cursor.execute(TAKEN_BACK, values)
        met = _met([pk for (pk,) in _all(cursor, CAME_NEW)])
        cursor.execute(MET, {"met": met})
        cursor.execute(NOBODY)
        cursor.execute("ANALYZE told")
        cursor.execute(CHANGED)
        for statement in BACK:
            cursor.execute(statement, values if "%(" in statement else None)
        total = _run(cursor, OUTCOMES, values)
        cursor.execute("SELECT count(*) FROM told")
        undone = int(cursor.fetchone()[0])
    return Counter(undone=undone, left=total - undone)


# What comes with every customer, or tells only that something changed.
COMES_ALONG = {"CustomerText", "PhoneNumber", "EmailAddress", "PostalAddress", "GateChange"}


def _met(ids: list[int]) -> list[int]:
    """Those of whom something else is known by now: a call, a promise, a wish, a contract."""
    found: set[int] = set()
    for relation in Customer._meta.related_objects:
        model, name = relation.related_model, relation.field.name
        if isinstance(model, str) or model.__name__ in {*COMES_ALONG, "ImportChange"}:
            continue
        rows = model._default_manager.filter(**{f"{name}__in": ids})
        found |= set(rows.values_list(name, flat=True))
    return sorted(found)
