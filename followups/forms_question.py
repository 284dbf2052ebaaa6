"""What a campaign shall ask its customers."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext_lazy as _

from crm import questions


class QuestionForm(forms.Form):
    """One question; the replies to choose from stand one a line."""

    words = forms.CharField(label=_("The question, as it is asked"), max_length=questions.LONGEST)
    choices = forms.CharField(
        label=_("Replies to choose from, one a line"),
        help_text=_("None: the reply is written down in the customer's own words."),
        required=False,
        max_length=1000,
        widget=forms.Textarea({"rows": 3}),
    )
    days = forms.IntegerField(
        label=_("Not asked again for so many days"),
        min_value=1,
        max_value=questions.LONGEST_GOOD,
        initial=365,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.add_input(Submit("ask", _("Ask this"), data_key="s"))

    def clean_choices(self) -> list[str]:
        return str(self.cleaned_data["choices"]).splitlines()
