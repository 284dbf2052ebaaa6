"""The standing cast of the tests, and the scene in which it acts: Monday 2 March 2026, 09:00."""

from __future__ import annotations

import importlib
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.core.cache import cache as counters

from config.timetable import SWEEPS
from crm import customers, heartbeats, workdays
from crm.actors import Actor
from crm.calls import Call
from crm.customers import ContractFacts, Facts, Line
from crm.models import Campaign, Customer, Disposition, Team, User
from followups import conversations
from followups.models import Promise
from followups.terms import Terms
from offers import documents, drafts
from offers.channels.smtp import Outcome
from offers.drafts import Proposal
from offers.models import Delivery, Document, OfferVersion
from offers.rendering import render_pdf
from tests.offers import sample

BRUSSELS = ZoneInfo("Europe/Brussels")
START = datetime(2026, 3, 2, 9, 0, tzinfo=BRUSSELS).astimezone(UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SYSTEM = Actor.sweep("test")
DUPONT_MOBILE, DUPONT_HOME, DUPONT_MAIL = "+32470123456", "+3242223344", "dupont@mail.example"
PEETERS_MOBILE, PEETERS_MAIL = "+32475998877", "peeters@post.example"
PASSWORD = "a-long-password-for-tests"
WORDS = "I will e-mail you the offer today."

CONTRACT = ContractFacts(
    plan="Tempo Duo",
    lines=(
        Line("Internet", Decimal("45.00"), speed_down_mbps=100, speed_up_mbps=20),
        Line("Fixed phone", Decimal("9.95")),
    ),
    commitment_until=date(2026, 9, 30),
    termination_fee=Decimal("75.00"),
)
PROPOSAL = Proposal(
    plan="Flex Fibre 500",
    lines=(Line("Fibre internet", Decimal("48.00"), speed_down_mbps=500, speed_up_mbps=100),),
    one_offs={0: Decimal("59.00")},
)


def brussels(text: str) -> datetime:
    """A wall-clock time in Brussels, as UTC: "2026-03-03 17:30"."""
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).astimezone(UTC)


@dataclass(frozen=True)
class Cast:
    """Everybody who plays. `by` of a person is `person(user)`."""

    liege: Team
    gent: Team
    amina: User
    bram: User
    chloe: User
    dirk: User
    eva: User

    @cached_property
    def dupont(self) -> Customer:
        """Mme Dupont, French, of Liège: two numbers and a mail address."""
        return customers.add(
            facts=Facts(
                name="Mme Éléonore Dupont",
                language="fr",
                team=self.liege,
                phones=(DUPONT_MOBILE, DUPONT_HOME),
                emails=(DUPONT_MAIL,),
                street="rue du Pont 1",
                postcode="4000",
                city="Liège",
                contract=CONTRACT,
            ),
            at=START - DAY,
        )

    @cached_property
    def peeters(self) -> Customer:
        """Dhr. Peeters, Dutch, of Gent."""
        return customers.add(
            facts=Facts(
                name="Dhr. Jan Peeters",
                language="nl",
                team=self.gent,
                phones=(PEETERS_MOBILE,),
                emails=(PEETERS_MAIL,),
                contract=CONTRACT,
            ),
            at=START - DAY,
        )

    @cached_property
    def sales(self) -> Campaign:
        return Campaign.objects.create(slug="fibre", name="Fibre", purpose="sales")


@cache
def _hashed() -> str:
    """Hashed once: the hash is slow on purpose, and everybody has the same password."""
    return make_password(PASSWORD)


def _person(username: str, first: str, role: str, team: Team | None, **more: Any) -> User:
    return User.objects.create(
        username=username,
        password=_hashed(),
        first_name=first,
        email=f"{username}@kept.example",
        role=role,
        team=team,
        **more,
    )


def assemble() -> Cast:
    """The people and their teams; the customers come when they are called upon."""
    # No model stands behind the counters: a test that commits leaves its guesses to the next.
    counters.clear()
    calendar = workdays.DEFAULT.to_dict()
    liege = Team.objects.create(slug="liege", name="Liège", calendar=calendar)
    gent = Team.objects.create(slug="gent", name="Gent", calendar=calendar)
    chloe = _person("chloe", "Chloé", User.Role.SUPERVISOR, liege)
    _dispositions()
    return Cast(
        liege=liege,
        gent=gent,
        amina=_person("amina", "Amina", User.Role.AGENT, liege, supervisor=chloe),
        bram=_person("bram", "Bram", User.Role.AGENT, gent),
        chloe=chloe,
        dirk=_person("dirk", "Dirk", User.Role.OPERATIONS, None),
        eva=_person("eva", "Eva", User.Role.ADMINISTRATOR, None),
    )


def _dispositions() -> None:
    """A TRUNCATE between tests also empties the closed list that a migration had filled."""
    migration = importlib.import_module("crm.migrations.0003_dispositions")
    for place, (code, contact, refusal, dnc, callback, promise, final) in enumerate(migration.ROWS):
        flags = {"contact": contact, "refusal": refusal, "do_not_call": dnc, "callback": callback}
        Disposition.objects.get_or_create(
            code=code, defaults={"position": place, "promise": promise, "final": final, **flags}
        )


def person(user: User) -> Actor:
    return Actor.person(user)


def offer_for(customer: Customer, *, at: datetime = START, **more: Any) -> OfferVersion:
    """An offer beside the contract in force."""
    return drafts.draft(customer=customer, proposal=PROPOSAL, by=SYSTEM, at=at, **more)


def pdf_for(customer: Customer, *, at: datetime = START, text: bytes | None = None) -> Document:
    """An uploaded PDF (the sample offer, which opens like any other)."""
    pdf = render_pdf(sample.document()) if text is None else text
    return documents.upload(
        customer=customer, title="Answer", pdf=pdf, language="fr", by=SYSTEM, at=at
    )


def call_of(agent: User, customer: Customer | None, *, at: datetime = START, **more: Any) -> Call:
    """An answered outbound sales call that started at `at`."""
    facts: dict[str, Any] = {
        "source": "desk",
        "external_id": uuid.uuid4().hex,
        "direction": "outbound",
        "started_at": at,
        "answered_at": at,
        "result": "answered",
        "purpose": "sales",
        "customer": customer,
        "number": DUPONT_MOBILE,
        "agent": agent,
    }
    return Call(**{**facts, **more})


def terms_for(version: OfferVersion | None, **more: Any) -> Terms:
    """An offer by e-mail to Mme Dupont's address, read back on the call."""
    facts: dict[str, Any] = {
        "kind": Promise.Kind.SEND_OFFER,
        "words": WORDS,
        "address": DUPONT_MAIL,
        "address_accepted": True,
        "version": version,
    }
    return Terms(**{**facts, **more})


def call_and_promise(
    agent: User,
    customer: Customer,
    *,
    at: datetime = START,
    version: OfferVersion | None = None,
    call: dict[str, Any] | None = None,
    **terms: Any,
) -> Promise:
    """A call with one promise in it, as the desk records it."""
    wanted = terms_for(version or offer_for(customer, at=at), **terms)
    recorded = conversations.record(
        call=call_of(agent, customer, at=at, **(call or {})),
        terms=[wanted],
        by=person(agent),
        at=at,
    )
    return recorded.promises[0]


def delivery_of(promise: Promise) -> Delivery:
    """The newest delivery attached to a promise."""
    return Delivery.objects.filter(attached__promise=promise).latest("pk")


def sweeps_alive(at: datetime) -> None:
    """Every sweep has just run, so that the gate trusts its own promises."""
    for sweep in SWEEPS:
        heartbeats.beat(name=sweep.name, at=at)


class Clock:
    """A clock that tests turn by hand."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def turn(self, by: timedelta) -> datetime:
        self.at += by
        return self.at


SENT = Outcome("sent", 250, "2.0.0", "250 2.0.0 queued as 4F2A", "verdict")
BUSY = Outcome("retry", 451, "4.7.1", "451 4.7.1 try later", "rcpt")
NO_SUCH_USER = Outcome("failed", 550, "5.1.1", "550 5.1.1 user unknown", "rcpt")
SILENCE = Outcome("unknown", None, None, "timed out", "verdict")


class Relay:
    """Stands in for the channel's border: answers from a script, remembers what it was handed."""

    def __init__(self, *script: Outcome) -> None:
        self.script = list(script)
        self.carried: list[tuple[int, int]] = []  # delivery and its fencing token

    def carry(self, delivery: Delivery, document: Document, begin: Any, at: datetime) -> Outcome:
        outcome = self.script.pop(0) if self.script else SENT
        if outcome.stage in {"verdict", "body"} and not begin():
            return Outcome("lost", None, None, "", "data")
        self.carried.append((delivery.pk, delivery.token))
        return outcome
