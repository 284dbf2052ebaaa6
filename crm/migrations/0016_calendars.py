import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0015_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="team",
            name="coming",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.CreateModel(
            name="WorkCalendar",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=80)),
                ("made_at", models.DateTimeField()),
                ("made_by", models.CharField(max_length=40)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        django.db.models.functions.text.Lower("name"), name="calendar_name_once"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="team",
            name="works_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="teams",
                to="crm.workcalendar",
            ),
        ),
        migrations.CreateModel(
            name="CalendarVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("valid_from", models.DateField(blank=True, null=True)),
                ("hours", models.JSONField()),
                ("made_at", models.DateTimeField()),
                ("made_by", models.CharField(max_length=40)),
                (
                    "calendar",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="versions",
                        to="crm.workcalendar",
                    ),
                ),
            ],
            options={
                "ordering": ["calendar", "-number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("calendar", "number"), name="calendar_version_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("number", 1), ("valid_from__isnull", True)),
                            models.Q(("number__gt", 1), ("valid_from__isnull", False)),
                            _connector="OR",
                        ),
                        name="calendar_first_version_holds_before",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calendarversion",
            trigger=pgtrigger.compiler.Trigger(
                name="calendar_version_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="203fcef60e54d86c597040c0a2e4de994d84a1ec",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_calendar_version_append_only_0b472",
                    table="crm_calendarversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calendarversion",
            trigger=pgtrigger.compiler.Trigger(
                name="calendar_version_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="b772506d2e2c585172b90cb3c23eebb1881e889e",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_calendar_version_no_truncate_6bb86",
                    table="crm_calendarversion",
                    when="BEFORE",
                ),
            ),
        ),
    ]
