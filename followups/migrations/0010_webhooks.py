"""Webhooks out: endpoints, their messages, and how far the events have been read."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0009_consents_and_overrides"),
        ("offers", "0006_webhook_cursors"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookCursor",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("house", models.BigIntegerField()),
                ("xact", models.BigIntegerField()),
                ("since_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="WebhookEndpoint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.SlugField(max_length=32, unique=True)),
                ("url", models.CharField(max_length=500)),
                (
                    "types",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), size=None
                    ),
                ),
                ("secret", models.CharField(max_length=100)),
                ("old_secret", models.CharField(blank=True, max_length=100)),
                ("old_secret_until_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=40)),
                ("changed_at", models.DateTimeField(blank=True, null=True)),
                ("changed_by", models.CharField(blank=True, max_length=40)),
                ("rotated_at", models.DateTimeField(blank=True, null=True)),
                ("rotated_by", models.CharField(blank=True, max_length=40)),
                ("off_at", models.DateTimeField(blank=True, null=True)),
                ("off_by", models.CharField(blank=True, max_length=40)),
                ("off_cause", models.CharField(blank=True, max_length=20)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("failing_since_at", models.DateTimeField(blank=True, null=True)),
                ("rests_until_at", models.DateTimeField(blank=True, null=True)),
                ("last_ok_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="WebhookMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("promise", "Promise"),
                            ("gate", "Gate"),
                            ("delivery", "Delivery"),
                            ("evidence", "Evidence"),
                            ("test", "Test"),
                        ],
                        max_length=8,
                    ),
                ),
                ("source_id", models.BigIntegerField()),
                ("type", models.CharField(max_length=40)),
                ("at", models.DateTimeField()),
                ("queued_at", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("claimed", "being sent"),
                            ("delivered", "delivered"),
                            ("dead", "given up"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("token", models.PositiveIntegerField(default=0)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(null=True)),
                ("settled_at", models.DateTimeField(null=True)),
                ("last_status", models.PositiveSmallIntegerField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=20)),
                ("replayed_at", models.DateTimeField(null=True)),
                ("replayed_by", models.CharField(blank=True, max_length=40)),
            ],
        ),
        migrations.AddIndex(
            model_name="promiseevent",
            index=models.Index(
                condition=models.Q(
                    ("cause__in", ("made", "proven", "called_back", "reopened", "broken"))
                ),
                fields=["xact"],
                name="promise_turn_cursor",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookcursor",
            constraint=models.CheckConstraint(
                condition=models.Q(("id", 1)), name="one_webhook_cursor"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("off_at__isnull", True), ("off_by", ""), ("off_cause", "")),
                    models.Q(
                        ("off_at__isnull", False),
                        models.Q(("off_by", ""), _negated=True),
                        models.Q(("off_cause", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="webhook_endpoint_off_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("changed_at__isnull", True),
                    models.Q(("changed_by", ""), _negated=True),
                    _connector="XOR",
                ),
                name="webhook_endpoint_changed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rotated_at__isnull", True),
                    models.Q(("rotated_by", ""), _negated=True),
                    _connector="XOR",
                ),
                name="webhook_endpoint_rotated_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookendpoint",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("old_secret_until_at__isnull", True),
                    models.Q(("old_secret", ""), _negated=True),
                    _connector="XOR",
                ),
                name="webhook_old_secret_has_its_end",
            ),
        ),
        migrations.AddField(
            model_name="webhookmessage",
            name="endpoint",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="followups.webhookendpoint",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookmessage",
            index=models.Index(
                condition=models.Q(("status__in", ["pending", "claimed"])),
                fields=["endpoint", "next_try_at"],
                name="webhook_due",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookmessage",
            index=models.Index(
                condition=models.Q(("status", "dead")),
                fields=["endpoint", "id"],
                name="webhook_dead",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookmessage",
            index=models.Index(fields=["endpoint", "id"], name="webhook_of_endpoint"),
        ),
        migrations.AddIndex(
            model_name="webhookmessage",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", False)),
                fields=["settled_at"],
                name="webhook_settled",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookmessage",
            constraint=models.UniqueConstraint(
                fields=("endpoint", "source", "source_id"), name="webhook_once_per_endpoint"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("next_try_at__isnull", False),
                        ("settled_at__isnull", True),
                        ("status__in", ["pending", "claimed"]),
                    ),
                    models.Q(
                        ("next_try_at__isnull", True),
                        ("settled_at__isnull", False),
                        ("status__in", ["delivered", "dead"]),
                    ),
                    _connector="OR",
                ),
                name="webhook_waits_or_is_settled",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookmessage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("replayed_at__isnull", True),
                    models.Q(("replayed_by", ""), _negated=True),
                    _connector="XOR",
                ),
                name="webhook_replayed_by_somebody",
            ),
        ),
    ]
