"""Forms of this storey: the call itself, and an answer in writing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from crispy_forms.bootstrap import InlineRadios
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Layout, Submit
from django import forms
from django.core import signing
from django.utils.translation import gettext_lazy as _

from crm import phone, questions, wording
from crm.models import Attempt, Campaign, Customer, Disposition, Question, User
from crm.queries import campaigns_of

NOBODY_SPOKE = {"no_answer", "busy", "failed", "wrong_number", "cancelled"}
LONGEST_CALL = timedelta(hours=12)
SALT = "call form opened"


def sealed(at: datetime) -> str:
    """When the form was opened, so that the page can carry it and nobody can move it."""
    return signing.dumps(at.isoformat(), salt=SALT)


class CallForm(forms.Form):
    """One contact: what the network saw, what it meant, in as few keys as possible."""

    form_id = forms.UUIDField(widget=forms.HiddenInput)
    opened = forms.CharField(widget=forms.HiddenInput, required=False)
    decision = forms.UUIDField(widget=forms.HiddenInput, required=False)
    # A call that a dialer told of, and of which it is now said what it meant.
    talk = forms.ModelChoiceField(
        queryset=Attempt.objects.none(), widget=forms.HiddenInput, required=False
    )
    direction = forms.ChoiceField(
        label=_("Direction"), choices=Attempt.Direction, widget=forms.RadioSelect
    )
    number = forms.ChoiceField(label=_("Number"), required=False)
    campaign = forms.ModelChoiceField(
        label=_("Campaign"),
        queryset=Campaign.objects.none(),
        required=False,
        empty_label=_("none"),
    )
    result = forms.ChoiceField(
        label=_("Result"),
        choices=[("", "—"), *Attempt.Result.choices],
        widget=forms.Select({"data-key": "c", "data-says": _("log a call")}),
    )
    disposition = forms.ModelChoiceField(
        label=_("What it meant"),
        queryset=Disposition.objects.all(),
        required=False,
        empty_label="—",
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=4000, widget=forms.Textarea({"rows": 2})
    )

    def __init__(
        self,
        *args: Any,
        customer: Customer,
        user: User,
        asks: Sequence[Question] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        numbers = [(row.e164, phone.international(row.e164)) for row in customer.numbers.all()]
        self.fields["number"].choices = [*numbers, ("", _("another number"))]  # type: ignore[attr-defined]
        self.fields["campaign"].queryset = campaigns_of(user.team_id)  # type: ignore[attr-defined]
        own = Attempt.objects.filter(customer=customer, agent=user).exclude(source="desk")
        self.fields["talk"].queryset = own  # type: ignore[attr-defined]
        meaning: Any = self.fields["disposition"]
        meaning.label_from_instance = lambda row: wording.disposition(row.code)
        self.questions = list(asks)
        for question in self.questions:
            self.fields[f"question-{question.pk}"] = _reply_to(question)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            "form_id",
            "opened",
            "decision",
            "talk",
            Div(InlineRadios("direction"), "number", "campaign", css_class="kept-row"),
            Div("result", "disposition", css_class="kept-row"),
            *(
                Div(f"question-{row.pk}", data_campaign=str(row.campaign_id))
                for row in self.questions
            ),
            "note",
        )

    def clean_opened(self) -> datetime | None:
        try:
            return datetime.fromisoformat(signing.loads(self.cleaned_data["opened"], salt=SALT))
        except (signing.BadSignature, ValueError):
            return None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("result") == Attempt.Result.ANSWERED and not data.get("disposition"):
            self.add_error("disposition", _("Say what the call meant."))
        return data

    def replies(self) -> dict[Question, str]:
        """What was replied in the call to the questions of its campaign."""
        campaign = self.cleaned_data["campaign"]
        return {
            row: words
            for row in self.questions
            if campaign
            and row.campaign_id == campaign.pk
            and (words := self.cleaned_data.get(f"question-{row.pk}", "").strip())
        }

    def started_at(self, at: datetime) -> datetime:
        """The call began when its form was opened, unless that is too long ago to be believed."""
        opened: datetime | None = self.cleaned_data.get("opened")
        return opened if opened and at - LONGEST_CALL <= opened <= at else at


def _reply_to(question: Question) -> forms.Field:
    if not question.choices:
        most = questions.LONGEST_REPLY
        return forms.CharField(label=question.words, required=False, max_length=most)
    choices = [("", "—"), *((one, one) for one in question.choices)]
    return forms.ChoiceField(label=question.words, required=False, choices=choices)


def new_call(
    *,
    customer: Customer,
    user: User,
    at: datetime,
    decision: str = "",
    campaign: Campaign | int | None = None,
    talk: Attempt | None = None,
    asks: Sequence[Question] = (),
) -> CallForm:
    """An empty form with its own id: a double click saves one call. `campaign`: for which the
    reader was allowed to call, or would. `talk`: what a dialer told of the call stands in it.
    `asks`: what the customer has not been asked yet."""
    first = customer.numbers.all()[:1]
    initial = {
        "form_id": uuid.uuid4(),
        "opened": sealed(at),
        "decision": decision,
        "direction": "outbound",
        "number": first[0].e164 if first else "",
        "campaign": campaign,
    }
    if talk:
        initial |= {
            "talk": talk.pk,
            "direction": talk.direction,
            "number": talk.text.number,
            "campaign": talk.campaign_id,
            "result": talk.result,
        }
    return CallForm(initial=initial, customer=customer, user=user, asks=asks)


class AnswerForm(forms.Form):
    """The answer that was promised in writing: typed here, or a PDF."""

    text = forms.CharField(
        label=_("The answer, in the customer's language"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea({"rows": 8}),
    )
    pdf = forms.FileField(
        label=_("Or a PDF that holds it"),
        required=False,
        widget=forms.FileInput({"accept": "application/pdf"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.add_input(Submit("send", _("Send the answer")))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors and bool(data.get("text", "").strip()) == bool(data.get("pdf")):
            self.add_error("text", _("Write the answer, or choose a PDF that holds it."))
        return data
