"""Writing a consent down: where it was given, when, until when, and where its proof lies."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.consents import LONGEST_PROOF, Given
from crm.models import Consent

# What a person writes down; an import says so itself.
ORIGINS = [(value, label) for value, label in Consent.Origin.choices if value != "import"]


class ConsentForm(forms.Form):
    """A consent to be called to be sold something. Days are those of the house's zone."""

    prefix = "consent"
    origin = forms.ChoiceField(label=_("Given"), choices=ORIGINS)
    basis = forms.ChoiceField(label=_("Basis"), choices=Consent.Basis.choices)
    given_on = forms.DateField(label=_("On"), widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(
        label=_("Until the end of"), required=False, widget=forms.DateInput({"type": "date"})
    )
    proof = forms.CharField(
        label=_("Where its proof lies"),
        max_length=LONGEST_PROOF,
        help_text=_("The recording, the form, the log entry: an id or an address."),
    )
    words = forms.CharField(
        label=_("What was asked and answered"),
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            Div("origin", "basis", css_class="kept-row"),
            Div("given_on", "until", css_class="kept-row"),
            "proof",
            "words",
            Submit("save", _("Record the consent")),
        )

    def given(self, *, at: datetime) -> Given:
        """What was written, as the ledger takes it. What is of today was given just now."""
        data = self.cleaned_data
        return Given(
            origin=data["origin"],
            basis=data["basis"],
            proof=data["proof"],
            given_at=_moment(data["given_on"], at),
            until_at=_end(data["until"]) if data["until"] else None,
            words=data["words"],
        )


def _moment(day: date, at: datetime) -> datetime:
    zone = ZoneInfo(settings.TIME_ZONE)
    return at if day == at.astimezone(zone).date() else datetime.combine(day, time(12), zone)


def _end(day: date) -> datetime:
    return datetime.combine(day, time.max, ZoneInfo(settings.TIME_ZONE))
