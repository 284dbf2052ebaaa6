"""Evidence knows its transaction, so that a sweep can read what was committed since it looked."""

from django.db import migrations, models

import crm.columns

# The default comes after the column: with it, every row of the table would be written anew. What
# stands there already keeps a null, and nobody outside is told of it.
ADD = """
ALTER TABLE offers_evidence ADD COLUMN xact bigint NULL;
ALTER TABLE offers_evidence ALTER COLUMN xact SET DEFAULT (pg_current_xact_id()::text::bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("offers", "0005_paper_codes_and_answers"),
    ]

    operations = [
        migrations.RunSQL(
            sql=ADD,
            reverse_sql="ALTER TABLE offers_evidence DROP COLUMN xact",
            state_operations=[
                migrations.AddField(
                    model_name="evidence",
                    name="xact",
                    field=crm.columns.XactField(null=True),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="deliveryevent",
            index=models.Index(
                condition=models.Q(("to_status", "unknown")),
                fields=["xact"],
                name="delivery_doubt_cursor",
            ),
        ),
        migrations.AddIndex(
            model_name="evidence",
            index=models.Index(
                condition=models.Q(
                    (
                        "kind__in",
                        (
                            "relay_accepted",
                            "relayed",
                            "print_accepted",
                            "batch_mailed",
                            "delivered",
                            "posted",
                            "failed",
                            "returned",
                        ),
                    )
                ),
                fields=["xact"],
                name="evidence_cursor",
            ),
        ),
    ]
