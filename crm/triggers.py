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
