"""The table of Django's cache: guesses and used codes, counted for all processes together."""

from django.db import migrations

MAKE = """
CREATE TABLE kept_counters (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX kept_counters_expires ON kept_counters (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0020_entry_follows_team")]
    operations = [migrations.RunSQL(MAKE, "DROP TABLE kept_counters")]
