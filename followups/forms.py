"""Forms of this storey: the call with its promises, and mending an address."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from crispy_forms.bootstrap import InlineRadios
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Div, Field, Layout, Submit
from django import forms
from django.core import signing
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from crm import phone, wording
from crm.models import Attempt, Campaign, Customer, Disposition, User
from followups.models import Promise
from followups.wrapup import NewOffer, Wish
from offers.documents import MOST_BYTES
from offers.letters import suggested
from offers.models import OfferVersion

LINES = "promises"
MOST_PROMISES = 5
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
    result = forms.ChoiceField(label=_("Result"), choices=[("", "—"), *Attempt.Result.choices])
    disposition = forms.ModelChoiceField(
        label=_("What it meant"),
        queryset=Disposition.objects.all(),
        required=False,
        empty_label="—",
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=4000, widget=forms.Textarea({"rows": 2})
    )

    def __init__(self, *args: Any, customer: Customer, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        numbers = [(row.e164, phone.international(row.e164)) for row in customer.numbers.all()]
        self.fields["number"].choices = [*numbers, ("", _("another number"))]  # type: ignore[attr-defined]
        mine = Q(team=None) | Q(team=user.team_id)
        self.fields["campaign"].queryset = Campaign.objects.filter(mine, active=True)  # type: ignore[attr-defined]
        meaning: Any = self.fields["disposition"]
        meaning.label_from_instance = lambda row: wording.disposition(row.code)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            "form_id",
            "opened",
            "decision",
            Div(InlineRadios("direction"), "number", "campaign", css_class="kept-row"),
            Div("result", "disposition", css_class="kept-row"),
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

    def started_at(self, at: datetime) -> datetime:
        """The call began when its form was opened, unless that is too long ago to be believed."""
        opened: datetime | None = self.cleaned_data.get("opened")
        return opened if opened and at - LONGEST_CALL <= opened <= at else at


def new_call(*, customer: Customer, user: User, at: datetime, decision: str = "") -> CallForm:
    """An empty form with its own id: a double click saves one call."""
    first = customer.numbers.all()[:1]
    initial = {
        "form_id": uuid.uuid4(),
        "opened": sealed(at),
        "decision": decision,
        "direction": "outbound",
        "number": first[0].e164 if first else "",
    }
    return CallForm(initial=initial, customer=customer, user=user)


class PromiseLine(forms.Form):
    """One *We promise…* line; without a kind it promises nothing."""

    NEW = "new"

    kind = forms.ChoiceField(
        label=_("We promise"),
        choices=[("", _("nothing")), *Promise.Kind.choices],
        required=False,
    )
    offer = forms.ChoiceField(label=_("Which offer"), required=False)
    plan = forms.CharField(label=_("Plan"), required=False, max_length=120)
    monthly = forms.DecimalField(
        label=_("Euro a month"), required=False, min_value=0, max_digits=8, decimal_places=2
    )
    commitment = forms.DateField(
        label=_("Committed until"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    pdf = forms.FileField(label=_("Document (PDF)"), required=False)
    words = forms.CharField(label=_("In the words you used"), required=False, max_length=500)
    address = forms.EmailField(label=_("By e-mail to"), required=False)
    read_back = forms.BooleanField(
        label=_("I read this address back, and the customer agreed"), required=False
    )

    def __init__(self, *args: Any, customer: Customer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = _versions(customer)
        self.versions = {str(version.pk): version for version in versions}
        known = [(str(v.pk), f"{v} · {v.plan}") for v in versions]
        self.fields["offer"].choices = [*known, (self.NEW, _("a new offer"))]  # type: ignore[attr-defined]
        good = next((row.address for row in customer.emails.all() if not row.bad_at), "")
        self.fields["address"].initial = good
        offer, other = (suggested(language=customer.language, offer=o) for o in (True, False))
        self.fields["words"].initial = offer
        self.fields["words"].widget.attrs |= {"data-send_offer": offer, "data-send_document": other}
        self.fields["pdf"].widget.attrs["accept"] = "application/pdf"
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            Div("kind", Field("offer", wrapper_class="kept-offer"), css_class="kept-row"),
            Div("plan", "monthly", "commitment", css_class="kept-row kept-new-offer"),
            Div("pdf", css_class="kept-document"),
            Div("words", "address", "read_back", css_class="kept-promised"),
        )

    def clean_pdf(self) -> Any:
        pdf = self.cleaned_data.get("pdf")
        if pdf and pdf.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 4 MB."))
        return pdf

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind, new = data.get("kind"), data.get("offer") in {"", self.NEW, None}
        if not kind:
            return data
        self._need("words", _("Write what was promised."))
        if kind == Promise.Kind.SEND_DOCUMENT:
            self._need("pdf", _("Choose the document that was promised."))
        if kind == Promise.Kind.SEND_OFFER and new:
            self._need("plan", _("A new offer needs this."))
            self._need("monthly", _("A new offer needs this."))
        if data.get("read_back"):
            self._need("address", _("An address is read back before it is accepted."))
        return data

    def _need(self, name: str, message: Any) -> None:
        if self.cleaned_data.get(name) in {"", None} and name not in self.errors:
            self.add_error(name, message)

    def ask_for_file_again(self) -> None:
        """A browser keeps everything that was typed, but never a chosen file."""
        if self.files.get(self.add_prefix("pdf")) and "pdf" not in self.errors:
            self.add_error("pdf", _("Choose the file once more: the browser does not keep it."))

    def wish_kind(self) -> str:
        """What the line promises; empty when it promises nothing."""
        return str(self.cleaned_data.get("kind") or "")

    def wish(self) -> Wish | None:
        """The line as the wrap-up reads it; None when it promises nothing."""
        data = self.cleaned_data
        if not data.get("kind"):
            return None
        offer, pdf = data.get("offer"), data.get("pdf")
        sends_offer = data["kind"] == Promise.Kind.SEND_OFFER
        version = self.versions.get(str(offer)) if sends_offer else None
        drafted = NewOffer(data["plan"], data["monthly"], data.get("commitment"))
        return Wish(
            kind=data["kind"],
            words=data["words"],
            address=data.get("address", ""),
            address_accepted=data.get("read_back", False),
            version=version,
            offer=drafted if sends_offer and version is None else None,
            title=pdf.name if pdf and not sends_offer else "",
            pdf=pdf.read() if pdf and not sends_offer else b"",
        )


def _versions(customer: Customer) -> QuerySet[OfferVersion]:
    rows = OfferVersion.objects.filter(offer__customer=customer).select_related("offer")
    return rows.order_by("-created_at", "-pk")[:20]


PromiseLines = forms.formset_factory(
    PromiseLine, extra=1, max_num=MOST_PROMISES, absolute_max=MOST_PROMISES, validate_max=True
)


class AddressForm(forms.Form):
    """Where the promised document goes instead."""

    address = forms.EmailField(label=_("Mail address"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.add_input(Submit("send", _("Send it there now")))
