"""What was asked before a call may be told late, and a source that is silent is told of once."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import crm.columns


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0011_policy_version_stands"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="attempt",
            name="attempt_is_immutable",
        ),
        migrations.AddField(
            model_name="attempt",
            name="scrub_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="attempt",
            name="xact",
            field=crm.columns.XactField(),
        ),
        migrations.AddField(
            model_name="callsource",
            name="silence_told_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("direction", "outbound"), ("purpose__in", ["sales", "survey"])),
                fields=["xact", "id"],
                name="attempt_to_judge",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attempt",
            trigger=pgtrigger.compiler.Trigger(
                name="attempt_is_immutable",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."campaign_id" IS DISTINCT FROM (NEW."campaign_id") OR OLD."customer_id" IS DISTINCT FROM (NEW."customer_id") OR OLD."direction" IS DISTINCT FROM (NEW."direction") OR OLD."external_id" IS DISTINCT FROM (NEW."external_id") OR OLD."logged_at" IS DISTINCT FROM (NEW."logged_at") OR OLD."logged_by" IS DISTINCT FROM (NEW."logged_by") OR OLD."purpose" IS DISTINCT FROM (NEW."purpose") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."started_at" IS DISTINCT FROM (NEW."started_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="97870d6a7633748a76c5341fde0a51eba22f651a",
                    operation="UPDATE",
                    pgid="pgtrigger_attempt_is_immutable_63cea",
                    table="crm_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attempt",
            trigger=pgtrigger.compiler.Trigger(
                name="attempt_asked_once",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN ((OLD."decision_id" IS DISTINCT FROM (NEW."decision_id") AND OLD."decision_id" IS NOT NULL) OR (OLD."scrub_id" IS DISTINCT FROM (NEW."scrub_id") AND OLD."scrub_id" IS NOT NULL))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="56802818abfecf6e44f486fcc05ec3f6496e1d57",
                    operation="UPDATE",
                    pgid="pgtrigger_attempt_asked_once_189a2",
                    table="crm_attempt",
                    when="BEFORE",
                ),
            ),
        ),
    ]
