"""Making a machine's key."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import instants, keys
from crm.models import Team


class KeyForm(forms.Form):
    """What a machine may do, for whom, how often and how long."""

    prefix = "key"
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("The system that gets it, as you know it.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one.")},
    )
    team = forms.ModelChoiceField(
        label=_("Team"),
        queryset=Team.objects.all(),
        required=False,
        empty_label=_("all teams"),
        help_text=_("With a team it sees and writes that team's customers only."),
    )
    per_minute = forms.IntegerField(
        label=_("Requests a minute"),
        required=False,
        min_value=1,
        max_value=keys.MOST_A_MINUTE,
        help_text=_("Empty: 36,000 with the gate, else 6,000."),
    )
    last = forms.DateField(
        label=_("Holds until the end of"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("Empty: until it is revoked."),
    )

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.at = at
        scopes: Any = self.fields["scopes"]
        scopes.choices = [
            (code, format_html("<code>{}</code> {}", code, told))
            for code, told in keys.SCOPES.items()
        ]
        self.helper = FormHelper()
        self.helper.layout = Layout(
            "name",
            "scopes",
            Div("team", "per_minute", "last", css_class="kept-row"),
            Submit("save", _("Make the key")),
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        last = data.get("last")
        if last:
            midnight = instants.begin_of(last + timedelta(days=1))
            data["expires_at"] = midnight
            if midnight <= self.at:
                self.add_error("last", gettext("This day has passed."))
        return data

    def facts(self) -> dict[str, Any]:
        """What was written, as keys.issue takes it."""
        names = ("name", "scopes", "team", "per_minute", "expires_at")
        return {name: self.cleaned_data.get(name) for name in names}
