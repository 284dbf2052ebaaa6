"""Each team's calendar becomes one by name, in its first version."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db import migrations
from django.utils import timezone


def name_them(apps: Any, schema_editor: Any) -> None:
    calendars = apps.get_model("crm", "WorkCalendar")
    versions = apps.get_model("crm", "CalendarVersion")
    at = timezone.now()
    for team in apps.get_model("crm", "Team").objects.filter(works_by=None).order_by("pk"):
        taken = calendars.objects.filter(name__iexact=team.name).exists()
        name = f"{team.name[:28]} ({team.slug})" if taken else team.name
        made = {"made_at": at, "made_by": "system"}
        calendar = calendars.objects.create(name=name, **made)
        hours = {**team.calendar, "valid_from": None}
        versions.objects.create(calendar=calendar, number=1, hours=hours, **made)
        team.works_by, team.calendar = calendar, hours
        team.save(update_fields=["works_by", "calendar"])


def keep_what_is_in_force(apps: Any, schema_editor: Any) -> None:
    """Who knows of no versions reads the calendar of the team as it is today."""
    for team in apps.get_model("crm", "Team").objects.exclude(coming=[]):
        begun = [hours for hours in team.coming if _begins(hours) <= _today(hours)]
        if begun:
            team.calendar = max(begun, key=_begins)
            team.save(update_fields=["calendar"])


def _begins(hours: dict[str, Any]) -> date:
    return date.fromisoformat(hours["valid_from"])


def _today(hours: dict[str, Any]) -> date:
    return timezone.now().astimezone(ZoneInfo(hours["zone"])).date()


class Migration(migrations.Migration):
    dependencies = [("crm", "0016_calendars")]

    operations = [migrations.RunPython(name_them, keep_what_is_in_force)]
