"""What others call an event, such as a Message-ID, is kept as a keyed hash: also of older rows.

Evidence is append-only, so this happens here once, before anything of it is sealed.
"""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

FOUND = """
SELECT id, event_id FROM offers_evidence
WHERE id > %s AND (source = 'mail' OR source LIKE 'esp:%%' OR source LIKE 'provider:%%')
ORDER BY id LIMIT 5000
"""
NAMED = """
UPDATE offers_evidence e SET event_id = g.name
FROM unnest(%s::bigint[], %s::text[]) AS g (id, name) WHERE e.id = g.id
"""


def forwards(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    pepper = settings.HASH_PEPPER.encode()
    with editor.connection.cursor() as cursor:
        cursor.execute("ALTER TABLE offers_evidence DISABLE TRIGGER USER")
        last = 0
        while True:
            cursor.execute(FOUND, [last])
            rows = cursor.fetchall()
            if not rows:
                break
            # As offers.evidence.named does, at the time of this release.
            names = [
                hmac.digest(pepper, f"event\n{name}".encode(), hashlib.sha256)[:16].hex()
                for _pk, name in rows
            ]
            cursor.execute(NAMED, [[pk for pk, _name in rows], names])
            last = rows[-1][0]
        cursor.execute("ALTER TABLE offers_evidence ENABLE TRIGGER USER")


class Migration(migrations.Migration):
    dependencies = [("offers", "0009_forgetting")]
    # A hash is not turned back: what reported it before is not recognised by the older release.
    operations = [migrations.RunPython(forwards, migrations.RunPython.noop)]
