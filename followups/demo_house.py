"""The demo's house: absences, machines, consents, files that operations brought in."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from crm import absences, call_sources, consents, keys
from crm.actors import SYSTEM, Actor
from crm.consents import Given
from crm.importing import headings, jobs, kinds, work
from crm.models import Campaign, Import, Team, User
from followups.demo_plots import HOURS, MINUTES, Days, Scene
from followups.demo_stage import Line
from followups.demo_time import Plot
from followups.webhooks import endpoints
from offers import bounces

SUPPLIER = "nightline"  # a call centre of others: its dialer reports its calls, and seldom asks
PAUSED = "data-warehouse"
STRANGE = b"""From: MAILER-DAEMON@mail.example\r
To: bounce@kept.example\r
Subject: Undelivered Mail Returned to Sender\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset="utf-8"\r
\r
A mail of yours could not be delivered. This server keeps no copy of it.\r
"""


@dataclass(frozen=True)
class House:
    """Who works here, and whose calls the supplier makes."""

    cast: dict[str, User]
    teams: dict[str, Team]
    days: Days


def dialer(name: str, *, at: datetime) -> Actor:
    """A machine that asks the gate before each call."""
    scopes = ("gate:read", "calls:write", "feed:read")
    issued = keys.issue(name=name, scopes=scopes, purposes=("sales",), by=SYSTEM, at=at)
    return Actor.machine(issued.key)


def supplier(*, team: Team, campaign: Campaign, at: datetime) -> None:
    dialect = call_sources.dialect(call_sources.SHIPPED / "plain.json")
    place = {"zone": "Europe/Brussels", "region": "BE"}
    call_sources.add(
        name=SUPPLIER, dialect=dialect, team=team, campaign=campaign, by=SYSTEM, at=at, **place
    )


def of_house(house: House, scene: Scene, lines: Sequence[Line]) -> list[tuple[datetime, Plot]]:
    """What happens beside the calls. `lines`: at least six customers, whoever they are."""
    at, cast = house.days.at, house.cast
    return [
        (at(9, 9, 5), _away(scene, cast["lucas"], cast["amina"], house.days, (9, 7))),
        (at(3, 16), _away(scene, cast["lucas"], cast["amina"], house.days, (0, -8))),
        (at(2, 16), _away(scene, cast["noor"], cast["bram"], house.days, (0, -3))),
        (at(8, 11), _paused(scene, cast["dirk"])),
        (at(7, 10, 20), _consenting(scene, lines[:3])),
        (at(6, 9, 45), _brought_in(scene, cast["dirk"], _moved(lines), "customers")),
        (at(4, 10, 30), _brought_in(scene, cast["dirk"], _unwanted(lines[5:6]), "do_not_call")),
        (at(1, 15), _brought_in(scene, cast["dirk"], _moved(lines[:3]), "customers", start=False)),
        (at(3, 11), _strange(scene)),
    ]


def _away(scene: Scene, user: User, deputy: User, days: Days, span: tuple[int, int]) -> Plot:
    """Counted in working days before today; a negative end lies ahead."""
    first, last = span
    begin, end = (
        days.at(max(first, 0), 18),
        days.at(max(last, 0), 18) + timedelta(days=-min(last, 0)),
    )
    by = Actor.person(user)
    absences.record(user=user, deputy=deputy, from_at=begin, until_at=end, by=by, at=scene.stage.at)
    yield scene.stage.at


def _paused(scene: Scene, worker: User) -> Plot:
    """An endpoint for later: nobody listens there yet, so it is switched off."""
    by, at = Actor.person(worker), scene.stage.at
    types = ("kept.promise.kept", "kept.promise.broken")
    opened = endpoints.add(name=PAUSED, url="http://127.0.0.1:9/kept", types=types, by=by, at=at)
    endpoints.switch_off(endpoint=opened.endpoint, by=by, at=at)
    yield at


def _consenting(scene: Scene, lines: Iterable[Line]) -> Plot:
    """Consents from a form of last spring; one of them takes it back some days later."""
    first = None
    for line in lines:
        given_at = scene.stage.at - timedelta(days=200)
        given = Given(origin="web", proof=f"form/{line.customer.reference}", given_at=given_at)
        row = consents.record(customer=line.customer, given=given, by=line.by, at=scene.stage.at)
        first = first or (row, line.by)
    yield scene.later(70 * HOURS)
    if first:
        consents.withdraw(consent=first[0], by=first[1], at=scene.stage.at)


def _strange(scene: Scene) -> Plot:
    """A bounce that names no mail: somebody has to look at it."""
    bounces.receive(raw=STRANGE, by=bounces.LISTENER, at=scene.stage.at)
    yield scene.stage.at


def _moved(lines: Iterable[Line]) -> list[list[str]]:
    """New streets of people we know, and two lines that cannot be read."""
    rows = [["customerid", "language", "email", "street", "postcode", "city"]]
    for number, line in enumerate(lines):
        person, street = line.customer, f"quai du Canal, {12 + number}"
        rows.append([person.external_id or "", person.language, "", street, "4000", "Liège"])
    return [*rows, ["", "fr", "", "rue Haute, 4", "4000", "Liège"], ["x-1", "fr", "a@", "", "", ""]]


def _unwanted(lines: Iterable[Line]) -> list[list[str]]:
    return [["number", "since"], *([line.number, ""] for line in lines), ["04", ""]]


def _brought_in(
    scene: Scene, worker: User, rows: list[list[str]], kind: str, *, start: bool = True
) -> Plot:
    """A file on its way in, as the screen does it; the last one waits for somebody to start it."""
    by = Actor.person(worker)
    with tempfile.TemporaryDirectory(prefix="kept-demo-") as folder:
        path = Path(folder) / f"{kind}-{scene.stage.at:%Y-%m-%d}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows(rows)
        row = jobs.upload(
            path=path, name=path.name, kind=kind, language="en", by=by, at=scene.stage.at
        )
    _work(row, scene)
    chosen = headings.guess(row.headings, kinds.of(row).fields)
    given = {"team": scene.other.team_id, "language": "fr"}
    options = {name: given[name] for name in kinds.of(row).options}
    jobs.choose(row=row, columns=chosen, options=options, by=by, at=scene.stage.at)
    _work(row, scene)
    yield scene.stage.at + 5 * MINUTES
    if start:
        jobs.start(row=row, leave_bad=True, by=by, at=scene.stage.at)
        _work(row, scene)


def _work(row: Import, scene: Scene) -> None:
    while work.step(row, at=scene.stage.at):
        pass
    row.refresh_from_db()
