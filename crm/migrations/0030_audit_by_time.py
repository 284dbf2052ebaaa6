"""The audit is read by days without reading what lies before and after them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("crm", "0029_replies_under_seal")]
    operations = [
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["at"], name="audit_by_time"),
        ),
    ]
