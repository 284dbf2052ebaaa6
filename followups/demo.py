"""The demo: teams, people, 500 customers and three months of promises, on a machine of one's own.

Refused everywhere else. Names, numbers and addresses are made up; sums and contracts are those of
a public sample set (crm/data/README.md). Nothing is invented but what people do: every state is
made by the code of every day, at the instants at which it happened.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import chain, cycle, islice
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from crm import (
    audit,
    calling_hours,
    campaign_entries,
    campaigns,
    imports,
    mappings,
    offset,
    people,
    policies,
)
from crm.actors import SYSTEM
from crm.campaign_entries import Wanted
from crm.models import AuditEntry, Campaign, Customer, Team, User
from crm.people import Person
from crm.workdays import Calendar
from followups import checks, demo_house, demo_offers, demo_paper, demo_registry, demo_weeks
from followups.demo_house import House
from followups.demo_plots import Days, Scene, of_team
from followups.demo_stage import Line, Stage
from followups.demo_time import Heard, Plot, counted
from followups.demo_weeks import Crew
from offers import catalogue

DATA = Path(mappings.__file__).parent / "data"
POLICY = "be"
LAST_DAYS = 10  # the working days of which each story is told by name (demo_plots, demo_paper)
NAMED = 40  # customers of each team for those stories
UNTOLD = 20  # customers of each team whom nobody has called yet: for whoever tries it out
LISTED = 6  # and so many of each team are on the national list from the beginning
WEEK = {day: ((time(9), time(12, 30)), (time(13), time(18))) for day in range(5)}
CALENDARS = {
    "liege": Calendar(zone="Europe/Brussels", hours=WEEK, country="BE"),
    "gent": Calendar(
        zone="Europe/Brussels",
        hours={day: ((time(9), time(12)), (time(12, 45), time(17, 30))) for day in range(5)},
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
    ("lucas", "Lucas", Role.AGENT, "liege", "fr"),
    ("bram", "Bram", Role.AGENT, "gent", "en"),
    ("noor", "Noor", Role.AGENT, "gent", "nl"),
    ("dirk", "Dirk", Role.OPERATIONS, "", "en"),
    ("eva", "Eva", Role.ADMINISTRATOR, "", "en"),
)
LOADED, LOGINS = "demo_loaded", "demo_logins_set"


@dataclass(frozen=True)
class Size:
    """How much there is to see. `days` are working days of history."""

    customers: int
    days: int


FULL = Size(customers=500, days=65)
SMALL = Size(customers=60, days=LAST_DAYS)


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


def load(*, at: datetime, size: Size = FULL, heard: Heard = lambda at: None) -> datetime | None:
    """Makes the demo, all of it or nothing. Returns until when its history was lived, which is now
    or, when nobody may be called now, the next opening; None when it is there already. Raises
    NotTheDemo.

    Log-ins are put right when this machine's secret, from which they follow, is another one, and
    a list that grew too old is renewed. `heard` is told how far the history has come.
    """
    require()
    if loaded() and _logins_are_right():
        demo_registry.renew(at=at)
        return None
    with transaction.atomic():
        at = _at_work(at) if not loaded() else at
        begin = Days(CALENDARS["liege"], at).at(size.days, 8)
        for instant in _weekly(begin, at):
            checks.keep_partitions(at=instant)
        teams, cast = _people(begin)
        audit.write(action=LOGINS, subject="demo", by=SYSTEM, at=at, data={"key": _fingerprint()})
        if loaded():
            return None
        house = House(cast, teams, Days(CALENDARS["liege"], at.replace(microsecond=0)))
        _history(house, size, begin=begin, heard=heard)
        audit.write(action=LOADED, subject="demo", by=SYSTEM, at=at)
    return at


def working_moment(*, at: datetime) -> datetime:
    """Now; or the next opening, when nobody may be called now or in an hour."""
    hours = policies.get(POLICY, at=at).rules.hours
    soon = at + timedelta(hours=1)
    if hours is None or not any(calling_hours.shut(hours, country="BE", at=t) for t in (at, soon)):
        return at
    calendar = CALENDARS["liege"]
    free = calendar.end_of_working_day(at, days=0) if calendar.is_open(at) else at
    return calendar.next_open(free) + timedelta(minutes=15)


def _at_work(at: datetime) -> datetime:
    """Puts the demo's clock there: who tries it on a Sunday night shall find a house at work."""
    then = working_moment(at=at)
    if then > at:
        offset.add(then - at)
    return then


def _weekly(begin: datetime, until: datetime) -> list[datetime]:
    weeks = (until - begin) // timedelta(weeks=1)
    return [*(begin + timedelta(weeks=week) for week in range(weeks + 1)), until]


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


def _history(house: House, size: Size, *, begin: datetime, heard: Heard) -> None:
    until = house.days.now
    _customers(size.customers, at=begin)
    if not catalogue.active().exists():
        catalogue.load(by=SYSTEM, at=begin)
    stage = Stage(begin, until, CALENDARS)
    fibre = _campaign("fibre", "Fibre for everybody", house.teams["liege"], at=begin)
    loyalty = _campaign("loyalty", "Thank you for staying", house.teams["gent"], at=begin)
    demo_house.supplier(team=house.teams["liege"], campaign=fibre, at=begin)
    machines = {
        "liege": demo_house.dialer("Dialer of Gent", at=begin),
        "gent": demo_house.dialer("Nightline (call centre)", at=begin),
    }
    plots: list[list[tuple[datetime, Plot]]] = []
    listed: list[str] = []
    for slug, own, other in (("liege", fibre, loyalty), ("gent", loyalty, fibre)):
        scene = Scene(stage, Days(CALENDARS[slug], until), other, machines[slug])
        lines = _lines(house, slug, own)
        listed += [line.number for line in lines[-LISTED:]] if size.days > LAST_DAYS else []
        plots += _of_team(house, scene, slug, lines, size, begin)
    demo_registry.first(listed, at=begin)
    plots.append(
        [(begin, demo_registry.renewals(at=begin, until=until)), (begin, counted(at=begin))]
    )
    stage.perform(chain.from_iterable(plots), until=until, heard=heard)


def _of_team(
    house: House, scene: Scene, slug: str, lines: list[Line], size: Size, begin: datetime
) -> list[list[tuple[datetime, Plot]]]:
    """Some customers for the stories that have a name, some for nobody yet, all others for the
    weeks before."""
    known, others = lines, list[Line]()
    if size.days > LAST_DAYS:
        known, others = lines[:NAMED], lines[NAMED : -UNTOLD - LISTED]
    for line in lines[-UNTOLD:]:
        demo_offers.make(line.customer, by=line.by, at=begin)
    dirk = house.cast["dirk"]
    days = range(size.days - 1, LAST_DAYS - 1, -1)
    plots = [
        demo_paper.of_team(scene, known, dirk, slug),
        of_team(scene, iter(known), slug),
        list(demo_weeks.of_team(scene, _crew(house, slug), others, days)) if others else [],
    ]
    if others and slug == "liege":
        plots.append(demo_house.of_house(house, scene, others[-10:]))
    return plots


def _crew(house: House, slug: str) -> Crew:
    members = [user for user in house.cast.values() if user.team == house.teams[slug]]
    agents = tuple(user for user in members if user.role == Role.AGENT)
    boss = next(user for user in members if user.role == Role.SUPERVISOR)
    return Crew(slug, agents, boss, house.cast["dirk"])


def _customers(count: int, *, at: datetime) -> None:
    """The rows of the sample, again and again under numbers of their own, each another person."""
    mapping = mappings.load(DATA / "telco_mapping.json")
    with (DATA / "telco_extract.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    with tempfile.TemporaryDirectory(prefix="kept-demo-") as folder:
        path = Path(folder) / "customers.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            sheet = csv.writer(file)
            sheet.writerow(head)
            for number, row in enumerate(islice(cycle(rows), count)):
                turn = number // len(rows)
                sheet.writerow([f"{row[0]}-{turn}" if turn else row[0], *row[1:]])
        imports.import_customers(path, mapping=mapping, by=SYSTEM, at=at)


def _campaign(slug: str, name: str, team: Team, *, at: datetime) -> Campaign:
    """Under the Belgian rules, with all of the team's customers on its list."""
    campaigns.ensure(slug=slug, name=name, team=team)
    campaign, _new = campaigns.put(slug=slug, policy=POLICY, by=SYSTEM, at=at)
    ids = Customer.objects.filter(team=team, numbers__isnull=False).order_by("pk").distinct()
    wanted = [Wanted(pk, team.pk) for pk in ids.values_list("pk", flat=True)]
    campaign_entries.add(campaign=campaign, people=wanted, by=SYSTEM, at=at)
    return campaign


def _lines(house: House, slug: str, campaign: Campaign) -> list[Line]:
    """The team's customers who have a mail address and a number that is only theirs, with the
    agent whose desk is shown first."""
    rows = Customer.objects.filter(emails__isnull=False).select_related("contract", "text")
    rows = rows.order_by("pk").distinct().prefetch_related("numbers", "emails")
    people = list(rows)
    shared = Counter(number.e164 for person in people for number in person.numbers.all())
    agent = _crew(house, slug).agents[0]
    return [
        Line(agent, person, campaign, numbers[0], person.emails.all()[0].address)
        for person in people
        if person.team_id == house.teams[slug].pk
        and (numbers := [number.e164 for number in person.numbers.all()])
        and max(shared[number] for number in numbers) == 1
    ]
