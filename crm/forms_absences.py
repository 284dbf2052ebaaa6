"""Writing an absence down: who is away, from which day until which, and who stands in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from crm import absences, instants
from crm.models import User

DAY = forms.DateInput({"type": "date"})


class AbsenceForm(forms.Form):
    """Days are those of the house's zone. Who plans only for themselves is not asked for whom."""

    prefix = "absence"
    user = forms.ModelChoiceField(label=_("Who is away"), queryset=User.objects.none())
    first = forms.DateField(label=_("From"), widget=DAY)
    last = forms.DateField(label=_("Until the end of"), widget=DAY)
    deputy = forms.ModelChoiceField(
        label=_("Who stands in"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("nobody"),
        help_text=_("With nobody, what comes up goes to the supervisor at once."),
    )

    def __init__(self, *args: Any, reader: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        who: Any = self.fields["user"]
        deputy: Any = self.fields["deputy"]
        deputy.queryset = _colleagues(reader)
        who.queryset = absences.people(reader)
        self.alone = who.queryset.count() < 2
        if self.alone:
            del self.fields["user"]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        people = ["deputy"] if self.alone else ["user", "deputy"]
        self.helper.layout = Layout(
            Div(*people, css_class="kept-row"),
            Div("first", "last", css_class="kept-row"),
            Submit("save", _("Write it down")),
        )

    def facts(self) -> dict[str, Any]:
        """What was written, as absences.record takes it."""
        data = self.cleaned_data
        return {
            "user": self.reader if self.alone else data["user"],
            "deputy": data["deputy"],
            "from_at": instants.begin_of(data["first"]),
            "until_at": instants.begin_of(data["last"] + timedelta(days=1)),
        }


def _colleagues(reader: User) -> QuerySet[User]:
    """The reader's team; of those without one, who have none either and the same role."""
    rows = User.objects.filter(team=reader.team_id, is_active=True)
    if reader.team_id is None:
        rows = rows.filter(role=reader.role)
    return rows.order_by("first_name", "username")
