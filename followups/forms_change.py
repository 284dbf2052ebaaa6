"""Forms of an open promise: agreed anew, withdrawn, said to have come, handed over, taken over."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import access, calendars, instants
from crm.actors import Actor
from crm.models import Attempt, User
from crm.wallclock import zone_of
from followups import amending, callbacks, menu
from followups.channels import MAIL
from followups.forms_override import SignForm
from followups.models import Promise
from followups.signatures import Asked
from followups.terms import LATEST_DUE, Terms

CALLS_SHOWN = 10
# The codes of followups/amending.py in words.
UNWANTED: dict[str, str | Lazy] = {
    "not_wanted": gettext_lazy("They do not want it any more"),
    "bought_elsewhere": gettext_lazy("They chose somebody else"),
    "moved": gettext_lazy("They are moving away"),
    "duplicate": gettext_lazy("It was promised twice"),
    "other": gettext_lazy("Another reason"),
}
AGREED: dict[str, str | Lazy] = {
    "customer_asked": gettext_lazy("The customer asked for it"),
    "other_address": gettext_lazy("Another address"),
    "other_offer": gettext_lazy("Another offer"),
    "later": gettext_lazy("Later suits them"),
    "sooner": gettext_lazy("Sooner suits them"),
    "other": gettext_lazy("Another reason"),
}
PASSED: dict[str, str | Lazy] = {
    "absent": gettext_lazy("The owner is absent"),
    "left": gettext_lazy("The owner has left"),
    "workload": gettext_lazy("Too much at once"),
    "expertise": gettext_lazy("Somebody else knows more about it"),
    "other": gettext_lazy("Another reason"),
}
CLAIMED: dict[str, str | Lazy] = {
    "customer_called": gettext_lazy("The customer spoke to me"),
    "absent": gettext_lazy("The owner is absent"),
    "left": gettext_lazy("The owner has left"),
    "workload": gettext_lazy("The owner has too much at once"),
    "other": gettext_lazy("Another reason"),
}


def colleagues(promise: Promise) -> QuerySet[User]:
    """To whom it can be handed over: those of its team who keep promises, but for its owner."""
    return keepers(promise.team_id).exclude(pk=promise.owner_id)


def keepers(team: int | None) -> QuerySet[User]:
    roles = access.TABLE["mend_promises"]
    rows = User.objects.filter(team=team, role__in=roles, is_active=True)
    return rows.exclude(team=None).order_by("first_name", "pk")


class Calls(forms.ModelChoiceField):
    """In which call the customer said so."""

    def __init__(self, promise: Promise, *, at: datetime, answered: bool = False) -> None:
        rows = amending.spoken_since(promise)
        if answered:
            rows = rows.filter(result=Attempt.Result.ANSWERED)
        newest = list(rows.values_list("pk", flat=True)[:CALLS_SHOWN])
        self.at = at
        super().__init__(
            rows.filter(pk__in=newest),
            label=_("In which call they said so"),
            empty_label=None if newest else "—",
            initial=newest[0] if newest else None,
            help_text="" if newest else _("Save the call first: it is on the sheet then."),
            error_messages={"required": _("Say in which call the customer said so.")},
        )

    def label_from_instance(self, call: Any) -> str:
        who = str(call.agent or "")
        when = instants.brief(call.started_at, now=self.at)
        called_us = call.direction == Attempt.Direction.INBOUND
        words = _("%(when)s, they called us") if called_us else _("%(when)s, we called")
        return " · ".join(part for part in (words % {"when": when}, who) if part)


class WordForm(SignForm):
    """On the customer's word. Where no telephone system reported the call, a supervisor signs."""

    def __init__(
        self,
        *args: Any,
        promise: Promise,
        request: HttpRequest,
        user: User,
        at: datetime,
        asked: Asked | None = None,
    ) -> None:
        super().__init__(*args, request=request, user=user, at=at)
        self.asked = asked
        self.fields["call"] = Calls(promise, at=at)
        self.order_fields(["call", "reason", "password"])
        password = self.fields["password"]
        password.required = False
        password.help_text = _(
            "Only when no telephone system reported the call: then you sign for it."
        )
        if not access.may(user, "sign_promises"):
            del self.fields["password"]
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        another = Submit("ask", _("Ask a supervisor to sign"))
        another.field_classes = "btn btn-outline-primary"
        self.helper.add_input(another)
        self.initial = {"call": asked.attempt, "reason": asked.reason} if asked else {}

    @property
    def asks(self) -> bool:
        """Somebody else shall sign: the other button was pressed."""
        return "ask" in self.data

    @property
    def signed(self) -> bool:
        """Whether it rests on the reader's signature, and not on what telephony heard."""
        call = self.cleaned_data.get("call")
        if call is None or "password" not in self.fields:
            return False
        return not amending.reported(attempt=call, by=Actor.person(self.user))

    def _confirm(self, password: str) -> None:
        if self.asks or not self.signed:
            return
        if password:
            super()._confirm(password)
        else:
            self.add_error("password", _("Type your password: it is asked every time."))


class WithdrawForm(WordForm):
    """The customer no longer wants it."""

    prefix = "withdraw"
    reason = forms.ChoiceField(label=gettext_lazy("Why"), choices=[*UNWANTED.items()])

    def button(self) -> str:
        return _("Withdraw the promise")


class CameForm(WordForm):
    """The customer says that it came."""

    prefix = "came"

    def button(self) -> str:
        return _("They have it")


class AnewForm(forms.Form):
    """What is agreed instead; what is left as it stands stays so."""

    prefix = "anew"
    reason = forms.ChoiceField(label=gettext_lazy("Why"), choices=[*AGREED.items()])
    channel = forms.ChoiceField(label=gettext_lazy("It goes"), required=False)
    address = forms.EmailField(label=gettext_lazy("Mail address"), required=False)
    read_back = forms.BooleanField(
        label=gettext_lazy("I read this address back, and the customer agreed"), required=False
    )
    day = forms.DateField(
        label=gettext_lazy("Due on"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=gettext_lazy("Empty: as usual for this way."),
    )
    time = forms.TimeField(
        label=gettext_lazy("At"), required=False, widget=forms.TimeInput({"type": "time"})
    )
    slot = forms.ChoiceField(
        label=gettext_lazy("We call back"),
        error_messages={"invalid_choice": gettext_lazy("That moment is not free any more.")},
    )

    def __init__(self, *args: Any, promise: Promise, at: datetime) -> None:
        super().__init__(*args)
        self.promise, self.at = promise, at
        self.calendar = calendars.of(promise.team, at=at)
        self.fields["call"] = Calls(promise, at=at, answered=True)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        if promise.kind == Promise.Kind.CALLBACK:
            self._slots()
        else:
            self._ways()

    def _slots(self) -> None:
        for name in ("channel", "address", "read_back", "day", "time"):
            del self.fields[name]
        found = callbacks.slots(calendar=self.calendar, at=self.at)
        slots: Any = self.fields["slot"]
        slots.choices = [
            (slot.isoformat(), instants.spoken(slot, now=self.at))
            for slot in found
            if slot != self.promise.due_at
        ]
        self.helper.layout = Layout("call", "slot", "reason", self._button())

    def _ways(self) -> None:
        del self.fields["slot"]
        ways = menu.ways_to(self.promise.customer, calendar=self.calendar, at=self.at)
        self.ways = {way.channel: way for way in ways if not way.refusal}
        channel: Any = self.fields["channel"]
        channel.choices = [(way.channel, way.label) for way in self.ways.values()]
        channel.initial = self.promise.plan[0]
        if self.promise.plan[0] in MAIL:
            self.fields["address"].initial = self.promise.text.address
        self.helper.layout = Layout(
            "call",
            Div("channel", "address", css_class="kept-row"),
            "read_back",
            Div("day", "time", css_class="kept-row"),
            "reason",
            self._button(),
        )

    def _button(self) -> Submit:
        return Submit("agree", _("This is agreed"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        due_at = self._due_at()
        if data.get("time") and not data.get("day") and "day" not in self.errors:
            self.add_error("day", _("Say on which day."))
        elif due_at and not self.at < due_at <= self.at + LATEST_DUE:
            self.add_error("day", _("A promise is due within a year from now."))
        elif due_at and data.get("day") and self._local(due_at).date() != data["day"]:
            self.add_error("day", _("Nobody works on that day."))
        return data

    def _due_at(self) -> datetime | None:
        """The agreed moment on the clock of the team; a day without a time ends with its work."""
        data = self.cleaned_data
        if data.get("slot"):
            return datetime.fromisoformat(data["slot"])
        if not data.get("day"):
            return None
        zone = zone_of(self.calendar.zone)
        if data.get("time"):
            return datetime.combine(data["day"], data["time"], zone)
        return self.calendar.end_of_working_day(datetime.combine(data["day"], time(0), zone), 0)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(zone_of(self.calendar.zone))

    def terms(self) -> Terms:
        """The old terms with what was agreed instead."""
        promise = self.promise
        return Terms(
            kind=promise.kind,
            words=promise.text.words,
            version=promise.version,
            document=promise.document,
            due_at=self._due_at(),
            **self._way(),
        )

    def _way(self) -> dict[str, Any]:
        data, promise = self.cleaned_data, self.promise
        if promise.kind == Promise.Kind.CALLBACK:
            return amending.way(promise)
        channel = data.get("channel") or promise.plan[0]
        other = channel != promise.plan[0]
        plan = self.ways[channel].plan if other else None
        told = data.get("address") or "" if channel in MAIL else ""
        address = told if told and told != promise.text.address else None
        if other and channel in MAIL:
            address = told
        return amending.way(
            promise, plan=plan, address=address, accepted=bool(data.get("read_back") and told)
        )


class PassForm(forms.Form):
    """Who keeps it from now on."""

    prefix = "pass"
    owner = forms.ModelChoiceField(
        label=gettext_lazy("To whom"), queryset=User.objects.none(), empty_label="—"
    )
    reason = forms.ChoiceField(label=gettext_lazy("Why"), choices=[*PASSED.items()])

    def __init__(self, *args: Any, people: QuerySet[User]) -> None:
        super().__init__(*args)
        owner: Any = self.fields["owner"]
        owner.queryset = people
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            Div("owner", "reason", css_class="kept-row"), Submit("pass", _("Hand it over"))
        )


class ClaimForm(forms.Form):
    """The reader keeps it from now on."""

    prefix = "claim"
    reason = forms.ChoiceField(label=gettext_lazy("Why"), choices=[*CLAIMED.items()])

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout("reason", Submit("claim", _("Take it over")))
