"""Small forms of policies: a copy as a draft, and the activation."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.policy_versions import Refused


class CopyForm(forms.Form):
    """A new draft: which policy it is a version of, and what it is called."""

    name = forms.CharField(label=gettext_lazy("Policy"), max_length=20)
    version = forms.CharField(label=gettext_lazy("Version"), max_length=20)
    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _(
            "The same name makes a new version, by which its campaigns will call; another name "
            "makes a policy of its own."
        )
        self.fields["version"].help_text = _("Such as the day from which it is to hold.")
        self.helper = FormHelper()
        self.helper.add_input(Submit("copy", _("Make a draft")))

    def refuse(self, refused: Refused) -> None:
        for fault in refused.faults:
            self.add_error(fault.path if fault.path in self.fields else None, fault.message)


class ActivationForm(forms.Form):
    """From which day, and that the difference was read."""

    seen = forms.CharField(widget=forms.HiddenInput)
    effective_from = forms.DateField(
        label=gettext_lazy("In force from"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    read = forms.BooleanField(
        label=gettext_lazy("I have read what it changes, and I answer for it")
    )

    def __init__(
        self, *args: Any, today: date, seen: str, label: str, action: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["effective_from"].initial = today
        self.fields["effective_from"].widget.attrs["min"] = today.isoformat()
        self.fields["effective_from"].help_text = _("From midnight; today means from now on.")
        self.fields["seen"].initial = seen
        self.helper = FormHelper()
        self.helper.form_action = action
        self.helper.add_input(Submit("activate", _("Activate %(label)s") % {"label": label}))

    def refuse(self, refused: Refused) -> None:
        for fault in refused.faults:
            self.add_error(fault.path if fault.path in self.fields else None, fault.message)


def instant(text: str) -> datetime | None:
    """The instant that a page carried; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
