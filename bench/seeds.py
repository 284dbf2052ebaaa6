"""The people of a bench: customers and open promises by generate_series, always the same."""

from __future__ import annotations

import hashlib
import json

from psycopg import sql

from bench.rig import KEY, KEY_ID, Rig
from crm import workdays
from followups import ladder

OWED = 3  # in a hundred of a crowd
SCOPES = ["gate:read", "feed:read", "calls:write", "promises:read", "customers:read"]
# These rows refer to what is there: to look up each of them again takes half the time.
UNCHECKED = "SET session_replication_role = replica"
PEOPLE = """
INSERT INTO crm_customer (id, reference, external_id, language, country, bill_medium, team_id,
    generated, created_at, erased_by)
SELECT i, 'C-' || lpad(i::text, 6, '0'), 'bench-' || i, 'fr', 'BE', 'paper', 1, true, now(), ''
FROM generate_series(1, %(people)s) i;
INSERT INTO crm_customertext (customer_id, name, folded_name, note)
SELECT i, 'Generated ' || i, 'generated ' || i, '' FROM generate_series(1, %(people)s) i;
INSERT INTO crm_phonenumber (customer_id, e164, position)
SELECT i, '+3247' || lpad(i::text, 7, '0'), 0 FROM generate_series(1, %(people)s) i;
INSERT INTO crm_emailaddress (customer_id, address, position)
SELECT i, 'g' || i || '@bench.example', 0 FROM generate_series(1, %(people)s) i;
SELECT setval(pg_get_serial_sequence('crm_customer', 'id'), %(people)s + 1);
INSERT INTO offers_offer (id, reference, customer_id, created_at, created_by, withdrawn_by)
SELECT i, 'O-' || lpad(i::text, 6, '0'), i, now(), 'system', ''
FROM generate_series(1, %(people)s) i;
INSERT INTO offers_offerversion (id, offer_id, number, issue_date, valid_days, plan, today_plan,
    today_termination_fee, termination_fee, created_at, created_by)
SELECT i, i, 1, current_date, 30, 'New', 'Old', 0, 0, now(), 'system'
FROM generate_series(1, %(people)s) i;
INSERT INTO crm_attempt (id, source, external_id, customer_id, purpose, agent_id, team_id,
    direction, started_at, logged_at, logged_by, revision, result)
SELECT i, 'bench', i::text, i, 'sales', 1, 1, 'outbound', now() - interval '1 day',
    now() - interval '1 day', 'system', 1, 'answered' FROM generate_series(1, %(people)s) i;
INSERT INTO crm_attempttext (attempt_id, number, note, recording_ref)
SELECT i, '', '', '' FROM generate_series(1, %(people)s) i;
SELECT setval(pg_get_serial_sequence('crm_attempt', 'id'), %(people)s + 1);
"""
# What a transaction checks at its COMMIT, row by row, must not grow with the bench.
AT_ONCE = 5_000
PROMISES = """
BEGIN;
INSERT INTO followups_promise (id, reference, customer_id, attempt_id, kind, made_at, made_by,
    owner_id, team_id, version_id, plan, plan_step, address_accepted_by, required_grade,
    reading_hours, policy, calendar, ladder, due_at, at_risk_at, status, closed_by, broken_by,
    cycle, track, rung, rungs, next_rung_at, failures)
SELECT i, 'B' || lpad(i::text, 7, '0'), i, i, 'send_offer', now() - interval '1 day', 'system',
    1, 1, i, '{{email}}', 0, '', 3, 72, 'none@2026-01-01', {calendar}, {ladder},
    now() + interval '1 day', now() + interval '1 hour', 'open', '', '', 1, 'lateness', 0,
    ARRAY[now() + interval '1 hour'], now() + interval '1 hour', 0
FROM generate_series({first}, {last}) i;
INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause, data)
SELECT i, '', 'open', now() - interval '1 day', 'system', 'made', '{{}}'
FROM generate_series({first}, {last}) i;
COMMIT;
ANALYZE followups_promise, followups_promiseevent;
SELECT setval(pg_get_serial_sequence('followups_promise', 'id'), {last} + 1);
"""

# Beyond those who are owed something: customers with a number each. Of the blocked, three tenths
# are owed a document, six asked not to be called or complained, one was rung a minute ago.
MORE = """
INSERT INTO crm_customer (id, reference, external_id, language, country, bill_medium, team_id,
    generated, created_at, erased_by)
SELECT i, 'D-' || i, 'more-' || i, 'fr', 'BE', 'paper', 1, true, now(), ''
FROM generate_series({owed} + 1, {people}) i;
INSERT INTO crm_phonenumber (customer_id, e164, position)
SELECT i, '+3247' || lpad((i % 10000000)::text, 7, '0'), 0
FROM generate_series({owed} + 1, {people}) i;
INSERT INTO crm_suppression (customer_id, kind, origin, proof, from_at, until_at, created_at,
    created_by, lifted_by, lift_ground, lift_proof)
SELECT i, CASE WHEN i % 3 = 0 THEN 'complaint' ELSE 'dnc_company' END, 'import', '', now(),
    CASE WHEN i % 3 = 0 THEN now() + interval '30 days' END, now(), 'system', '', '', ''
FROM generate_series({owed} + 1, {owed} * 3) i;
INSERT INTO crm_attempt (source, external_id, customer_id, purpose, agent_id, team_id, direction,
    started_at, logged_at, logged_by, revision, result)
SELECT 'bench', 'recent-' || i, i, 'sales', 1, 1, 'outbound', now() - interval '1 minute', now(),
    'system', 1, 'no_answer' FROM generate_series({owed} * 3 + 1, {owed} * 10 / 3) i;
VACUUM ANALYZE
"""


def fill(rig: Rig, *, people: int, promises: int) -> None:
    """`people` customers with a number, an address and an offer; the first `promises` are owed it.

    The heartbeats stand in the future, because no worker runs beside the servers measured.
    """
    calendar = json.dumps(workdays.DEFAULT.to_dict())
    with rig.connect() as connection:
        connection.execute(UNCHECKED)
        connection.execute(
            "INSERT INTO crm_team (id, slug, name, calendar) VALUES (1, 'bench', 'Bench', %s)",
            [calendar],
        )
        connection.execute(
            "INSERT INTO crm_user (id, username, password, role, team_id, language, external_id,"
            " is_superuser, is_staff, is_active, first_name, last_name, email, date_joined)"
            " VALUES (1, 'bench', '!', 'agent', 1, 'en', 'agent-1', false, false, true,"
            " 'Bench', 'Agent', '', now())"
        )
        connection.execute(
            "INSERT INTO crm_apikey (key_id, secret_sha256, name, scopes, purposes, created_at,"
            " created_by, revoked_by, per_minute)"
            # What is measured is the gate, not the limit of a key.
            " VALUES (%s, %s, 'bench', %s, '{}', now(), 'system', '', 10000000)",
            [KEY_ID, hashlib.sha256(KEY.encode()).digest(), SCOPES],
        )
        connection.execute(
            "INSERT INTO crm_heartbeat (name, beat_at) SELECT unnest(%s::text[]), now() +"
            " interval '1 day'",
            [["send", "settle", "reconcile", "intake"]],
        )
        for statement in PEOPLE.split(";\n"):
            if statement.strip():
                values = {"people": people}
                connection.execute(
                    sql.SQL(statement.replace("%(people)s", "{people}")).format(
                        **{k: sql.Literal(v) for k, v in values.items()}
                    )
                )
        parts = {"calendar": calendar, "ladder": json.dumps(ladder.DEFAULT.to_dict())}
        for first in range(1, promises + 1, AT_ONCE):
            connection.execute(
                sql.SQL(PROMISES).format(
                    first=sql.Literal(first),
                    last=sql.Literal(min(first + AT_ONCE - 1, promises)),
                    **{k: sql.SQL("{}::jsonb").format(sql.Literal(v)) for k, v in parts.items()},
                )
            )
        connection.execute("VACUUM ANALYZE")


def crowd(rig: Rig, people: int) -> None:
    """So many customers, of whom the first tenth is blocked (see `blocked`)."""
    owed = people * OWED // 100
    fill(rig, people=owed, promises=owed)
    with rig.connect() as connection:
        connection.execute(UNCHECKED)
        for statement in MORE.split(";\n"):
            values = {"owed": sql.Literal(owed), "people": sql.Literal(people)}
            connection.execute(sql.SQL(statement).format(**values))


def blocked(people: int) -> int:
    """How many of a crowd are blocked: those with the lowest ids and numbers."""
    return people * OWED // 100 * 10 // 3
