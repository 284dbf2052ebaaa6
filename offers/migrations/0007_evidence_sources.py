"""Print and mail providers that sign what they report."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("offers", "0006_webhook_cursors")]

    operations = [
        migrations.CreateModel(
            name="EvidenceSource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.SlugField(max_length=30, unique=True)),
                (
                    "carries",
                    models.CharField(
                        choices=[("paper", "letters and inserts"), ("mail", "mails")], max_length=5
                    ),
                ),
                ("shared_secret", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("created_by", models.CharField(max_length=40)),
                ("rotated_at", models.DateTimeField(blank=True, null=True)),
                ("rotated_by", models.CharField(blank=True, max_length=40)),
                ("off_at", models.DateTimeField(blank=True, null=True)),
                ("off_by", models.CharField(blank=True, max_length=40)),
            ],
            options={"ordering": ["name"]},
        ),
        migrations.AddConstraint(
            model_name="evidencesource",
            constraint=models.CheckConstraint(
                condition=models.Q(("shared_secret", ""), _negated=True),
                name="evidence_source_has_a_secret",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidencesource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("off_at__isnull", True),
                    models.Q(("off_by", ""), _negated=True),
                    _connector="XOR",
                ),
                name="evidence_source_off_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="evidencesource",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("rotated_at__isnull", True),
                    models.Q(("rotated_by", ""), _negated=True),
                    _connector="XOR",
                ),
                name="evidence_source_rotated_by_somebody",
            ),
        ),
    ]
