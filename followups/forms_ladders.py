"""Forms of ladders: the editor of a version, its activation, a team's choice, who is management."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import people
from crm.forms_policies import ActivationForm
from crm.models import Team, User
from followups import ladders, rungs
from followups.ladder import LONGEST_WAIT, BrokenLadder, Ladder, Role, Rung

SHARE, HOURS, DAYS = "share", "hours", "days"
MEASURES = {
    SHARE: gettext_lazy("% of the time used"),
    HOURS: gettext_lazy("working hours after"),
    DAYS: gettext_lazy("working days after"),
}
# For the order of rungs in hours among those in days; their instants come from the calendar.
USUAL_DAY = 8
SMALL = {"class": "form-control form-control-sm"}
CHOSEN = {"class": "form-select form-select-sm"}
TICK = {"class": "form-check-input"}


class WaitForm(forms.Form):
    """After how much of which measure."""

    amount = forms.DecimalField(
        label=gettext_lazy("How much"),
        min_value=0,
        max_value=LONGEST_WAIT,
        max_digits=7,
        decimal_places=2,
        widget=forms.NumberInput({**SMALL, "step": "any", "min": 0}),
        error_messages={
            "required": gettext_lazy("Say how much."),
            "invalid": gettext_lazy("A number, please."),
        },
    )
    measure = forms.ChoiceField(
        label=gettext_lazy("Of what"),
        choices=[(code, MEASURES[code]) for code in (HOURS, DAYS)],
        initial=HOURS,  # as an empty line sends it, which is none
        widget=forms.Select(CHOSEN),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        amount, measure = data.get("amount"), data.get("measure")
        if amount is None or "measure" in self.errors:
            return data
        if measure == SHARE and not 0 < amount <= 100:
            self.add_error("amount", _("More than 0 and at most 100 percent."))
        if measure == DAYS and amount != int(amount):
            self.add_error("amount", _("Whole working days."))
        return data

    def wait(self) -> dict[str, Any]:
        """As Rung takes it."""
        amount, measure = self.cleaned_data["amount"], self.cleaned_data["measure"]
        if measure == SHARE:
            return {"share": float(amount) / 100}
        return {"days": int(amount)} if measure == DAYS else {"hours": _plain(amount)}


class ItemForm(WaitForm):
    """What a named person has to do goes to the supervisor after so long."""

    prefix = "item"

    def rung(self) -> Rung:
        return Rung(Role.SUPERVISOR, **self.wait())


class RungForm(WaitForm):
    """One rung: when, who, what else. A line without an amount is none."""

    field_order = ("amount", "measure", "role", "next_channel", "bill_insert")
    role = forms.ChoiceField(
        label=gettext_lazy("Who is told"),
        choices=[("", "—"), *rungs.ROLES.items()],
        widget=forms.Select(CHOSEN),
        error_messages={"required": gettext_lazy("Say who is told.")},
    )
    next_channel = forms.BooleanField(
        label=gettext_lazy("The document also goes the next way"),
        required=False,
        widget=forms.CheckboxInput(TICK),
    )
    bill_insert = forms.BooleanField(
        label=gettext_lazy("It also goes with the next bill, if they get paper bills"),
        required=False,
        widget=forms.CheckboxInput(TICK),
    )

    def rung(self) -> Rung:
        data = self.cleaned_data
        acts = {name: data[name] for name in ("next_channel", "bill_insert")}
        return Rung(data["role"], **self.wait(), **acts)


class LatenessRungForm(RungForm):
    """Before it is due, a part of the time is what counts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        measure: Any = self.fields["measure"]
        measure.choices = [*MEASURES.items()]


class Tick(forms.CheckboxInput):
    """A box that looks as the others do."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({**TICK, **(attrs or {})})


class Rungs(forms.BaseFormSet):
    """The rungs of one track."""

    deletion_widget = Tick

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = _("Remove this rung")

    def filled(self) -> list[RungForm]:
        """The lines that are rungs, in the order in which they are climbed."""
        kept = [
            form
            for form in self.forms
            if form.cleaned_data.get("amount") is not None and form not in self.deleted_forms
        ]
        return sorted(kept, key=_order)

    def accuse(self, rung: int | None) -> None:
        """Says which line it is that cannot be climbed."""
        filled = self.filled()
        if rung is None or rung >= len(filled):
            words = _("1 to %(most)s rungs: otherwise nobody is told, or nobody reads it.")
            self.non_form_errors().append(words % {"most": ladders.MOST_RUNGS})
        else:
            words = _("There is a rung at this moment already.")
            filled[rung].add_error(None, words)


def _order(form: RungForm) -> tuple[bool, float]:
    rung = form.rung()
    if rung.share is not None:
        return False, rung.share
    return True, rung.hours if rung.hours is not None else (rung.days or 0) * USUAL_DAY


_MOST: dict[str, Any] = {
    "formset": Rungs,
    "extra": 1,
    "can_delete": True,
    "max_num": ladders.MOST_RUNGS + 1,
    "absolute_max": ladders.MOST_RUNGS + 3,
}
LatenessRungs = forms.formset_factory(LatenessRungForm, **_MOST)
ProofRungs = forms.formset_factory(RungForm, **_MOST)


class NameForm(forms.Form):
    """Which ladder it is a version of."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=20, widget=forms.TextInput({**SMALL})
    )


class Editor:
    """Everything that is typed for a new version. Without scripts a line is added by a button that
    saves nothing."""

    def __init__(self, drawn: Ladder, data: Mapping[str, Any] | None = None) -> None:
        self.data = data
        self.name = NameForm(data, initial={"name": drawn.name})
        self.lateness: Any = LatenessRungs(
            data, prefix="lateness", initial=[*map(_typed, drawn.lateness)]
        )
        self.proof: Any = ProofRungs(data, prefix="proof", initial=[*map(_typed, drawn.proof)])
        self.item = ItemForm(data, initial=_typed(drawn.item))
        self.fault = ""

    @classmethod
    def with_one_more(cls, drawn: Ladder, data: Any) -> Editor:
        """As it was typed, with another empty line where one was asked for."""
        more, track = data.copy(), data.get("add")
        count = f"{track}-TOTAL_FORMS"
        if track in {"lateness", "proof"} and data.get(count, "").isdecimal():
            more[count] = str(min(int(data[count][:3]) + 1, ladders.MOST_RUNGS + 1))
        return cls(drawn, more)

    def is_valid(self) -> bool:
        parts = (self.name, self.lateness, self.proof, self.item)
        return all([part.is_valid() for part in parts])

    def tracks(self) -> Iterator[tuple[str, str, Any]]:
        yield "lateness", str(rungs.TRACKS["lateness"]), self.lateness
        yield "proof", str(rungs.TRACKS["proof"]), self.proof

    def facts(self) -> dict[str, Any]:
        """As ladders.make takes them."""
        return {
            "name": self.name.cleaned_data["name"],
            "lateness": [form.rung() for form in self.lateness.filled()],
            "proof": [form.rung() for form in self.proof.filled()],
            "item": self.item.rung(),
        }

    def refuse(self, error: ladders.Refused | BrokenLadder) -> None:
        if isinstance(error, ladders.Refused) and error.field == "name":
            self.name.add_error("name", str(error))
        elif isinstance(error, BrokenLadder) and error.track in {"lateness", "proof"}:
            getattr(self, error.track).accuse(error.rung)
        else:
            self.fault = str(error)


def _typed(rung: Rung) -> dict[str, Any]:
    """A rung as the fields show it."""
    found = {"role": str(rung.role)}
    acts = {"next_channel": rung.next_channel, "bill_insert": rung.bill_insert}
    if rung.share is not None:
        wait = {"amount": rungs.number(rung.share * 100), "measure": SHARE}
    elif rung.days is not None:
        wait = {"amount": str(rung.days), "measure": DAYS}
    else:
        wait = {"amount": rungs.number(rung.hours or 0), "measure": HOURS}
    return {**found, **acts, **wait}


def _plain(amount: Any) -> float:
    return int(amount) if amount == int(amount) else float(amount)


class LadderActivationForm(ActivationForm):
    """From which day, and why, by the reader's name."""

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        help_text=gettext_lazy("It stands in the history, with your name. Name no customer."),
        max_length=ladders.LONGEST_REASON,
    )
    field_order = ("seen", "effective_from", "reason", "read")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].required = False  # of a new ladder nothing is in force yet
        self.fields["effective_from"].help_text = _(
            "Promises that are made from this day on climb it; today means from now on."
        )
        self.fields["read"].label = _("I have read who is told when, and I answer for it")

    def refuse_one(self, refused: ladders.Refused) -> None:
        self.add_error(refused.field if refused.field in self.fields else None, str(refused))


class ChoiceForm(forms.Form):
    """Which ladder a team climbs from now on."""

    prefix = "choice"
    team = forms.ModelChoiceField(
        label=gettext_lazy("Team"), queryset=Team.objects.none(), empty_label="—"
    )
    name = forms.ChoiceField(label=gettext_lazy("Ladder"))
    reason = forms.CharField(label=gettext_lazy("Why"), max_length=ladders.LONGEST_REASON)

    def __init__(self, *args: Any, names: list[str]) -> None:
        super().__init__(*args)
        fields: dict[str, Any] = self.fields
        fields["team"].queryset = Team.objects.order_by("name")
        fields["name"].choices = [(name, name) for name in names]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.add_input(Submit("choose", _("Choose")))


class ManagementForm(forms.Form):
    """Who gets the daily digest."""

    prefix = "management"
    users = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Who gets it"),
        queryset=User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        users: Any = self.fields["users"]
        users.queryset = people.candidates()
        users.label_from_instance = lambda one: f"{one}, {one.get_role_display()}"
        users.initial = people.candidates().filter(gets_management_digest=True)
        self.helper = FormHelper()
        self.helper.form_tag = False
        save = Submit("save", _("Save"))
        save.field_classes = "btn btn-outline-primary"  # one primary button a screen
        self.helper.add_input(save)
