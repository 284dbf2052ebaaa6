"""The audit is read by person and by act, newest first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0021_counters")]
    operations = [
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["by", "-id"], name="audit_by_whom"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["action", "-id"], name="audit_of_action"),
        ),
    ]
