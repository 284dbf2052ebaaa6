"""Forms of this storey: logging in."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django.utils.translation import gettext_lazy as _


class LoginForm(forms.LoginForm):
    """Name and password, one button. django-allauth's, under the names that browsers remember."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Username")
        self.fields["password"].label = _("Password")
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.fields["login"].widget.attrs |= {"autofocus": True, "autocapitalize": "none"}
        self.helper = FormHelper()
        self.helper.add_input(Submit("enter", _("Log in"), css_class="w-100"))

    def add_prefix(self, field_name: str) -> str:
        return super().add_prefix("username" if field_name == "login" else field_name)
