import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0020_entry_follows_team"),
        ("followups", "0021_lease_of_holder"),
    ]
    operations = [
        migrations.AddField(
            model_name="promise",
            name="campaign",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="crm.campaign",
            ),
        ),
    ]
