"""Handing over in bulk: from whom, to whom, and why."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.utils.translation import gettext_lazy as _

from crm.models import User
from followups import handovers
from followups.handovers import Load, Reason

# Codes of followups/amending.py, in the words of a supervisor.
REASONS = [
    ("left", _("leaves, or has left")),
    ("absent", _("is away for long")),
    ("workload", _("has too much to do")),
    ("other", _("another reason")),
]


class HandOverForm(forms.Form):
    """Everything open of one person of the team to another."""

    prefix = "handover"
    owner = forms.ModelChoiceField(label=_("From"), queryset=User.objects.none())
    to = forms.ModelChoiceField(label=_("To"), queryset=User.objects.none())
    reason = forms.ChoiceField(label=_("Why"), choices=REASONS)
    words = forms.CharField(
        label=_("In your words"),
        max_length=handovers.LONGEST,
        help_text=_("At least 15 characters. They stay with the hand-over, with your name."),
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, *args: Any, reader: User, loads: list[Load], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner: Any = self.fields["owner"]
        to: Any = self.fields["to"]
        owner.queryset = User.objects.filter(pk__in=[load.owner.pk for load in loads])
        to.queryset = handovers.takers(reader)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            Div("owner", "to", "reason", css_class="kept-row"),
            "words",
            Submit("save", _("Hand everything over")),
        )

    def why(self) -> Reason:
        return Reason(self.cleaned_data["reason"], self.cleaned_data["words"])
