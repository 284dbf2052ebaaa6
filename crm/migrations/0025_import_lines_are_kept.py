"""What is staged survives a crash of the database, and with it which lines were bad, and why."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0024_house"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE crm_importline SET LOGGED", "ALTER TABLE crm_importline SET UNLOGGED"
        ),
    ]
