"""System checks: what must hold before anything starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

# Without these a committed promise could be lost with the power; fsync is the server's duty.
DURABLE = {"fsync": "on", "full_page_writes": "on"}


@register(Tags.security, deploy=True)
def no_demo_in_production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Demo users and the time control exist only on a loopback address."""
    if settings.KEPT_DEMO:
        return [Error("KEPT_DEMO is on.", hint="Unset it.", id="kept.E001")]
    return []


@register(Tags.security, deploy=True)
def somebody_listens(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The demo's intake has no place in production."""
    if settings.BOUNCE_INTAKE == "sink":
        return [Error("BOUNCE_INTAKE is the demo's.", hint="Set it to pipe.", id="kept.E002")]
    return []


@register(Tags.security, deploy=True)
def no_test_database(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """In a database of that name the ledgers can be emptied (crm/triggers.py)."""
    if str(settings.DATABASES["default"]["NAME"]).startswith("test_") and not settings.TESTING:
        hint = "Give the database another name."
        return [Error("The database is called test_…", hint=hint, id="kept.E005")]
    return []


@register(Tags.database)
def durable_database(
    app_configs: Any, databases: Iterable[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """PostgreSQL 15 or newer, and one that keeps what it has committed (`check --database`)."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            if int(cursor.fetchone()[0]) < 150000:
                found.append(Error("PostgreSQL 15 or newer is needed.", id="kept.E003"))
            for name, wanted in DURABLE.items():
                cursor.execute("SELECT current_setting(%s)", [name])
                if cursor.fetchone()[0] != wanted and not settings.TESTING:
                    hint = "An acknowledged promise must survive a power cut."
                    found.append(Error(f"{name} is not {wanted}.", hint=hint, id="kept.E004"))
    return found
