"""The index of attempted numbers leaves out the attempts that have none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0003_dispositions"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attempttext",
            name="number",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddIndex(
            model_name="attempttext",
            index=models.Index(
                condition=models.Q(("number", ""), _negated=True),
                fields=["number"],
                name="attempt_of_number",
            ),
        ),
    ]
