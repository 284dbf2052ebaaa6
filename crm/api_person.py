"""A customer on the wire: what another system may say about one, and what it is told."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from config.problems import Fault, Problem
from crm import customers, filing, phone
from crm.api import Day, Strict, Text
from crm.customers import ContractFacts, Facts
from crm.models import Customer, Team

LONGEST_ID = 64


def one_line(text: str) -> str:
    """As an import takes it: composed characters, and no line break that a header could end at."""
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError(_("There is a control character or a line break in it."))
    return unicodedata.normalize("NFC", text)


Line = Annotated[Text, StringConstraints(strip_whitespace=True), AfterValidator(one_line)]
Amount = Annotated[Decimal, Field(ge=0, lt=1_000_000, decimal_places=2)]
Speed = Annotated[int, Field(ge=0, lt=2**31)]


class Price(Strict):
    """A price line of the contract in force; euro a month, tax included."""

    label: Annotated[Line, Field(min_length=1, max_length=160)]
    monthly: Amount
    promo_monthly: Amount | None = None
    promo_until: Day | None = None
    speed_down_mbps: Speed | None = None
    speed_up_mbps: Speed | None = None
    volume: Annotated[Line, Field(max_length=80)] = ""

    @model_validator(mode="after")
    def _ends(self) -> Price:
        if (self.promo_monthly is None) != (self.promo_until is None):
            raise ValueError(_("A promotional price needs its end, and an end its price."))
        return self


class InForce(Strict):
    """The contract in force."""

    plan: Annotated[Line, Field(min_length=1, max_length=120)]
    since: Day | None = None
    commitment_until: Day | None = None
    termination_fee: Amount = Decimal(0)
    lines: Annotated[list[Price], Field(max_length=50)] = []


class Person(Strict):
    """A customer. What is left out is emptied, or falls to its default; only the contract stays as
    it was. `external_id` is the customer's name in the system that writes."""

    external_id: Annotated[Line, Field(min_length=1, max_length=LONGEST_ID)] | None = None
    name: Annotated[Line, Field(min_length=1, max_length=200)]
    language: Literal["fr", "nl", "de", "en"]
    team: Annotated[Text, Field(max_length=50)] | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = settings.DEFAULT_COUNTRY
    phones: Annotated[list[Annotated[Text, Field(max_length=250)]], Field(max_length=20)] = []
    emails: Annotated[list[Annotated[Text, Field(max_length=254)]], Field(max_length=20)] = []
    street: Annotated[Line, Field(max_length=200)] = ""
    postcode: Annotated[Line, Field(max_length=16)] = ""
    city: Annotated[Line, Field(max_length=100)] = ""
    bill_medium: Literal["paper", "electronic"] = "paper"
    bill_day: Annotated[int, Field(ge=1, le=28)] | None = None
    note: Annotated[Text, Field(max_length=2000)] = ""
    contract: InForce | None = None


class PriceKnown(BaseModel):
    """A price line as we know it."""

    model_config = ConfigDict(from_attributes=True)

    label: str
    monthly: Decimal
    promo_monthly: Decimal | None
    promo_until: date | None
    speed_down_mbps: int | None
    speed_up_mbps: int | None
    volume: str


class ContractKnown(BaseModel):
    """The contract as we know it."""

    model_config = ConfigDict(from_attributes=True)

    plan: str
    since: date | None
    commitment_until: date | None
    termination_fee: Decimal
    lines: list[PriceKnown]


class Known(BaseModel):
    """A customer as we know them. `bad_emails`: a report said that these do not exist."""

    reference: str
    external_id: str | None
    name: str
    language: str
    team: str
    country: str
    phones: list[str]
    emails: list[str]
    bad_emails: list[str]
    street: str
    postcode: str
    city: str
    bill_medium: str
    bill_day: int | None
    note: str
    contract: ContractKnown | None
    created_at: datetime


def understood(person: Person, *, external_id: str | None, team: Team | None) -> Facts:
    """What the body says, in the house's own words. Raises Problem with every field at fault."""
    phones, wrong = _phones(person)
    wrong += _wrong_emails(person)
    if team is None:
        said = _("There is no such team.") if person.team else _("Say which team it is.")
        wrong.append(Fault("team", said))
    if wrong or team is None:
        raise Problem("invalid", faults=wrong)
    same = person.model_dump(exclude={"external_id", "team", "phones", "emails", "contract"})
    return Facts(
        external_id=external_id,
        team=team,
        phones=phones,
        emails=tuple(dict.fromkeys(person.emails)),
        contract=_contract(person.contract),
        **same,
    )


def _phones(person: Person) -> tuple[tuple[str, ...], list[Fault]]:
    read, wrong = dict[str, None](), []
    for place, text in enumerate(person.phones):
        try:
            read[phone.normalise(text, person.country)] = None
        except phone.NotANumber:
            wrong.append(Fault(f"phones.{place}", _("This is not a phone number.")))
    return tuple(read), wrong


def _wrong_emails(person: Person) -> Iterator[Fault]:
    for place, address in enumerate(person.emails):
        try:
            validate_email(address)
        except ValidationError:
            yield Fault(f"emails.{place}", _("This is not a mail address."))


def _contract(told: InForce | None) -> ContractFacts | None:
    if told is None:
        return None
    lines = tuple(customers.Line(**line.model_dump()) for line in told.lines)
    return ContractFacts(lines=lines, **told.model_dump(exclude={"lines"}))


def known(customer: Customer) -> Known:
    """Best of a row of filing.whole()."""
    facts = filing.facts_of(customer)
    contract = facts.contract and ContractKnown.model_validate(facts.contract)
    told = {**vars(facts), "team": facts.team.slug, "contract": contract}
    return Known(
        reference=customer.reference,
        created_at=customer.created_at,
        bad_emails=[row.address for row in customer.emails.all() if row.bad_at],
        **{name: told[name] for name in Known.model_fields if name in told},
    )
