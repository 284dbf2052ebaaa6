"""The closed list of dispositions with their flags."""

from django.db import migrations

#          code                contact refusal dnc    callback promise final
ROWS = [
    ("accepted", True, False, False, False, False, True),
    ("declined", True, True, False, False, False, True),
    ("wants_in_writing", True, False, False, False, True, False),
    ("undecided", True, False, False, False, False, False),
    ("callback_set", True, False, False, True, False, False),
    ("not_right_party", True, False, False, False, False, False),
    ("language_barrier", True, False, False, False, False, False),
    ("complaint", True, False, False, False, False, False),
    ("refused_contact", True, True, True, False, False, True),
    ("deceased", True, False, False, False, False, True),
    ("technical", False, False, False, False, False, False),
    ("other", True, False, False, False, False, False),
]


def fill(apps, schema_editor):
    disposition = apps.get_model("crm", "Disposition")
    for position, (code, contact, refusal, dnc, callback, promise, final) in enumerate(ROWS):
        disposition.objects.create(
            code=code,
            position=position,
            contact=contact,
            refusal=refusal,
            do_not_call=dnc,
            callback=callback,
            promise=promise,
            final=final,
        )


def empty(apps, schema_editor):
    apps.get_model("crm", "Disposition").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("crm", "0002_clock")]
    operations = [migrations.RunPython(fill, empty)]
