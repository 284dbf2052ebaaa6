"""How each call to sell was made: in spite of the gate, and whether anybody had asked."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0012_asked_before_a_call"),
        ("followups", "0011_override_requests"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConductMark",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("house", models.BigIntegerField()),
                ("xact", models.BigIntegerField()),
                ("attempt", models.BigIntegerField(default=0)),
                ("whole", models.BooleanField(default=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("id", 1)), name="one_mark")
                ],
            },
        ),
        migrations.CreateModel(
            name="Conduct",
            fields=[
                (
                    "attempt",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="conduct",
                        serialize=False,
                        to="crm.attempt",
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("source", models.CharField(max_length=40)),
                (
                    "in_spite",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=20), default=list, size=None
                    ),
                ),
                (
                    "asked",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("decision", "the gate, before this call"),
                            ("scrub", "the gate, with a list of that day"),
                            ("none", "nobody"),
                        ],
                        max_length=8,
                    ),
                ),
                ("policy", models.CharField(blank=True, max_length=41)),
                ("judged_at", models.DateTimeField()),
                ("xact", models.BigIntegerField()),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(null=True)),
                (
                    "team",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, to="crm.team"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("in_spite", []), _negated=True),
                        fields=["started_at"],
                        name="conduct_in_spite",
                    ),
                    models.Index(
                        condition=models.Q(("asked", "none")),
                        fields=["started_at", "team", "source"],
                        name="conduct_unasked",
                    ),
                    models.Index(
                        condition=models.Q(("next_try_at__isnull", False)),
                        fields=["next_try_at"],
                        name="conduct_again",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("asked", ""), ("failures__gt", 0), ("in_spite", [])),
                            models.Q(
                                models.Q(("asked", ""), _negated=True),
                                ("failures", 0),
                                ("next_try_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="conduct_judged_or_failed",
                    )
                ],
            },
        ),
    ]
