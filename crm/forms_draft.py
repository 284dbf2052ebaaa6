"""The editor of a policy: every figure of crm/rules.py as a person writes it, with its source.

A field is named by its place in the rules ("hours-week-mon", "caps-0-most"), so that what the rules
refuse is said beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Fieldset, Layout, Submit
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import rule_texts
from crm.figures import CHANNELS, GRADES, KINDS, PARDONS, REGIMES, UNITS, weekday
from crm.policy_versions import Refused
from crm.rules import WEEKDAYS, Rules

# Empty rows below those that are filled in; who needs more saves, and finds the next.
SPARE = 1
PRODUCT = {
    "reading_hours": gettext_lazy("Hours to read an offer"),
    "min_gap_hours": gettext_lazy("Hours between two calls"),
    "lease_seconds": gettext_lazy("Seconds for which nobody else calls"),
    "permit_seconds": gettext_lazy("Seconds for which an answer is good"),
}


class PeriodsField(forms.CharField):
    """Openings of one day in a line."""

    def to_python(self, value: Any) -> Any:
        return _read(rule_texts.periods, super().to_python(value))


class EarlyEndsField(forms.CharField):
    """Days on which the last call is early."""

    def to_python(self, value: Any) -> Any:
        return _read(rule_texts.early_ends, super().to_python(value))


def _read(how: Any, text: Any) -> Any:
    try:
        return how(text or "")
    except rule_texts.Unread as error:
        raise forms.ValidationError(str(error)) from error


class DraftForm(forms.Form):
    """All figures of a draft. `stored` are its rules as they are kept now."""

    seen = forms.CharField(widget=forms.HiddenInput)
    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)

    def __init__(
        self, *args: Any, stored: dict[str, Any], title: str = "", seen: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.rules = Rules.read(stored)
        self.numbers = {"caps": self._rows("caps"), "lists": self._rows("lists")}
        self.fields["title"].initial, self.fields["seen"].initial = title, seen
        for add in (_scope, _hours, _caps, _refusal, _consent, _lists, _product, _notes):
            add(self)
        self.helper = FormHelper()
        self.helper.layout = _layout(self)

    def _rows(self, name: str) -> range:
        """As many rows as were sent, or as are stored and some to spare."""
        kept = len(getattr(self.rules, name)) + SPARE
        sent = sum(1 for key in self.data if key.startswith(f"{name}-") and key.endswith("-source"))
        return range(max(kept, min(sent, 20)))

    def add(self, path: str, field: forms.Field, initial: Any = None) -> None:
        field.initial = initial
        self.fields[path.replace(".", "-")] = field

    def add_part(self, path: str, part: Any) -> None:
        """The kind and the source without which no figure stands."""
        kinds = forms.ChoiceField(label=_("Kind"), choices=list(KINDS.items()), required=False)
        source = forms.CharField(label=_("Source"), max_length=400, required=False)
        self.add(f"{path}.kind", kinds, part.kind if part else "product")
        self.add(f"{path}.source", source, part.source if part else "")

    def got(self, path: str) -> Any:
        return self.cleaned_data.get(path.replace(".", "-"))

    def written(self) -> dict[str, Any]:
        """The rules as the form has them, for crm.policy_versions to judge."""
        found: dict[str, Any] = {
            "country": self.got("country").strip().upper(),
            "regime": self.got("regime"),
            "caps": [self._cap(n) for n in self._used("caps", "unit")],
            "lists": [self._list(n) for n in self._used("lists", "name")],
            "product": self._product(),
            "watch": " ".join(self.got("watch").split()),
            "verified": self.got("verified"),
        }
        if self.got("hours.said"):
            found["hours"] = self._hours()
        if self.got("refusal.rule"):
            days = self.got("refusal.days") if self.got("refusal.rule") == "days" else None
            found["refusal"] = {**self._part("refusal"), "days": days}
            if self.got("refusal.rule") == "days" and days is None:
                del found["refusal"]["days"]
        if self.got("consent.rule"):
            lines = (line.strip() for line in self.got("consent.instead").splitlines())
            found["consent"] = {
                **self._part("consent"),
                "required": self.got("consent.rule") == "yes",
                "instead": [line for line in lines if line],
            }
        return found

    def _part(self, path: str) -> dict[str, Any]:
        return {"kind": self.got(f"{path}.kind"), "source": self.got(f"{path}.source").strip()}

    def _used(self, name: str, first: str) -> list[int]:
        return [n for n in self.numbers[name] if self.got(f"{name}.{n}.{first}")]

    def _numbers(self, path: str, names: Iterable[str]) -> dict[str, Any]:
        """Only what was filled in: what is missing is said beside it."""
        given = {name: self.got(f"{path}.{name}") for name in names}
        return {name: value for name, value in given.items() if value is not None}

    def _cap(self, n: int) -> dict[str, Any]:
        path, unit = f"caps.{n}", self.got(f"caps.{n}.unit")
        counted = {"unit": "attempt" if unit == "attempt" else "conversation"}
        numbers = self._numbers(path, ("most", "days"))
        return {**self._part(path), **counted, **numbers, "inbound": unit == "contact"}

    def _list(self, n: int) -> dict[str, Any]:
        path = f"lists.{n}"
        said = {
            "name": self.got(f"{path}.name"),
            "consent_beats": self.got(f"{path}.consent_beats"),
        }
        return {**self._part(path), **said, **self._numbers(path, ("max_age_days",))}

    def _hours(self) -> dict[str, Any]:
        week = {day: self.got(f"hours.week.{day}") or [] for day in WEEKDAYS}
        return {
            **self._part("hours"),
            "week": {day: periods for day, periods in week.items() if periods},
            "holidays": self.got("hours.holidays").strip().upper() or None,
            "any_region": self.got("hours.any_region"),
            "early_ends": self.got("hours.early_ends") or {},
        }

    def _product(self) -> dict[str, Any]:
        grades = {name: int(self.got(f"product.grades.{name}")) for name in CHANNELS}
        return {**self._part("product"), **self._numbers("product", PRODUCT), "grades": grades}

    def refuse(self, refused: Refused) -> None:
        """Says each fault beside its field."""
        for fault in refused.faults:
            field = self._place(fault.path)
            self.add_error(field if field in self.fields else None, fault.message)

    def _place(self, path: str) -> str:
        """The field of a fault: rows that were left empty are not counted by the rules."""
        parts = path.split(".")
        if parts[0] in self.numbers and len(parts) > 1:
            first = {"caps": "unit", "lists": "name"}[parts[0]]
            parts[1] = str(self._used(parts[0], first)[int(parts[1])])
        if parts[-1] == "week":
            parts.append("mon")
        return "-".join(parts)


def _scope(form: DraftForm) -> None:
    regimes = forms.ChoiceField(label=_("Rule"), choices=list(REGIMES.items()))
    country = forms.CharField(label=_("Country"), max_length=2, required=False)
    country.help_text = _("Two letters, such as BE; empty: it limits no hours.")
    form.add("country", country, form.rules.country)
    form.add("regime", regimes, form.rules.regime)


def _hours(form: DraftForm) -> None:
    hours = form.rules.hours
    said = forms.BooleanField(label=_("This policy limits the hours"), required=False)
    said.help_text = _("Each day as 09:00-13:00, 14:00-19:00, by the clock of where people live.")
    form.add("hours.said", said, hours is not None)
    for day in WEEKDAYS:
        text = rule_texts.periods_text(hours.week.get(day, ())) if hours else ""
        field = PeriodsField(label=weekday(day).capitalize(), required=False, max_length=100)
        field.widget.attrs["placeholder"] = _("shut")
        form.add(f"hours.week.{day}", field, text)
    shut = forms.CharField(label=_("Public holidays of"), max_length=2, required=False)
    shut.help_text = _("A country, such as BE; empty: holidays are days like others.")
    form.add("hours.holidays", shut, (hours and hours.holidays) or "")
    regions = forms.BooleanField(label=_("Those of each of its regions too"), required=False)
    form.add("hours.any_region", regions, bool(hours and hours.any_region))
    early = EarlyEndsField(label=_("Days that end early"), required=False, max_length=400)
    early.help_text = _("Month, day and time, such as 12-24 18:30, 12-31 18:30.")
    form.add("hours.early_ends", early, rule_texts.early_text(hours.early_ends) if hours else "")
    form.add_part("hours", hours)


def _caps(form: DraftForm) -> None:
    for n in form.numbers["caps"]:
        cap = form.rules.caps[n] if n < len(form.rules.caps) else None
        units = [("", _("no limit")), *UNITS.items()]
        unit = ("contact" if cap.inbound else cap.unit) if cap else ""
        form.add(
            f"caps.{n}.unit",
            forms.ChoiceField(label=_("What is counted"), choices=units, required=False),
            unit,
        )
        form.add(f"caps.{n}.most", _count(_("At most"), 1, 1000), cap.most if cap else None)
        form.add(f"caps.{n}.days", _count(_("In days"), 1, 366), cap.days if cap else None)
        form.add_part(f"caps.{n}", cap)


def _count(label: str, least: int, most: int, *, required: bool = False) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=least, max_value=most, required=required)


def _refusal(form: DraftForm) -> None:
    refusal = form.rules.refusal
    rules = [
        ("", _("nothing is said")),
        ("days", _("rests for some days")),
        ("none", _("no rest: only an objection counts")),
    ]
    chosen = ("days" if refusal.days else "none") if refusal else ""
    rule = forms.ChoiceField(label=_("Who said no"), choices=rules, required=False)
    form.add("refusal.rule", rule, chosen)
    form.add("refusal.days", _count(_("Days of rest"), 1, 3660), refusal and refusal.days)
    form.add_part("refusal", refusal)


def _consent(form: DraftForm) -> None:
    consent = form.rules.consent
    rules = [("", _("nothing is said")), ("no", _("not needed")), ("yes", _("needed, with proof"))]
    chosen = ("yes" if consent.required else "no") if consent else ""
    rule = forms.ChoiceField(label=_("To be sold to"), choices=rules, required=False)
    form.add("consent.rule", rule, chosen)
    stands = forms.CharField(
        label=_("What stands for one"), required=False, widget=forms.Textarea({"rows": 2})
    )
    stands.help_text = _("A line each. It counts when somebody recorded it for the person.")
    form.add("consent.instead", stands, "\n".join(consent.instead) if consent else "")
    form.add_part("consent", consent)


def _lists(form: DraftForm) -> None:
    for n in form.numbers["lists"]:
        one = form.rules.lists[n] if n < len(form.rules.lists) else None
        name = forms.CharField(label=_("List"), max_length=30, required=False)
        pardons = forms.ChoiceField(
            label=_("Against a consent"), choices=list(PARDONS.items()), required=False
        )
        form.add(f"lists.{n}.name", name, one.name if one else "")
        age = _count(_("Our copy, days old at most"), 1, 366)
        form.add(f"lists.{n}.max_age_days", age, one.max_age_days if one else None)
        form.add(f"lists.{n}.consent_beats", pardons, one.consent_beats if one else "")
        form.add_part(f"lists.{n}", one)


LIMITS = {
    "reading_hours": (0, 1440),
    "min_gap_hours": (0, 720),
    "lease_seconds": (30, 3600),
    "permit_seconds": (30, 3600),
}


def _product(form: DraftForm) -> None:
    product = form.rules.product
    for name, label in PRODUCT.items():
        least, most = LIMITS[name]
        field = _count(str(label), least, most, required=True)
        form.add(f"product.{name}", field, getattr(product, name))
    grades = [(grade, f"{grade}: {words}") for grade, words in GRADES.items()]
    for channel, words in CHANNELS.items():
        choice = forms.ChoiceField(label=str(words).capitalize(), choices=grades)
        form.add(f"product.grades.{channel}", choice, product.grades[channel])  # type: ignore[index]
    form.add_part("product", product)


def _notes(form: DraftForm) -> None:
    watch = forms.CharField(
        label=_("To watch"), max_length=1000, required=False, widget=forms.Textarea({"rows": 3})
    )
    watch.help_text = _("What was left out, what was assumed, what may change.")
    form.add("watch", watch, form.rules.watch)
    verified = forms.BooleanField(label=_("The sources have been read"), required=False)
    form.add("verified", verified, form.rules.verified)


def _layout(form: DraftForm) -> Layout:
    rows = {
        name: [_row(f"{name}-{n}-", form) for n in numbers]
        for name, numbers in form.numbers.items()
    }
    week = [f"hours-week-{day}" for day in WEEKDAYS]
    numbers = [f"product-{name}" for name in PRODUCT]
    grades = [f"product-grades-{name}" for name in CHANNELS]
    return Layout(
        "seen",
        "title",
        Fieldset(_("For whom"), _together("country", "regime")),
        Fieldset(
            _("Calling hours"),
            "hours-said",
            _together(*week, kind="week"),
            _together("hours-holidays", "hours-early_ends"),
            "hours-any_region",
            _source("hours"),
        ),
        Fieldset(_("How often"), *rows["caps"]),
        Fieldset(_("After a no"), _together("refusal-rule", "refusal-days"), _source("refusal")),
        Fieldset(_("Consent"), "consent-rule", "consent-instead", _source("consent")),
        Fieldset(_("National lists"), *rows["lists"]),
        Fieldset(
            _("Our own figures"),
            _together(*numbers),
            _together(*grades, kind="wide"),
            _source("product"),
        ),
        Fieldset(_("Notes"), "watch", "verified"),
        Submit("save", _("Save the draft")),
    )


def _together(*names: str, kind: str = "") -> Div:
    return Div(*names, css_class=f"kept-row {kind}".strip())


def _source(path: str) -> Div:
    return Div(f"{path}-kind", f"{path}-source", css_class="kept-row sourced")


def _row(start: str, form: DraftForm) -> Div:
    names = [name for name in form.fields if name.startswith(start)]
    figures = [name for name in names if not name.endswith(("-kind", "-source"))]
    return Div(_together(*figures), _source(start.rstrip("-")), css_class="line")
