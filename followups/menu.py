"""What an agent can promise this customer now: offers with their price, ways with their due. Reads.

It is read once for a page, however many lines the form has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from crm import calendars, instants
from crm.calendar_words import opening_words as opening_words
from crm.models import Customer, User
from crm.workdays import Calendar
from followups import callbacks
from followups.channels import BY, MAIL, route
from followups.models import Promise
from followups.proposals import Holding
from followups.terms import Refused, Terms, due, due_of
from offers import catalogue, drafts
from offers.channels import CHANNELS
from offers.comparison import Comparison, sentence
from offers.models import Document, OfferVersion, Plan
from offers.wording import say

FALLBACK = ("email", "bill_insert", "post")
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Way:
    """A channel for this customer: where it leads, until when, and what follows if it fails."""

    channel: str
    plan: tuple[str, ...]
    due_at: datetime | None
    refusal: str
    leads: bool  # there is an address on file

    @property
    def label(self) -> str:
        return str(BY[self.channel])

    def sentence(self, *, now: datetime, due_at: datetime | None = None) -> str:
        """When it is due (or at `due_at`) and which way it goes; or why it cannot."""
        if self.due_at is None:
            return self.refusal
        words = _("Due by %(when)s. It goes %(ways)s.")
        when = instants.spoken(due_at or self.due_at, now=now)
        return words % {"when": when, "ways": route(self.plan)}


@dataclass(frozen=True)
class Choice:
    """An offer that can be promised: a plan of the catalogue, or a version made before."""

    value: str
    label: str
    sentence: str  # for the customer, in the customer's language
    plan: Plan | None = None
    version: OfferVersion | None = None


@dataclass(frozen=True)
class Menu:
    """Everything that a *We promise…* line offers to choose from."""

    plans: tuple[Choice, ...]
    versions: tuple[Choice, ...]
    documents: tuple[Document, ...]
    ways: tuple[Way, ...]
    calendar: Calendar | None
    answer_due_at: datetime | None
    today: str  # what the customer pays now, in words
    at: datetime
    call_backs: tuple[Promise, ...] = ()  # that the customer waits for
    documents_owed: tuple[Promise, ...] = ()  # for which a call can wait

    def way(self, channel: str) -> Way | None:
        return next((way for way in self.ways if way.channel == channel), None)

    def choice(self, value: str) -> Choice | None:
        return next((one for one in (*self.versions, *self.plans) if one.value == value), None)

    @property
    def channel(self) -> str:
        """The way that is proposed: the first that leads somewhere."""
        open_to_us = {way.channel for way in self.ways if way.due_at and way.leads}
        return next((channel for channel in FALLBACK if channel in open_to_us), FALLBACK[0])


def of(customer: Customer, *, holdings: Iterable[Holding], user: User, at: datetime) -> Menu:
    """The menu for this customer and this agent, in a fixed number of queries."""
    today = instants.house(at).date()
    calendar = calendars.of(user.team, at=at) if user.team else None
    uploads = Document.objects.filter(customer=customer, kind=Document.Kind.UPLOAD)
    return Menu(
        plans=tuple(_plan(plan, customer, today, at) for plan in catalogue.active()),
        versions=tuple(_version(held, customer) for held in holdings if _stands(held, today)),
        documents=tuple(uploads.defer("pdf", "html").order_by("-pk")[:10]),
        ways=ways_to(customer, calendar=calendar, at=at),
        calendar=calendar,
        answer_due_at=_answer_due(calendar, at),
        today=_pays(customer, today),
        at=at,
        call_backs=tuple(callbacks.pending(customer.pk)),
        documents_owed=tuple(
            Promise.objects.open()
            .filter(customer=customer)
            .exclude(kind=Promise.Kind.CALLBACK)
            .order_by("-made_at", "-pk")[:5]
        ),
    )


def _answer_due(calendar: Calendar | None, at: datetime) -> datetime | None:
    terms = Terms(kind=Promise.Kind.WRITTEN_ANSWER, words="")
    return due_of(terms, calendar=calendar, at=at) if calendar else None


def _stands(held: Holding, today: date) -> bool:
    """The newest version of an offer that we still stand by."""
    return held.newest and held.version.offer.withdrawn_at is None and not held.over(today)


def _pays(customer: Customer, today: date) -> str:
    contract = getattr(customer, "contract", None)
    if contract is None:
        return ""
    now = [
        line.promo_monthly
        if line.promo_monthly is not None
        and line.promo_until_date is not None
        and today <= line.promo_until_date
        else line.monthly
        for line in contract.lines.all()
    ]
    return _("pays %(amount)s a month today") % {"amount": instants.money(sum(now, start=_ZERO))}


def _plan(plan: Plan, customer: Customer, today: date, at: datetime) -> Choice:
    proposal = catalogue.proposal_of(plan, language=customer.language, at=at)
    figures = drafts.preview(customer=customer, proposal=proposal, on=today)
    value = f"plan:{plan.code}"
    if figures is None:
        first = sum((line.promo_monthly or line.monthly for line in proposal.lines), start=_ZERO)
        price = _("%(amount)s a month") % {"amount": instants.money(first)}
        return Choice(value, f"{plan.name} · {price}", "", plan=plan)
    label = f"{plan.name} · {prices(figures)}"
    return Choice(value, label, sentence(figures, customer.language), plan=plan)


def _version(held: Holding, customer: Customer) -> Choice:
    version, figures = held.version, held.figures
    label = f"{version} · {version.plan}"
    said = ""
    if figures:
        label, said = f"{label} · {prices(figures)}", sentence(figures, customer.language)
    return Choice(str(version.pk), label, said, version=version)


def prices(figures: Comparison) -> str:
    """ "€35.00 a month, later €45.00 · €19.95 less than today, later €9.95 less" """
    first, last = figures.proposed.monthly, figures.proposed.monthly_after
    price = _("%(amount)s a month") % {"amount": instants.money(first)}
    change = _change(figures.difference) % {"amount": instants.money(abs(figures.difference))}
    if first != last:
        price += _(", later %(amount)s") % {"amount": instants.money(last)}
    if figures.difference_after != figures.difference:
        after = figures.difference_after
        change += _(", later %(change)s") % {
            "change": _change(after) % {"amount": instants.money(abs(after))}
        }
    return f"{price} · {change}"


def _change(difference: Decimal) -> str:
    if not difference:
        return _("as today")
    return _("%(amount)s less") if difference < 0 else _("%(amount)s more")


def ways_to(customer: Customer, *, calendar: Calendar | None, at: datetime) -> tuple[Way, ...]:
    """Every channel for this customer, those that cannot be promised too."""
    on_file = [channel for channel in BY if CHANNELS[channel].address_of(customer)]
    ways: list[Way] = []
    for channel in BY:
        plan, leads = plan_from(channel, on_file), channel in on_file
        try:
            due_at, refusal = _due(channel, customer, calendar, at), ""
        except Refused as refused:
            due_at, refusal = None, str(refused)
        ways.append(Way(channel, plan, due_at, refusal, leads))
    return tuple(ways)


def _due(channel: str, customer: Customer, calendar: Calendar | None, at: datetime) -> datetime:
    if calendar is None:
        raise Refused("channel", _("You have no team, so nothing can be promised."))
    return due(channel=channel, calendar=calendar, customer=customer, at=at)


def plan_from(channel: str, on_file: Collection[str]) -> tuple[str, ...]:
    """The chosen channel, then those that lead somewhere by what is on file.

    A page is announced by mail: when that mail does not arrive, another one would not either.
    """
    mailed = channel in MAIL
    others = (one for one in FALLBACK if one != channel and not (mailed and one in MAIL))
    return (channel, *(one for one in others if one in on_file))


def suggestions(language: str) -> dict[tuple[str, str], str]:
    """What one may say for each kind and channel, in the customer's language."""
    kinds = (Promise.Kind.SEND_OFFER, Promise.Kind.SEND_DOCUMENT)
    said = {
        (kind.value, channel): say("desk_texts", f"{kind.value}_{channel}", language)
        for kind in kinds
        for channel in BY
    }
    callback = say("desk_texts", "callback", language)
    return said | {(Promise.Kind.CALLBACK.value, channel): callback for channel in BY}


def answering(question: str, language: str) -> str:
    """What is promised to somebody who asked this, in the customer's language."""
    return say("desk_texts", "written_answer", language, question=" ".join(question.split()))


def asked(words: str, language: str) -> str:
    """The question in what `answering` made of it; any other words are given back whole."""
    before, _mark, after = answering("\0", language).partition("\0")
    if words.startswith(before) and words.endswith(after) and len(words) > len(before + after):
        return words[len(before) : len(words) - len(after)]
    return words
