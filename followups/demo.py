"""The demo: teams, people, 60 customers and two weeks of promises, for a machine of one's own.

Refused everywhere else. Names, numbers and addresses are made up; sums and contracts are those of
a public sample set (crm/data/README.md).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm import audit, campaign_entries, campaigns, customers, imports, mappings, people
from crm.actors import SYSTEM, Actor
from crm.campaign_entries import Wanted
from crm.models import AuditEntry, Campaign, Customer, Team, User
from crm.people import Person
from crm.workdays import Calendar
from followups import checks, demo_paper
from followups.demo_plots import Days, Scene, of_team
from followups.demo_stage import Line, Stage
from offers import catalogue
from offers.drafts import Proposal, draft
from offers.models import OfferVersion

DATA = Path(mappings.__file__).parent / "data"
PAST_WORKING_DAYS = 10
WEEK = {day: ((time(9), time(12, 30)), (time(13), time(18))) for day in range(5)}
CALENDARS = {
    "liege": Calendar(zone="Europe/Brussels", hours=WEEK, country="BE"),
    "gent": Calendar(
        zone="Europe/Brussels",
        hours={day: ((time(8, 30), time(12)), (time(12, 45), time(17, 30))) for day in range(5)},
        country="BE",
    ),
}
TEAMS = {"liege": "Liège", "gent": "Gent"}
Role = User.Role
# Each with the language of their screens; supervisors first, because agents name theirs.
CAST = (
    ("chloe", "Chloé", Role.SUPERVISOR, "liege", "fr"),
    ("greet", "Greet", Role.SUPERVISOR, "gent", "nl"),
    ("amina", "Amina", Role.AGENT, "liege", "en"),
    ("bram", "Bram", Role.AGENT, "gent", "en"),
    ("dirk", "Dirk", Role.OPERATIONS, "", "en"),
    ("eva", "Eva", Role.ADMINISTRATOR, "", "en"),
)
LOADED, LOGINS = "demo_loaded", "demo_logins_set"


class NotTheDemo(RuntimeError):
    """Asked for where real people are customers."""


def require() -> None:
    """Raises NotTheDemo unless KEPT_DEMO is set."""
    if not settings.KEPT_DEMO:
        raise NotTheDemo(_("This exists in the demo only (KEPT_DEMO)."))


@dataclass(frozen=True)
class LogIn:
    username: str
    password: str
    role: str
    team: str


def password_of(username: str) -> str:
    """The same on this machine, another one on every other: nothing to find out beforehand."""
    digest = hmac.new(settings.SECRET_KEY.encode(), f"demo {username}".encode(), hashlib.sha256)
    letters = base64.b32encode(digest.digest()).decode().lower()
    return "-".join(letters[start : start + 4] for start in (0, 4, 8, 12))


def logins() -> list[LogIn]:
    """Who can log in, agents first. Raises NotTheDemo."""
    require()
    order = [Role.AGENT, Role.SUPERVISOR, Role.OPERATIONS, Role.ADMINISTRATOR]
    return [
        LogIn(username, password_of(username), str(role.label), TEAMS.get(team, ""))
        for username, _name, role, team, _language in sorted(CAST, key=lambda c: order.index(c[2]))
    ]


def loaded() -> bool:
    return AuditEntry.objects.filter(action=LOADED).exists()


def _logins_are_right() -> bool:
    return AuditEntry.objects.filter(action=LOGINS, data__key=_fingerprint()).exists()


def _fingerprint() -> str:
    return hashlib.sha256(f"{password_of('')} demo".encode()).hexdigest()[:16]


def load(*, at: datetime) -> bool:
    """Makes the demo, all of it or nothing; False when it is there already. Raises NotTheDemo.

    Log-ins are put right when this machine's secret, from which they follow, is another one.
    """
    require()
    if loaded() and _logins_are_right():
        return False
    begin = Days(CALENDARS["liege"], at).at(PAST_WORKING_DAYS, 8)
    for instant in (begin, at):
        checks.keep_partitions(at=instant)
    with transaction.atomic():
        teams, cast = _people(begin)
        audit.write(action=LOGINS, subject="demo", by=SYSTEM, at=at, data={"key": _fingerprint()})
        if loaded():
            return False
        _two_weeks(teams, cast, begin=begin, until=at.replace(microsecond=0))
        audit.write(action=LOADED, subject="demo", by=SYSTEM, at=at)
    return True


def _people(at: datetime) -> tuple[dict[str, Team], dict[str, User]]:
    teams = {
        slug: people.team(slug=slug, name=name, calendar=CALENDARS[slug], by=SYSTEM, at=at)
        for slug, name in TEAMS.items()
    }
    cast: dict[str, User] = {}
    bosses: dict[str, User] = {}
    for username, name, role, team, language in CAST:
        facts = Person(
            username=username,
            first_name=name,
            role=role,
            team=teams.get(team),
            supervisor=bosses.get(team) if role == Role.AGENT else None,
            email=f"{username}@kept.example",
            language=language,
        )
        cast[username] = people.person(facts, password=password_of(username))
        if role == Role.SUPERVISOR:
            bosses[team] = cast[username]
    return teams, cast


def _two_weeks(
    teams: dict[str, Team], cast: dict[str, User], *, begin: datetime, until: datetime
) -> None:
    mapping = mappings.load(DATA / "telco_mapping.json")
    imports.import_customers(DATA / "telco_extract.csv", mapping=mapping, by=SYSTEM, at=begin)
    if not catalogue.active().exists():
        catalogue.load(by=SYSTEM, at=begin)
    fibre = campaigns.ensure(slug="fibre", name="Fibre for everybody", team=teams["liege"])
    loyalty = campaigns.ensure(slug="loyalty", name="Thank you for staying", team=teams["gent"])
    stage = Stage(begin, until)
    plots = []
    for slug, agent, own, other in (
        ("liege", cast["amina"], fibre, loyalty),
        ("gent", cast["bram"], loyalty, fibre),
    ):
        scene = Scene(stage, Days(CALENDARS[slug], until), other)
        _list(teams[slug], own, at=begin)
        lines = _lines(teams[slug], agent, own, at=begin)
        plots.append(demo_paper.of_team(scene, lines, cast["dirk"], slug))
        plots.append(of_team(scene, iter(lines), slug))
    stage.perform(chain.from_iterable(plots), until=until)


def _list(team: Team, campaign: Campaign, *, at: datetime) -> None:
    """All of the team's customers are on the list of its campaign."""
    ids = Customer.objects.filter(team=team, numbers__isnull=False).order_by("pk").distinct()
    wanted = [Wanted(pk, team.pk) for pk in ids.values_list("pk", flat=True)]
    campaign_entries.add(campaign=campaign, people=wanted, by=SYSTEM, at=at)


def _lines(team: Team, agent: User, campaign: Campaign, *, at: datetime) -> list[Line]:
    """The team's customers with a mail address, each with an offer made up for them."""
    rows = (
        Customer.objects.filter(team=team, emails__isnull=False)
        .select_related("contract", "text")
        .order_by("pk")
    )
    return [Line(agent, row, campaign, _offer(row, by=Actor.person(agent), at=at)) for row in rows]


def _offer(customer: Customer, *, by: Actor, at: datetime) -> OfferVersion:
    """A tenth off every line, bound for a year; the dearest line costs half for six months."""
    today = list(customer.contract.lines.all())
    dearest = max(line.monthly for line in today)
    end = (at + timedelta(days=183)).date()
    lines = tuple(
        customers.Line(
            label=line.label,
            monthly=_cents(line.monthly * Decimal("0.9")),
            promo_monthly=_cents(line.monthly / 2) if line.monthly == dearest else None,
            promo_until=end if line.monthly == dearest else None,
            speed_down_mbps=line.speed_down_mbps and line.speed_down_mbps * 2,
            speed_up_mbps=line.speed_up_mbps and line.speed_up_mbps * 2,
        )
        for line in today
    )
    proposal = Proposal(
        plan=f"{customer.contract.plan} Plus",
        lines=lines,
        commitment_until=(at + timedelta(days=380)).date().replace(day=1),
        termination_fee=Decimal("60.00"),
    )
    return draft(customer=customer, proposal=proposal, by=by, at=at)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))
