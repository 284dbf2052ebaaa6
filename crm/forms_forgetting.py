"""Forgetting a person: whom, on what ground, under which case."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import forgetting
from crm.models import Customer


class ForgetForm(forms.Form):
    """The reference twice: it cannot be taken back, and names nobody who could be recognised."""

    prefix = "forget"
    reference = forms.CharField(
        label=_("Customer"), max_length=16, help_text=_("The reference, like C-000123.")
    )
    repeated = forms.CharField(label=_("The reference once more"), max_length=16)
    ground = forms.ChoiceField(label=_("Ground"))
    case = forms.CharField(
        label=_("Case"),
        max_length=40,
        help_text=_("Its number in your register of requests, like GDPR-2026/41. No names."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        grounds = [one for one in forgetting.Ground if one != forgetting.Ground.AGAIN]
        choice: Any = self.fields["ground"]
        choice.choices = [(one.value, one.label) for one in grounds]
        self.helper = FormHelper()
        self.helper.layout = Layout(
            Div("reference", "repeated", css_class="kept-row"),
            Div("ground", "case", css_class="kept-row"),
            Submit("forget", _("Forget this person for good"), css_class="btn-danger"),
        )

    def clean_reference(self) -> Customer:
        name = self.cleaned_data["reference"].strip().upper()
        found = Customer.objects.filter(reference=name).first()
        if found is None:
            raise forms.ValidationError(gettext("Nobody has this reference."))
        return found

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        customer, repeated = data.get("reference"), data.get("repeated", "")
        if customer and repeated.strip().upper() != customer.reference:
            self.add_error("repeated", gettext("The two references differ."))
        return data
