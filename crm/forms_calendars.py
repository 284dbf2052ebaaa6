"""The editor of a calendar: hours by weekday, whose holidays, days off, from which day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Field, Fieldset, Layout, Submit
from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import calendar_words
from crm.calendars import Refused
from crm.models import Team
from crm.rule_texts import Unread
from crm.workdays import Calendar

WEEK = range(7)
LINES = forms.Textarea({"rows": 4})


class TextField(forms.CharField):
    """A text that is read into something else, or says what of it cannot be read."""

    def __init__(self, read: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)
        self.read = read

    def to_python(self, value: Any) -> Any:
        try:
            return self.read(super().to_python(value) or "")
        except Unread as error:
            raise forms.ValidationError(str(error)) from error


class CalendarForm(forms.Form):
    """What a calendar says. With a name for a new one, with a first day for a new version."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    name = forms.CharField(label=gettext_lazy("Name"), max_length=80)
    valid_from = forms.DateField(
        label=gettext_lazy("In force from"),
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
        help_text=gettext_lazy("From midnight; today means from now on."),
    )
    zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        error_messages={"invalid_choice": gettext_lazy("Kept knows no such time zone.")},
    )
    country = forms.ChoiceField(
        label=gettext_lazy("Public holidays of"),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("No public holidays are known of it.")},
    )
    region = forms.ChoiceField(
        label=gettext_lazy("Region"),
        required=False,
        error_messages={"invalid_choice": gettext_lazy("Choose a region of this country.")},
    )
    extra = TextField(
        calendar_words.read_days,
        label=gettext_lazy("Further days off"),
        widget=LINES,
        max_length=8_000,
        help_text=gettext_lazy("A line each, such as 2026-12-24."),
    )
    half = TextField(
        calendar_words.read_half_days,
        label=gettext_lazy("Days that end early"),
        widget=LINES,
        max_length=8_000,
        help_text=gettext_lazy("A line each with the end of work, such as 2026-12-24 12:00."),
    )

    def __init__(
        self, *args: Any, hours: Calendar, today: date | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["name" if today else "valid_from"]
        self.hours_words = _("Periods of a day as 09:00-12:00, 13:00-17:30; 24:00 is midnight.")
        for day in WEEK:
            self.fields[f"day-{day}"] = _weekday(hours, day)
        self._choices(hours)
        self._initial(hours, today)
        self.helper = FormHelper()
        self.helper.layout = _layout(new=today is None)

    def _choices(self, hours: Calendar) -> None:
        country = self.data.get("country") if self.is_bound else hours.country
        zone: Any = self.fields["zone"]
        countries: Any = self.fields["country"]
        region: Any = self.fields["region"]
        groups = [(name, [(z, z) for z in found]) for name, found in calendar_words.zones().items()]
        known = {z for _name, found in groups for z, _same in found}
        zone.choices = groups if hours.zone in known else [(hours.zone, hours.zone), *groups]
        countries.choices = [("", _("nobody: holidays are days like others"))]
        countries.choices += calendar_words.countries()
        countries.widget.attrs |= {
            "hx-get": reverse("calendar_regions"),
            "hx-target": "#id_region",
            "hx-trigger": "change",
        }
        region.choices = region_choices(country)

    def _initial(self, hours: Calendar, today: date | None) -> None:
        self.initial = {
            "zone": hours.zone,
            "country": hours.country or "",
            "region": hours.region or "",
            "extra": calendar_words.days_text(hours.extra_holidays),
            "half": calendar_words.half_days_text(hours.half_days),
            **({"valid_from": today} if today else {}),
            **self.initial,
        }
        if today:
            self.fields["valid_from"].widget.attrs["min"] = today.isoformat()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        days = [f"day-{day}" for day in WEEK]
        if not any(data.get(day) for day in days) and not self.errors.keys() & set(days):
            self.add_error(days[0], _("Nobody ever works: write hours for one day at least."))
        return data

    def hours(self) -> Calendar:
        """What was written, of a form without errors."""
        data = self.cleaned_data
        week = {day: data[f"day-{day}"] for day in WEEK}
        return Calendar(
            zone=data["zone"],
            hours={day: found for day, found in week.items() if found},
            country=data["country"] or None,
            region=data["region"] or None,
            extra_holidays=data["extra"],
            half_days=data["half"],
        )

    def refuse(self, refused: Refused) -> None:
        field = "day-0" if refused.field == "hours" else refused.field
        self.add_error(field if field in self.fields else None, str(refused))


class TeamForm(forms.Form):
    """Which team works by a calendar from now on."""

    team = forms.ModelChoiceField(label=gettext_lazy("Team"), queryset=Team.objects.none())

    def __init__(self, *args: Any, teams: QuerySet[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["team"]
        choice.queryset = teams
        choice.empty_label = None


def region_choices(country: str | None) -> list[tuple[str, str]]:
    """The regions to choose from below a country."""
    return [("", _("the whole country")), *calendar_words.regions(country)]


def _weekday(hours: Calendar, day: int) -> forms.Field:
    field = TextField(
        calendar_words.read_periods,
        label=calendar_words.weekday(day).capitalize(),
        max_length=100,
        initial=calendar_words.periods_text(hours.hours.get(day, ())),
    )
    field.widget.attrs["placeholder"] = _("shut")
    return field


def _layout(*, new: bool) -> Layout:
    days = [f"day-{day}" for day in WEEK]
    first = Div("name" if new else "valid_from", "zone", css_class="kept-row")
    return Layout(
        "seen",
        first,
        Fieldset(
            _("Hours of work"),
            HTML('<p class="form-text">{{ form.hours_words }}</p>'),
            Div(*days, css_class="kept-row week"),
        ),
        Fieldset(
            _("Days off"),
            Div(Field("country"), Field("region"), css_class="kept-row wide"),
            Div("extra", "half", css_class="kept-row wide"),
        ),
        Submit("save", _("Make the calendar") if new else _("Make this version")),
    )
