"""Version 1 of the ladder that everybody climbs; and what was made of a ladder never changes."""

from datetime import UTC, date, datetime
from typing import Any

from django.db import migrations

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
# As followups.ladder.DEFAULT stood when this was written (a test compares them).
DEFAULT = {
    "name": "default",
    "version": 1,
    "lateness": [
        {"role": "owner", "share": 0.75},
        {"role": "owner_and_team", "hours": 0},
        {"role": "supervisor", "hours": 4},
        {"role": "operations", "days": 1, "next_channel": True},
        {"role": "management", "days": 3, "bill_insert": True},
    ],
    "proof": [
        {"role": "owner", "days": 1},
        {"role": "supervisor", "days": 3, "next_channel": True},
    ],
    "item": {"role": "supervisor", "days": 1},
}
STANDS = """
CREATE FUNCTION kept_ladder_version_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ladder version %: what was made stands', OLD.id;
END $$;
CREATE TRIGGER ladder_version_stands BEFORE UPDATE ON followups_ladderversion
    FOR EACH ROW WHEN (
        OLD.activated_at IS NOT NULL
        OR (OLD.name, OLD.version, OLD.ladder, OLD.copied_from, OLD.made_at, OLD.made_by)
            IS DISTINCT FROM
            (NEW.name, NEW.version, NEW.ladder, NEW.copied_from, NEW.made_at, NEW.made_by)
    )
    EXECUTE FUNCTION kept_ladder_version_stands();
CREATE TRIGGER ladder_version_stays BEFORE DELETE ON followups_ladderversion
    FOR EACH ROW EXECUTE FUNCTION kept_ladder_version_stands()
"""
FALLS = """
DROP TRIGGER ladder_version_stays ON followups_ladderversion;
DROP TRIGGER ladder_version_stands ON followups_ladderversion;
DROP FUNCTION kept_ladder_version_stands()
"""


def seed(apps: Any, _editor: Any) -> None:
    apps.get_model("followups", "LadderVersion").objects.get_or_create(
        name="default",
        version=1,
        defaults={
            "ladder": DEFAULT,
            "made_at": BEGINNING,
            "made_by": "system",
            "effective_from": date(2000, 1, 1),
            "activated_at": BEGINNING,
            "activated_by": "system",
        },
    )


def forget(apps: Any, _editor: Any) -> None:
    apps.get_model("followups", "LadderVersion").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("followups", "0018_ladder_versions")]
    operations = [
        migrations.RunPython(seed, forget),
        migrations.RunSQL(STANDS, FALLS),
    ]
