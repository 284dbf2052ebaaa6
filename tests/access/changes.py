"""Whether a request changed anything: what PostgreSQL counted in this very transaction."""

from __future__ import annotations

from collections import Counter

from django.db import connection

COUNTED = """
SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables
WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
"""
# Who is logged in and who guesses; what a key last did. Nothing of the work.
BESIDES = {"django_session", "kept_counters", "crm_apikey"}


def counted() -> Counter[str]:
    """Rows written until now in this transaction, by table; partitions by their own names."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTED)
        return Counter({name: n for name, n in cursor.fetchall() if name not in BESIDES})


def since(before: Counter[str]) -> dict[str, int]:
    """What was written after that, by table."""
    return dict(counted() - before)
