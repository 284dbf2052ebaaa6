"""Forms of people and teams, for administrators."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.conf import settings
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.utils.translation import gettext_lazy as _

from crm.models import Team, User


class PersonForm(forms.Form):
    """Who somebody is here. The log-in name is given once."""

    username = forms.CharField(
        label=_("Log-in name"), max_length=150, validators=[UnicodeUsernameValidator()]
    )
    first_name = forms.CharField(label=_("First name"), max_length=150)
    last_name = forms.CharField(label=_("Last name"), max_length=150, required=False)
    email = forms.EmailField(
        label=_("Mail address"),
        max_length=254,
        help_text=_("Notices go there, and the link to set a password."),
    )
    role = forms.ChoiceField(label=_("Role"), choices=User.Role.choices)
    team = forms.ModelChoiceField(
        label=_("Team"), queryset=Team.objects.all(), required=False, empty_label=_("none")
    )
    supervisor = forms.ModelChoiceField(
        label=_("Supervisor"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("none"),
        help_text=_("Who is told first when a promise is late."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, person: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        supervisor: Any = self.fields["supervisor"]
        supervisor.queryset = User.objects.filter(
            role=User.Role.SUPERVISOR, is_active=True
        ).order_by("first_name", "username")
        names = ["first_name", "last_name"]
        if person:
            del self.fields["username"]
            self.initial = {name: getattr(person, name) for name in self.fields}
        else:
            names = ["username", *names]
        self.helper = FormHelper()
        self.helper.layout = Layout(
            Div(*names, css_class="kept-row"),
            Div("email", "language", css_class="kept-row"),
            Div("role", "team", "supervisor", css_class="kept-row"),
            Submit("save", _("Save") if person else _("Add and send the link")),
        )

    def facts(self) -> dict[str, Any]:
        """Without the log-in name, as people.add and people.change take it."""
        return {name: value for name, value in self.cleaned_data.items() if name != "username"}


class TeamForm(forms.Form):
    """A team's name; of a new one also whose working hours it takes over."""

    prefix = "team"
    name = forms.CharField(label=_("Name"), max_length=80)
    like = forms.ModelChoiceField(
        label=_("Working hours like"),
        queryset=Team.objects.all(),
        required=False,
        empty_label=_("the house"),
    )

    def __init__(self, *args: Any, team: Team | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if team:
            del self.fields["like"]
            self.initial = {"name": team.name}
        self.helper = FormHelper()
        self.helper.layout = Layout(
            Div(*self.fields, css_class="kept-row"),
            Submit("save", _("Rename") if team else _("Add the team")),
        )
