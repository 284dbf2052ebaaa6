from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("followups", "0023_one_call_back_each")]
    operations = [
        migrations.AddConstraint(
            model_name="promise",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "callback"), ("status", "open")),
                fields=("customer", "campaign"),
                name="one_open_call_back",
                nulls_distinct=False,
            ),
        ),
    ]
