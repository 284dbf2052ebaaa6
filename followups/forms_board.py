"""Forms of the board: what is shown, and what is done with the chosen rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import campaign_counts
from crm.models import User
from followups.board import causes, wanted
from followups.board.wanted import Wanted
from followups.channels import BY
from followups.forms_change import AGREED
from followups.models import Promise

# The codes of an event "sent_on" in words.
SENT_ON: dict[str, str | Lazy] = {
    "doubtful": gettext_lazy("The address is doubtful"),
    "too_slow": gettext_lazy("It takes too long this way"),
    "customer_asked": gettext_lazy("The customer asked for it"),
    "other": gettext_lazy("Another reason"),
}


class FilterForm(forms.Form):
    """The filters; they stand in the address, and nothing is saved.

    The page writes the choices itself: there can be hundreds of people among them.
    """

    team = forms.ChoiceField(label=gettext_lazy("Team"), required=False)
    agent = forms.ChoiceField(label=gettext_lazy("Agent"), required=False)
    campaign = forms.ChoiceField(label=gettext_lazy("Campaign"), required=False)
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False)
    cause = forms.ChoiceField(label=gettext_lazy("Cause (lists)"), required=False)
    days = forms.ChoiceField(label=gettext_lazy("Period"), required=False)

    def __init__(self, chosen: Wanted, user: User) -> None:
        initial = chosen.query | {"days": str(chosen.days)}
        super().__init__(initial=initial, auto_id="filter-%s")
        names = [(team.slug, team.name) for team in wanted.teams_of(user)]
        people = [(str(user.pk), str(user)) for user in wanted.people(chosen.teams)]
        campaigns = campaign_counts.campaigns(user).values_list("slug", "name")
        self._choose("team", _("all teams"), names)
        self._choose("agent", _("everybody"), people)
        self._choose("campaign", _("all campaigns"), campaigns)
        self._choose("channel", _("all channels"), BY.items())
        self._choose("kind", _("all kinds"), Promise.Kind.choices)
        self._choose("cause", _("all causes"), causes.CAUSES.items())
        periods = [(str(n), _("%(n)s days") % {"n": n}) for n in wanted.PERIODS]
        self._field("days").choices = periods
        if len(names) < 2:
            del self.fields["team"]

    def only(self, *names: str) -> FilterForm:
        """Without the filters that a page has no use for."""
        for name in [*self.fields]:
            if name not in names:
                del self.fields[name]
        return self

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def _choose(self, name: str, every: str, choices: Iterable[tuple[Any, Any]]) -> None:
        self._field(name).choices = [("", every), *choices]


class SendOnForm(forms.Form):
    """Why the chosen ones leave by their next way."""

    prefix = "send"
    reason = forms.ChoiceField(label=gettext_lazy("Why"), choices=[*SENT_ON.items()])

    def __init__(self, *args: Any, address: str) -> None:
        super().__init__(*args)
        button = Submit("send", _("Send by the next way"), formaction=address)
        self.helper = _plain("reason", button)


class AgreeForm(forms.Form):
    """Until when the chosen ones are due instead, and why."""

    prefix = "agree"
    day = forms.DateField(label=gettext_lazy("Due on"), widget=forms.DateInput({"type": "date"}))
    reason = forms.ChoiceField(label=gettext_lazy("Why"), choices=[*AGREED.items()])

    def __init__(self, *args: Any, address: str) -> None:
        super().__init__(*args)
        row = Div("day", "reason", css_class="kept-row")
        self.helper = _plain(row, Submit("agree", _("This is agreed"), formaction=address))


def _plain(*parts: Any) -> FormHelper:
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*parts)
    return helper
