"""Numbers of people who were forgotten, in the gate: their customers', and those of nobody."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("followups.migrations.0009_consents_and_overrides")
AGAIN = BEFORE.FACTS.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
BARRED = """UNION ALL
-- Somebody who had a number of theirs was forgotten: only a keyed hash of it is kept.
SELECT n.customer_id, 'dnc_company', NULL, NULL, NULL
FROM crm_phonenumber n WHERE n.customer_id = ANY(people) AND n.barred
UNION ALL
SELECT NULL, 'dnc_company', k.at, NULL, NULL
FROM crm_forgottenmark k WHERE k.mark = hashed AND k.kind = 'number' AND k.lifted_at IS NULL
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0026_board"),
        ("crm", "0027_forgetting"),
    ]
    operations = [
        migrations.RunSQL(AGAIN.strip().removesuffix("$$") + BARRED, AGAIN),
    ]
