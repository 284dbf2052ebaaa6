"""The audit chain: a stretch in every ledger, and the seals over them.

The seal that was never made (AuditSeal) goes. A stretch comes as a column without a default first:
with one, every row of the table would be written anew. What stands there already keeps a null, and
is taken by the first seal.
"""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import crm.columns

# Its value is read with the first row: without a first value there would be none to read.
SEQUENCE = "CREATE SEQUENCE crm_stretch; SELECT nextval('crm_stretch')"
STRETCH = """
ALTER TABLE {table} ADD COLUMN stretch bigint NULL;
ALTER TABLE {table} ALTER COLUMN stretch SET DEFAULT
    (CASE WHEN pg_current_xact_id() IS NOT NULL
        THEN pg_sequence_last_value('crm_stretch'::regclass) END);
CREATE INDEX {table}_stretch ON {table} (stretch);
"""


def add_stretch(app: str, model: str) -> migrations.RunSQL:
    """The column of a ledger, with its index, and what the models are told of it."""
    table = f"{app}_{model}"
    field = migrations.AddField(model_name=model, name="stretch", field=crm.columns.StretchField())
    return migrations.RunSQL(
        STRETCH.format(table=table),
        f"ALTER TABLE {table} DROP COLUMN stretch",
        state_operations=[field],
    )


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0027_forgetting"),
    ]

    operations = [
        migrations.RunSQL(SEQUENCE, "DROP SEQUENCE crm_stretch"),
        migrations.CreateModel(
            name="Pruned",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ledger", models.CharField(max_length=63)),
                ("part", models.CharField(max_length=7)),
                ("rows", models.PositiveBigIntegerField()),
                ("up_to_seal", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("by", models.CharField(max_length=40)),
                ("stretch", crm.columns.StretchField()),
            ],
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("after_stretch", models.BigIntegerField()),
                ("stretch", models.BigIntegerField()),
                ("rows", models.PositiveBigIntegerField()),
                ("previous_hash", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                ("sealed_at", models.DateTimeField(db_index=True)),
                ("sealed_by", models.CharField(max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name="SealForm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ledger", models.CharField(max_length=63)),
                ("columns", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="SealPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("part", models.CharField(blank=True, max_length=7)),
                ("block", models.PositiveIntegerField()),
                ("rows", models.PositiveIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                ("manifest", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Turn",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("stretch", models.BigIntegerField()),
                ("xact", models.BigIntegerField(null=True)),
                ("house", models.BigIntegerField()),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.DeleteModel(
            name="AuditSeal",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="attemptrevision",
            name="attempt_revision_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="auditentry",
            name="audit_entry_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="calendarversion",
            name="calendar_version_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="gatechange",
            name="gate_change_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="importevent",
            name="import_event_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="preference",
            name="preference_no_truncate",
        ),
        add_stretch("crm", "attemptrevision"),
        add_stretch("crm", "auditentry"),
        add_stretch("crm", "calendarversion"),
        add_stretch("crm", "gatechange"),
        add_stretch("crm", "importevent"),
        add_stretch("crm", "preference"),
        pgtrigger.migrations.AddTrigger(
            model_name="attemptrevision",
            trigger=pgtrigger.compiler.Trigger(
                name="attempt_revision_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="2248835c743eac82d24f4736c2a5eb5c162d44cf",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_attempt_revision_no_truncate_e2d1c",
                    table="crm_attemptrevision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditentry",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_entry_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="a934e776220847120e0a7b37762f0883ce21dce5",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_audit_entry_no_truncate_5e2ce",
                    table="crm_auditentry",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calendarversion",
            trigger=pgtrigger.compiler.Trigger(
                name="calendar_version_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="aaefe52de461605349270d88c9a4459671468b0e",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_calendar_version_no_truncate_6bb86",
                    table="crm_calendarversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="gatechange",
            trigger=pgtrigger.compiler.Trigger(
                name="gate_change_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="52d39b548da1585e5fe3449e853a1bc92e17561b",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_gate_change_no_truncate_71d4f",
                    table="crm_gatechange",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="importevent",
            trigger=pgtrigger.compiler.Trigger(
                name="import_event_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="abe688490e15bf825c3e33c12d3a1a699acba982",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_import_event_no_truncate_1d034",
                    table="crm_importevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="preference",
            trigger=pgtrigger.compiler.Trigger(
                name="preference_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="8aede4be6c44118a4f2517f6782ae213b0c7ce9e",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_preference_no_truncate_d4ca4",
                    table="crm_preference",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="pruned",
            constraint=models.UniqueConstraint(fields=("ledger", "part"), name="pruned_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pruned",
            trigger=pgtrigger.compiler.Trigger(
                name="pruned_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a87730235d7e027c9e3d16460b66d212b4912b0a",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_pruned_append_only_a45c4",
                    table="crm_pruned",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pruned",
            trigger=pgtrigger.compiler.Trigger(
                name="pruned_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="db35bfdd08b96d306e7fbade8aa246cebd55505f",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_pruned_no_truncate_a4cd3",
                    table="crm_pruned",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="seal",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a16c10ef66b767905e774328691fcd9db12650ce",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_seal_append_only_b1d5e",
                    table="crm_seal",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="seal",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="da1f11e23fc20ebffbbd802dedc4e91a82f65269",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_seal_no_truncate_2692d",
                    table="crm_seal",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="sealform",
            constraint=models.UniqueConstraint(fields=("ledger", "columns"), name="seal_form_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sealform",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_form_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="9e2d8752925259f3f19f6e523fc8811393999c4f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_seal_form_append_only_72d85",
                    table="crm_sealform",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sealform",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_form_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="92aba6234cb350e15368fdd0cd98a85958bb8a07",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_seal_form_no_truncate_6814f",
                    table="crm_sealform",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="sealpart",
            name="form",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, to="crm.sealform"
            ),
        ),
        migrations.AddField(
            model_name="sealpart",
            name="seal",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="crm.seal"
            ),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="one_turn"),
        ),
        migrations.AddConstraint(
            model_name="sealpart",
            constraint=models.UniqueConstraint(
                fields=("seal", "form", "part", "block"), name="seal_part_once"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sealpart",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_part_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="534cc11b5c2b4ed3eff0bd4e1681aa8f9edc3818",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_seal_part_append_only_5cdf6",
                    table="crm_sealpart",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sealpart",
            trigger=pgtrigger.compiler.Trigger(
                name="seal_part_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="104b6de9ee114ddbffdd5b7d08e06d837f8aa6f1",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_seal_part_no_truncate_21826",
                    table="crm_sealpart",
                    when="BEFORE",
                ),
            ),
        ),
    ]
