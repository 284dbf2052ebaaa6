"""Forms of overrides: the agent's request, the supervisor's grant, the second signature."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import reauth
from crm.models import User
from followups import overrides


class AskForm(forms.Form):
    """Why this call should be made all the same."""

    reason = forms.CharField(
        label=gettext_lazy("Why call all the same?"),
        max_length=overrides.LONGEST_REASON,
        widget=forms.Textarea({"rows": 2}),
        error_messages={"required": gettext_lazy("Say why, so that your supervisor can decide.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.attrs = {"novalidate": ""}
        self.helper.add_input(Submit("ask", _("Ask your supervisor")))


class SignForm(forms.Form):
    """The password once more, which is asked last: a form that is wrong otherwise costs no try."""

    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        max_length=200,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        error_messages={"required": gettext_lazy("Type your password: it is asked every time.")},
    )

    def __init__(self, *args: Any, request: HttpRequest, user: User, at: datetime) -> None:
        super().__init__(*args)
        self.request, self.user, self.at = request, user, at
        self.helper = FormHelper()
        self.helper.attrs = {"novalidate": ""}
        self.helper.add_input(Submit("sign", self.button()))

    def button(self) -> str:
        return _("Sign for it")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            self._confirm(data.get("password", ""))
        return data

    def _confirm(self, password: str) -> None:
        try:
            right = reauth.confirm(self.request, user=self.user, password=password)
        except reauth.Locked:
            self.add_error(
                "password", _("Too many wrong passwords. Try again in a quarter of an hour.")
            )
            return
        if not right:
            self.add_error("password", _("This is not your password."))


class GrantForm(SignForm):
    """One call, with a reason that stands on the board."""

    reason = forms.CharField(
        label=gettext_lazy("Why you allow it"),
        help_text=gettext_lazy("It stands on the board and in the audit, with your name."),
        max_length=overrides.LONGEST_REASON,
        min_length=overrides.LEAST_REASON,
        widget=forms.Textarea({"rows": 2}),
        error_messages={
            "required": gettext_lazy("Say why, in at least 15 characters."),
            "min_length": gettext_lazy("Say why, in at least 15 characters."),
        },
    )
    field_order = ("agent", "reason", "password")

    def button(self) -> str:
        return _("Let one call through")


class LetThroughForm(GrantForm):
    """The same, unasked: the supervisor says who calls."""

    agent = forms.ModelChoiceField(
        label=gettext_lazy("Who calls"), queryset=User.objects.none(), empty_label="—"
    )

    def __init__(self, *args: Any, request: HttpRequest, user: User, at: datetime) -> None:
        super().__init__(*args, request=request, user=user, at=at)
        agents: Any = self.fields["agent"]
        agents.queryset = overrides.callers(user)
