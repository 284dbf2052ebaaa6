"""The product's clock: the database's own, plus the demo's offset."""

from django.db import migrations

CREATE = """
CREATE FUNCTION kept_now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT clock_timestamp() + coalesce((SELECT shift FROM crm_clockoffset), interval '0')
$$
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_first")]
    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION kept_now()")]
