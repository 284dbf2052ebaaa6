"""Runs of the scrub: one row for each list that was judged."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0005_preferences"),
        ("followups", "0005_lighter_gate"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScrubRun",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(choices=[("list", "list"), ("batch", "batch")], max_length=5),
                ),
                ("at", models.DateTimeField(db_index=True)),
                ("by", models.CharField(max_length=40)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("sales", "sales"),
                            ("survey", "survey"),
                            ("service", "service"),
                            ("callback", "call-back"),
                        ],
                        max_length=10,
                    ),
                ),
                ("policy", models.CharField(max_length=40)),
                ("rows_read", models.PositiveBigIntegerField()),
                ("rows_denied", models.PositiveBigIntegerField()),
                ("codes", models.JSONField()),
                ("valid_until_at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to="crm.campaign"
                    ),
                ),
            ],
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="scrubrun",
            trigger=pgtrigger.compiler.Trigger(
                name="scrub_run_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="0c0feab20b6faaac9f03f38806da5b3b76ead71d",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_scrub_run_append_only_b1b14",
                    table="followups_scrubrun",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="scrubrun",
            trigger=pgtrigger.compiler.Trigger(
                name="scrub_run_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="387a0e32881daede004fe05de201bc956bea5e53",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_scrub_run_no_truncate_394ec",
                    table="followups_scrubrun",
                    when="BEFORE",
                ),
            ),
        ),
    ]
