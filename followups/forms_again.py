"""The form that sends again: which way, and to where; what is on file stands in it already."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import instants
from crm.models import Customer
from crm.workdays import Calendar
from followups import menu
from followups.channels import MAIL, PAPER
from followups.menu import FALLBACK, Way
from followups.models import Item
from offers import postal

PLACE = ("street", "postcode", "city")


class SendAgainForm(forms.Form):
    """Where the promised document goes instead. Only the fields of the chosen way are shown."""

    channel = forms.ChoiceField(
        label=gettext_lazy("It goes"), required=False, widget=forms.RadioSelect
    )
    address = forms.EmailField(label=gettext_lazy("Mail address"), required=False)
    street = forms.CharField(
        label=gettext_lazy("Street and number"), required=False, max_length=200
    )
    postcode = forms.CharField(label=gettext_lazy("Postcode"), required=False, max_length=16)
    city = forms.CharField(label=gettext_lazy("Town"), required=False, max_length=100)

    def __init__(self, *args: Any, item: Item, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        calendar = Calendar.from_dict(item.promise.calendar) if item.promise else None
        ways = menu.ways_to(item.customer, calendar=calendar, at=at)
        self.proposed = _proposed(item, ways)
        field: Any = self.fields["channel"]
        field.choices = [(way.channel, _label(way, at)) for way in ways if not way.refusal]
        field.initial = self.proposed
        field.help_text = " ".join(
            _("Not %(way)s: %(why)s") % {"way": way.label, "why": way.refusal}
            for way in ways
            if way.refusal
        )
        self._fill(item.customer)
        self.helper = FormHelper()
        self.helper.form_class = "ways"
        self.helper.attrs = {"novalidate": ""}
        self.helper.layout = Layout(
            "channel",
            Div("address", css_class="by-mail"),
            Div("street", Div("postcode", "city", css_class="kept-row"), css_class="by-paper"),
        )
        self.helper.add_input(Submit("send", _("Send it there now")))

    def _fill(self, customer: Customer) -> None:
        good = next((row.address for row in customer.emails.all() if not row.bad_at), "")
        self.fields["address"].initial = good
        on_file = getattr(customer, "postal", None)
        for name in PLACE:
            self.fields[name].initial = getattr(on_file, name, "")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["channel"] = data.get("channel") or self.proposed
        needed = PLACE if data["channel"] in PAPER else ("address",)
        for name in needed:
            if not data.get(name) and name not in self.errors:
                self.add_error(name, _("This is needed to send it there."))
        return data

    def where(self) -> tuple[str, str]:
        """The channel, and the mailbox or the lines of the postal address."""
        data = self.cleaned_data
        if data["channel"] not in PAPER:
            return data["channel"], data["address"]
        return data["channel"], postal.lines(**{name: data[name] for name in PLACE})


def _label(way: Way, at: datetime) -> str:
    if way.channel in MAIL or way.due_at is None:
        return _("%(way)s, at once") % {"way": way.label}
    when = instants.spoken(way.due_at, now=at)
    return _("%(way)s, there by %(when)s") % {"way": way.label, "when": when}


def _proposed(item: Item, ways: tuple[Way, ...]) -> str:
    """The same way when its address is to be mended; else another one that leads somewhere."""
    before = item.delivery.channel if item.delivery else ""
    leads = {way.channel for way in ways if way.leads and not way.refusal}
    others = [channel for channel in FALLBACK if channel in leads and channel != before]
    mends = item.kind == Item.Kind.ADDRESS_TO_FIX and before
    return before if mends or not others else others[0]
