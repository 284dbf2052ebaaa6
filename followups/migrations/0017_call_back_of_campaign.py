import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0016_entry_follows_team"),
        ("followups", "0016_lease_of_holder"),
    ]
    operations = [
        migrations.AddField(
            model_name="promise",
            name="campaign",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="crm.campaign",
            ),
        ),
    ]
