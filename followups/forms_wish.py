"""Forms of wishes: one is written down with its proof, or ended with a ground and a password."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import wishes
from crm.models import Campaign, Suppression, User
from followups.forms_override import SignForm

Kind, Origin = Suppression.Kind, Suppression.Origin
KINDS = [(kind.value, kind.label) for kind in wishes.BY_HAND]
HEARD = [(origin.value, origin.label) for origin in wishes.HEARD]


class WishForm(forms.Form):
    """A wish or duty not to call. Days are those of the house's zone."""

    prefix = "wish"
    kind = forms.ChoiceField(label=gettext_lazy("What they want, or what happened"), choices=KINDS)
    campaign = forms.ModelChoiceField(
        label=gettext_lazy("Which campaign"),
        queryset=Campaign.objects.none(),
        required=False,
        empty_label="—",
        help_text=gettext_lazy("Only for “not for this campaign”."),
    )
    origin = forms.ChoiceField(label=gettext_lazy("How we know"), choices=HEARD)
    until = forms.DateField(
        label=gettext_lazy("Until the end of"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=gettext_lazy("A complaint or a bereavement: empty for 180 days."),
    )
    proof = forms.CharField(
        label=gettext_lazy("Where its proof lies"),
        max_length=wishes.LONGEST_PROOF,
        help_text=gettext_lazy("The recording, the letter: an id or an address."),
    )
    words = forms.CharField(
        label=gettext_lazy("What they said"),
        required=False,
        max_length=wishes.LONGEST_WORDS,
        widget=forms.Textarea({"rows": 2}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaigns: Any = self.fields["campaign"]
        campaigns.queryset = Campaign.objects.filter(active=True).order_by("name")
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            Div("kind", "campaign", css_class="kept-row"),
            Div("origin", "until", css_class="kept-row"),
            "proof",
            "words",
            Submit("save", _("Write it down")),
        )

    def said(self) -> wishes.Said:
        """What was written, as the rules take it."""
        data = self.cleaned_data
        return wishes.Said(
            kind=data["kind"],
            origin=data["origin"],
            proof=data["proof"],
            words=data["words"],
            campaign=data["campaign"],
            until=_end(data["until"]) if data["until"] else None,
        )


class EndForm(SignForm):
    """Why a wish ends, with the password: it opens what the customer had shut."""

    ground = forms.ChoiceField(label=gettext_lazy("Why it ends"), widget=forms.RadioSelect)
    proof = forms.CharField(
        label=gettext_lazy("Where its proof lies"),
        required=False,
        max_length=wishes.LONGEST_PROOF,
        help_text=gettext_lazy("Needed when the customer asked for it: the recording, the letter."),
    )
    words = forms.CharField(
        label=gettext_lazy("In your words"),
        help_text=gettext_lazy("At least 15 characters. They stay with the wish, with your name."),
        max_length=wishes.LONGEST_WORDS,
        widget=forms.Textarea({"rows": 2}),
    )
    field_order = ("ground", "proof", "words", "password")

    def __init__(
        self, *args: Any, wish: Suppression, request: HttpRequest, user: User, at: datetime
    ) -> None:
        super().__init__(*args, request=request, user=user, at=at)
        found = [(ground.value, ground.label) for ground in wishes.grounds(wish)]
        chosen: Any = self.fields["ground"]
        chosen.choices = found
        if len(found) == 1:
            chosen.initial = found[0][0]

    def button(self) -> str:
        return _("End it")


def _end(day: date) -> datetime:
    return datetime.combine(day, time.max, ZoneInfo(settings.TIME_ZONE))
