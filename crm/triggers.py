"""Triggers that several tables share: append-only rows, and no state change without its event."""

from __future__ import annotations

import pgtrigger


def append_only(*, name: str) -> list[pgtrigger.Trigger]:
    """No UPDATE, no DELETE, no TRUNCATE: what was written stays.

    The test suite empties tables by TRUNCATE. Only a database that a test runner made lets it
    (its name begins with `test_`), and only connections whose `kept.flush` is `allowed`
    (tests/conftest.py sets it). Production refuses a database of that name (config/checks.py).
    """
    return [
        pgtrigger.Protect(
            name=f"{name}_append_only", operation=pgtrigger.Update | pgtrigger.Delete
        ),
        pgtrigger.Trigger(
            name=f"{name}_no_truncate",
            operation=pgtrigger.Truncate,
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            func="""
                IF current_database() LIKE 'test\\_%'
                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN
                    RETURN NULL;
                END IF;
                RAISE EXCEPTION 'this table is append-only';
            """,
        ),
    ]


def fixed_until_forgotten(
    *, name: str, customer: str, blanked: str = ""
) -> list[pgtrigger.Trigger]:
    """What was written stays, until its customer was forgotten: then the row may be deleted, and
    its columns `blanked` emptied. Such a table is no ledger: what a ledger holds names nobody.

    `customer` is a statement that finds the customer of OLD. All are words of ours, never input.
    """
    fixed = pgtrigger.Trigger(
        name=f"{name}_fixed",
        operation=pgtrigger.Update | pgtrigger.Delete,
        when=pgtrigger.Before,
        func=f"""
            IF EXISTS (SELECT FROM crm_customer c
                    WHERE c.id = ({customer}) AND c.erased_at IS NOT NULL) THEN
                IF TG_OP = 'DELETE' THEN
                    RETURN OLD;
                ELSIF to_jsonb(NEW) - '{{{blanked}}}'::text[]
                        = to_jsonb(OLD) - '{{{blanked}}}'::text[] THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME;
        """,
    )
    return [fixed, *append_only(name=name)[1:]]


def change_has_event(*, name: str, events: str, column: str) -> pgtrigger.Trigger:
    """At COMMIT, a row whose status was set must have an event of this transaction that says so.

    `events` is the table of events and `column` its reference to the row. Both are names of
    ours, never input.
    """
    return pgtrigger.Trigger(
        name=f"{name}_has_event",
        operation=pgtrigger.Insert | pgtrigger.UpdateOf("status"),
        when=pgtrigger.After,
        timing=pgtrigger.Deferred,
        func=f"""
            IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
                RETURN NULL;
            END IF;
            IF NOT EXISTS (
                SELECT 1 FROM {events}
                WHERE {column} = NEW.id AND to_status = NEW.status
                  AND xact = pg_current_xact_id()::text::bigint
            ) THEN
                RAISE EXCEPTION '{name} %: a state change needs its event', NEW.id
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NULL;
        """,  # noqa: S608 (names of ours, no input)
    )
