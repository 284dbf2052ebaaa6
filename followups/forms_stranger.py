"""A call from a number that nobody we know has."""

from __future__ import annotations

import uuid
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm import phone, wording
from crm.models import Attempt, Disposition

Result = Attempt.Result


class StrangerForm(forms.Form):
    """Who calls is not known: only the number, what it meant, and a note."""

    form_id = forms.UUIDField(widget=forms.HiddenInput)
    number = forms.CharField(label=_("Number"), max_length=phone.LONGEST_INPUT)
    result = forms.ChoiceField(
        label=_("Result"),
        choices=[(Result.ANSWERED, Result.ANSWERED.label), (Result.FAILED, Result.FAILED.label)],
        widget=forms.Select({"data-key": "c", "data-says": _("log a call")}),
    )
    disposition = forms.ModelChoiceField(
        label=_("What it meant"),
        queryset=Disposition.objects.filter(do_not_call=False).exclude(code="deceased"),
        required=False,
        empty_label="—",
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=4000,
        widget=forms.Textarea({"rows": 3}),
        help_text=_(
            "A wish never to be called needs to be known whose it is: find the customer by name."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        meaning: Any = self.fields["disposition"]
        meaning.label_from_instance = lambda row: wording.disposition(row.code)
        self.helper = FormHelper()
        self.helper.layout = Layout(
            "form_id", "number", Div("result", "disposition", css_class="kept-row"), "note"
        )
        self.helper.add_input(Submit("save", _("Save the call"), data_key="s"))

    def clean_number(self) -> str:
        try:
            return phone.normalise(self.cleaned_data["number"], settings.DEFAULT_COUNTRY)
        except phone.NotANumber as error:
            raise forms.ValidationError(_("This is not a phone number.")) from error

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("result") == Result.ANSWERED and not data.get("disposition"):
            self.add_error("disposition", _("Say what the call meant."))
        return data


def new(number: str) -> StrangerForm:
    """An empty form for this number, with its own id: a double click saves one call."""
    return StrangerForm(
        initial={"form_id": uuid.uuid4(), "number": number, "result": Result.ANSWERED}
    )
