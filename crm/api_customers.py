"""GET and PUT /customers: another system finds customers, reads them, and keeps them up to date."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import BaseModel, Field

from config.problems import DOCUMENTED, Fault, Problem, invalid
from crm import api_person, customers, filing, names, phone
from crm.api import Caller, Key, Strict, Text, after, caller_of, cursor_of, refuse_unknown
from crm.api_person import LONGEST_ID, Known, Person
from crm.models import Customer, Team

router = Router(tags=["customers"])
READ, WRITE = Key("customers:read"), Key("customers:write")
MOST = 200
MOST_WORDS = 8
# References are ours to give: nobody is created under one.
OURS = re.compile(r"C-[0-9]+", re.ASCII | re.IGNORECASE)


class Filed(BaseModel):
    """What became of the customer: new (201), changed, or the same."""

    reference: str
    external_id: str | None
    became: Literal["new", "changed", "same"]


class Wanted(Strict):
    """By a telephone number, or by words of the name, a reference or an external id; or both."""

    phone: Annotated[Text, Field(min_length=1, max_length=250)] | None = None
    q: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    cursor: Annotated[Text, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


class CustomerPage(BaseModel):
    """`next` is the cursor of the following page, or null at the end."""

    items: list[Known]
    next: str | None


@router.get(
    "/customers",
    auth=READ,
    response=CustomerPage,
    summary="Find customers",
    openapi_extra=DOCUMENTED,
)
def found(request: HttpRequest, wanted: Query[Wanted]) -> CustomerPage:
    """Oldest first, page by page. A key of one team finds that team's customers."""
    refuse_unknown(request, Wanted)
    rows = _searched(wanted, _mine(caller_of(request)))
    if wanted.cursor:
        rows = rows.filter(pk__gt=after(wanted.cursor))
    page = list(rows.order_by("pk")[: wanted.limit + 1])
    more, page = len(page) > wanted.limit, page[: wanted.limit]
    return CustomerPage(
        items=list(map(api_person.known, page)), next=cursor_of(page[-1].pk) if more else None
    )


def _mine(caller: Caller) -> QuerySet[Customer]:
    rows = filing.whole().filter(erased_at=None)
    return rows.filter(team=caller.key.team_id) if caller.key.team_id else rows


def _searched(wanted: Wanted, rows: QuerySet[Customer]) -> QuerySet[Customer]:
    if wanted.phone is None and wanted.q is None:
        words = _("Give a number, or words to look for.")
        raise Problem("invalid", faults=[Fault("phone", words), Fault("q", words)])
    if wanted.phone is not None:
        try:
            e164 = phone.normalise(wanted.phone, settings.DEFAULT_COUNTRY)
        except phone.NotANumber as error:
            raise invalid("phone", _("This is not a phone number.")) from error
        rows = rows.filter(pk__in=customers.of_number(e164).values("pk"))
    if wanted.q is not None:
        named = Q(reference=wanted.q.strip().upper()) | Q(external_id=wanted.q.strip())
        known = rows.filter(named)
        rows = known if known.exists() else _in_name(rows, wanted.q)
    return rows


def _in_name(rows: QuerySet[Customer], text: str) -> QuerySet[Customer]:
    """Each word begins one of the name, in any order. Blanks alone are in nobody's name."""
    words = " ".join(customers.fold(text).split()[:MOST_WORDS])
    begun = names.begun("text__folded_name", words)
    return rows.filter(begun, text__isnull=False) if begun else rows.none()


@router.get(
    "/customers/{reference}",
    auth=READ,
    response=Known,
    summary="One customer, by reference or external id",
    openapi_extra=DOCUMENTED,
)
def one(request: HttpRequest, reference: str) -> Known:
    """Everything that is kept about the person beside calls and promises."""
    customer = _named(reference, _mine(caller_of(request)))
    if customer is None:
        raise Problem("not_found")
    return api_person.known(customer)


def _named(reference: str, rows: QuerySet[Customer]) -> Customer | None:
    if "\x00" in reference or len(reference) > LONGEST_ID:
        return None
    name = unicodedata.normalize("NFC", reference)
    rows = rows.filter(Q(reference=name.upper()) | Q(external_id=name))
    return min(rows, key=lambda row: row.external_id == name, default=None)


@router.put(
    "/customers/{reference}",
    auth=WRITE,
    response={200: Filed, 201: Filed},
    summary="Create or replace a customer",
    openapi_extra=DOCUMENTED,
)
def put(request: HttpRequest, reference: str, person: Person) -> HttpResponse:
    """By our reference, or by an external id, under which a new customer is created.

    The same again changes nothing. Numbers may be in any usual spelling.
    """
    row, became = _filed(reference, person, caller_of(request))
    told = {"reference": row.reference, "external_id": row.external_id, "became": became}
    return JsonResponse(told, status=201 if became == filing.NEW else 200)


def _filed(
    reference: str, person: Person, caller: Caller, *, again: bool = True
) -> tuple[Customer, str]:
    customer = _to_write(reference, caller)
    facts = api_person.understood(
        person,
        external_id=_external_id(person, customer, reference),
        team=_team(person.team, caller),
    )
    try:
        return filing.put(facts=facts, customer=customer, by=caller.by, at=caller.at)
    except filing.Erased as error:
        raise Problem("erased") from error
    except filing.Taken as error:
        if customer is None and again:  # somebody wrote the same customer in this moment
            return _filed(reference, person, caller, again=False)
        raise invalid("external_id", _("Another customer has this external id.")) from error


def _to_write(reference: str, caller: Caller) -> Customer | None:
    """Who is meant; None for an external id that nobody has yet."""
    customer = _named(reference, filing.whole())
    team = caller.key.team_id
    if customer and (team is None or customer.team_id == team):
        return customer
    if customer or OURS.fullmatch(reference):
        raise Problem("not_found")
    return None


def _external_id(person: Person, customer: Customer | None, reference: str) -> str | None:
    """The body may give one to a customer whom we know by reference; else the address has it."""
    if customer and customer.reference == reference.upper():
        return person.external_id or customer.external_id
    try:
        named = api_person.one_line(reference)
    except ValueError as error:
        raise Problem("not_found") from error
    if not 0 < len(named) <= LONGEST_ID or named != named.strip():
        raise Problem("not_found")
    if person.external_id not in {None, named}:
        raise invalid("external_id", _("The address names another external id."))
    return named


def _team(slug: str | None, caller: Caller) -> Team | None:
    """A supplier's key writes customers of its own team."""
    own = caller.key.team
    if own:
        return own if slug in {None, own.slug} else None
    return Team.objects.filter(slug=slug).first() if slug else None
