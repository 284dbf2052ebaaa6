"""The *We promise…* line of the call form: kind, what, which way, read back; as few keys as can be.

Only the fields of the chosen kind are shown (static/js/call-form.js); without scripts all are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import instants
from crm.models import Customer
from crm.wallclock import zone_of
from followups import menu as menus
from followups import slots, why_next
from followups.channels import MAIL, PAPER
from followups.forms_line import MarkedSelect, layout
from followups.menu import Menu
from followups.models import Promise
from followups.wrapup import Place, Wish
from offers.documents import MOST_BYTES
from offers.wording import say

Kind = Promise.Kind
LINES = "promises"
MOST_PROMISES = 5
NEW, THIS = "new", "this"


class PromiseLine(forms.Form):
    """One line; without a kind it promises nothing."""

    kind = forms.ChoiceField(
        label=gettext_lazy("We promise"),
        choices=[("", gettext_lazy("nothing")), *Kind.choices],
        required=False,
        widget=forms.Select({"data-key": "p", "data-says": gettext_lazy("promise something")}),
    )
    offer = forms.ChoiceField(
        label=gettext_lazy("Which offer"), required=False, widget=MarkedSelect
    )
    document = forms.ChoiceField(label=gettext_lazy("Which document"), required=False)
    pdf = forms.FileField(label=gettext_lazy("Document (PDF)"), required=False)
    question = forms.CharField(
        label=gettext_lazy("The question, in the customer's words"),
        required=False,
        max_length=1000,
        widget=forms.Textarea({"rows": 2}),
    )
    after = forms.ChoiceField(label=gettext_lazy("We call"), required=False)
    after_days = forms.IntegerField(
        label=gettext_lazy("Days after it has come"),
        required=False,
        min_value=0,
        max_value=slots.MOST_DAYS,
        initial=2,
    )
    day = forms.DateField(
        label=gettext_lazy("On"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    time = forms.TimeField(
        label=gettext_lazy("At"),
        required=False,
        widget=forms.TimeInput({"type": "time", "step": "900"}, format="%H:%M"),
    )
    move = forms.BooleanField(
        label=gettext_lazy("Move the call-back that is promised already"), required=False
    )
    channel = forms.ChoiceField(label=gettext_lazy("It goes"), required=False, widget=MarkedSelect)
    words = forms.CharField(
        label=gettext_lazy("In the words you used"), required=False, max_length=500
    )
    address = forms.EmailField(label=gettext_lazy("Mail address"), required=False)
    street = forms.CharField(
        label=gettext_lazy("Street and number"), required=False, max_length=200
    )
    postcode = forms.CharField(label=gettext_lazy("Postcode"), required=False, max_length=16)
    city = forms.CharField(label=gettext_lazy("Town"), required=False, max_length=100)
    read_back = forms.BooleanField(
        label=gettext_lazy("I read this address back, and the customer agreed"), required=False
    )

    def __init__(self, *args: Any, customer: Customer, menu: Menu, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.menu, self.language = menu, customer.language
        self._offer_choices()
        self._way_choices(customer)
        self._document_choices()
        self._slot_choices()
        self._moving()
        self._addresses(customer)
        self.helper = layout(customer.language)

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def _offer_choices(self) -> None:
        before = [(one.value, one.label) for one in self.menu.versions]
        plans = [(one.value, one.label) for one in self.menu.plans]
        today = self.menu.today
        groups: list[Any] = [("", "—")] if not before else []
        groups += [(_("Offered before"), before)] if before else []
        heading = (
            _("From the catalogue (%(today)s)") % {"today": today} if today else _("Catalogue")
        )
        self._field("offer").choices = [*groups, (heading, plans)]
        self._field("offer").widget.marks = {
            one.value: {"data-sentence": one.sentence}
            for one in (*self.menu.versions, *self.menu.plans)
        }

    def _document_choices(self) -> None:
        known = [(str(row.pk), row.title) for row in self.menu.documents]
        field = self._field("document")
        field.choices = [(NEW, _("a new file")), *known]
        field.initial = NEW
        if not known:
            field.widget = forms.HiddenInput()
        self._field("pdf").widget.attrs["accept"] = "application/pdf"

    def _slot_choices(self) -> None:
        """The next working day is proposed, within the hours of the team."""
        calendar, day = self.menu.calendar, self._field("day")
        day.widget.attrs["min"] = f"{instants.house(self.menu.at):%Y-%m-%d}"
        if calendar:
            close = calendar.end_of_working_day(self.menu.at)
            day.initial = close.astimezone(zone_of(calendar.zone)).date()
            hours = {"hours": menus.opening_words(calendar)}
            self._field("time").help_text = _("Your team works %(hours)s.") % hours

    def _moving(self) -> None:
        """The call-backs that stand, so that one of them is moved and none is promised twice."""
        field, standing = self._field("move"), self.menu.call_backs
        if not standing:
            field.widget = forms.HiddenInput()
        field.help_text = "; ".join(
            f"{row.reference}, {why_next.hour(row, at=self.menu.at)}, {row.owner}"
            for row in standing
        )
        self._field("after").choices = [
            ("", _("at an agreed time")),
            (THIS, _("after what we promise in this call has come")),
            *(
                (row.reference, _("after %(reference)s has come") % {"reference": row.reference})
                for row in self.menu.documents_owed
            ),
        ]

    def _way_choices(self, customer: Customer) -> None:
        said = menus.suggestions(customer.language)
        field, now = self._field("channel"), self.menu.at
        field.choices = [(way.channel, way.label) for way in self.menu.ways]
        field.initial = self.menu.channel
        field.widget.marks = {
            way.channel: {
                "data-due": way.sentence(now=now),
                "data-answer": way.sentence(now=now, due_at=self.menu.answer_due_at),
                "data-refused": way.refusal,
                **{f"data-{kind}": text for (kind, by), text in said.items() if by == way.channel},
            }
            for way in self.menu.ways
        }
        self._field("words").initial = said.get((Kind.SEND_OFFER.value, self.menu.channel), "")

    def _addresses(self, customer: Customer) -> None:
        good = next((row.address for row in customer.emails.all() if not row.bad_at), "")
        self._field("address").initial = good
        postal = getattr(customer, "postal", None)
        for name in ("street", "postcode", "city"):
            self._field(name).initial = getattr(postal, name, "")

    def clean_pdf(self) -> Any:
        pdf = self.cleaned_data.get("pdf")
        if pdf and pdf.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 4 MB."))
        return pdf

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind = data.get("kind")
        if kind == Kind.CALLBACK and data.get("after"):
            self._need("after_days", _("Say how many days after."))
        elif kind == Kind.CALLBACK:
            self._check_slot()
        elif kind:
            self._check_document(kind)
            self._check_way()
        return data

    def _check_document(self, kind: str) -> None:
        if kind == Kind.WRITTEN_ANSWER:
            self._need("question", _("Write the question that we answer."))
            return
        self._need("words", _("Write what was promised."))
        if kind == Kind.SEND_OFFER:
            self._need("offer", _("Choose the offer that was promised."))
        elif self.cleaned_data.get("document") in {"", NEW, None}:
            self._need("pdf", _("Choose the document that was promised."))

    def _check_way(self) -> None:
        channel = self.cleaned_data.get("channel") or self.menu.channel
        way = self.menu.way(channel)
        if way and way.refusal:
            self.add_error("channel", way.refusal)
        elif channel in PAPER:
            for name in ("street", "postcode", "city"):
                self._need(name, _("Paper needs the whole address."))
        elif self.cleaned_data.get("read_back"):
            self._need("address", _("An address is read back before it is accepted."))

    def _check_slot(self) -> None:
        self._need("day", _("Say when we call back."))
        self._need("time", _("Say when we call back."))
        slot, calendar = self._slot(), self.menu.calendar
        if slot is None or calendar is None:
            return
        if slot <= self.menu.at:
            self.add_error("time", _("That moment has passed."))
        elif not calendar.is_open(slot):
            hours = {"hours": menus.opening_words(calendar)}
            self.add_error("time", _("Nobody works then. Your team works %(hours)s.") % hours)

    def _slot(self) -> datetime | None:
        """The agreed moment, on the clock of the team."""
        day, time = self.cleaned_data.get("day"), self.cleaned_data.get("time")
        if not day or not time or self.menu.calendar is None:
            return None
        return datetime.combine(day, time, zone_of(self.menu.calendar.zone))

    def _need(self, name: str, message: str) -> None:
        if self.cleaned_data.get(name) in {"", None} and name not in self.errors:
            self.add_error(name, message)

    def blame(self, field: str, why: str) -> None:
        """Puts a refusal of the storey below beside the field that it means."""
        paper = self.cleaned_data.get("channel") in PAPER
        named = {"document": "pdf", "due_at": "time", "address": "street" if paper else "address"}
        place = named.get(field, field)
        self.add_error(place if place in self.fields else None, why)

    def ask_for_file_again(self) -> None:
        """A browser keeps everything that was typed, but never a chosen file."""
        if self.files.get(self.add_prefix("pdf")) and "pdf" not in self.errors:
            self.add_error("pdf", _("Choose the file once more: the browser does not keep it."))

    def wish_kind(self) -> str:
        """What the line promises; empty when it promises nothing."""
        return str(self.cleaned_data.get("kind") or "")

    def wish(self) -> Wish | None:
        """The line as the wrap-up reads it; None when it promises nothing."""
        data, kind = self.cleaned_data, self.wish_kind()
        if not kind:
            return None
        if kind == Kind.CALLBACK:
            return Wish(
                kind=kind,
                words=self._callback_words(),
                slot=None if data.get("after") else self._slot(),
                moves=data.get("move", False),
                **self._awaited(),
            )
        way = self.menu.way(data.get("channel") or self.menu.channel)
        paper = way is not None and way.channel in PAPER
        return Wish(
            kind=kind,
            words=self._words(kind),
            route=way.plan if way else MAIL[:1],
            address="" if paper else data.get("address", ""),
            place=Place(data["street"], data["postcode"], data["city"]) if paper else None,
            address_accepted=data.get("read_back", False),
            **self._content(kind),
        )

    def _awaited(self) -> dict[str, Any]:
        """For what the call waits."""
        named = self.cleaned_data.get("after")
        if not named:
            return {}
        owed = {row.reference: row for row in self.menu.documents_owed}
        days = self.cleaned_data["after_days"]
        return {"after": owed.get(named), "after_this": named == THIS, "after_days": days}

    def _words(self, kind: str) -> str:
        if kind != Kind.WRITTEN_ANSWER:
            return str(self.cleaned_data["words"])
        return menus.answering(self.cleaned_data["question"], self.language)

    def _callback_words(self) -> str:
        suggested = self._field("channel").widget.marks.get(self.menu.channel, {})
        usual = suggested.get("data-callback", "")
        words = str(self.cleaned_data.get("words") or usual)
        if words == usual and self.cleaned_data.get("after"):
            return say("desk_texts", "callback_after", self.language)
        return words

    def _content(self, kind: str) -> dict[str, Any]:
        """What is owed: a version, a plan to draft, a document on file or a new file."""
        data = self.cleaned_data
        if kind == Kind.SEND_OFFER:
            chosen = self.menu.choice(data["offer"])
            return {"version": chosen.version, "offer": chosen.plan} if chosen else {}
        if kind != Kind.SEND_DOCUMENT:
            return {}
        known = [row for row in self.menu.documents if str(row.pk) == data.get("document")]
        if known:
            return {"document": known[0]}
        return {"title": data["pdf"].name, "pdf": data["pdf"].read()}


PromiseLines = forms.formset_factory(
    PromiseLine, extra=1, max_num=MOST_PROMISES, absolute_max=MOST_PROMISES, validate_max=True
)
