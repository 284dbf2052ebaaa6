"""The stories of the demo: two weeks of calls and promises, in every state they can be in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from crm.actors import Actor
from crm.models import Campaign
from crm.workdays import Calendar
from followups.demo_stage import Line, Stage
from followups.demo_time import Plot

MINUTES = timedelta(minutes=1)
HOURS = timedelta(hours=1)
READING = timedelta(hours=72)
SETTLING = timedelta(hours=24)


@dataclass(frozen=True)
class Days:
    """The working days before `now`, counted backwards: `at(1, 10)` is the last one at ten."""

    calendar: Calendar
    now: datetime

    def at(self, back: int, hour: int, minute: int = 0) -> datetime:
        zone = ZoneInfo(self.calendar.zone)
        day = self.now.astimezone(zone).date()
        while back:
            day -= timedelta(days=1)
            back -= self.calendar.is_working_day(day)
        return datetime.combine(day, time(hour, minute), zone)

    def ago(self, least: timedelta, most: timedelta) -> datetime:
        """The last working moment at least so long ago; not longer ago than `most`, even when
        nobody was at work then."""
        wish = (self.now - least).replace(microsecond=0)
        for quarter in range(int(most / (15 * MINUTES))):
            moment = wish - quarter * 15 * MINUTES
            if moment < self.now - most:
                break
            if self.calendar.is_open(moment):
                return moment
        return wish


@dataclass(frozen=True)
class Scene:
    """What the stories share: the stage, the calendar, the other campaign and its dialer."""

    stage: Stage
    days: Days
    other: Campaign
    dialer: Actor

    def later(self, wait: timedelta) -> datetime:
        """At the earliest after `wait`, when people work."""
        return self.days.calendar.next_open(self.stage.at + wait)


def kept(scene: Scene, line: Line, then: str = "") -> Plot:
    """Delivered, read in peace; `then` is how the follow-up call ended, when there was one."""
    promise = scene.stage.promise(line)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "delivered")
    if then:
        yield scene.later(READING + 3 * HOURS)
        scene.stage.talk(line, then, note="Has compared our offer with the contract of today.")


def in_delivery(scene: Scene, line: Line, report: str = "") -> Plot:
    promise = scene.stage.promise(line)
    yield scene.stage.at + 40 * MINUTES
    if report == "delivered":
        scene.stage.report(promise, "delivered")
    if report == "delayed":
        scene.stage.report(promise, "delayed")


def bounced(scene: Scene, line: Line, mended_after: timedelta | None = None) -> Plot:
    """The address does not exist. Some owners find out the right one."""
    promise = scene.stage.promise(line)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "failed")
    if mended_after is None:
        return
    yield scene.later(mended_after)
    scene.stage.mend(promise, f"new.{line.address}")
    yield scene.stage.at + 3 * MINUTES
    scene.stage.report(promise, "delivered")


def fated(scene: Scene, line: Line, fate: str) -> Plot:
    """The mail server is busy all day, or hangs up in the middle."""
    scene.stage.fates[line.address] = fate
    scene.stage.promise(line)
    yield scene.stage.at + MINUTES


def late_bounce(scene: Scene, line: Line, after: timedelta) -> Plot:
    """Delivered and proven; then the mail comes back after all."""
    promise = scene.stage.promise(line)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "delivered")
    yield scene.stage.at + after
    scene.stage.report(promise, "failed")


def answered(scene: Scene, line: Line, words: str) -> Plot:
    promise = scene.stage.promise(line)
    yield scene.stage.at + 20 * HOURS
    scene.stage.answer(promise, words)


def complained(scene: Scene, line: Line) -> Plot:
    promise = scene.stage.promise(line)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "delivered")
    yield scene.stage.at + 5 * HOURS
    scene.stage.complain(promise)


def unproven(scene: Scene, line: Line) -> Plot:
    """The address was not read back, so silence does not prove that the mail came."""
    promise = scene.stage.promise(line, read_back=False)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "delivered")


def spoken(scene: Scene, line: Line, disposition: str) -> Plot:
    """A conversation without a promise."""
    scene.stage.talk(line, disposition)
    yield scene.stage.at


def rung(scene: Scene, line: Line, results: tuple[str, ...]) -> Plot:
    """Nobody there, again and again."""
    for result in results:
        scene.stage.dial(line, result)
        yield scene.later(26 * HOURS)


def redialled(scene: Scene, line: Line, times: int = 2) -> Plot:
    """Another campaign's dialer has the same person on its list: the column's case."""
    other = replace(line, campaign=scene.other)
    for _time in range(times):
        yield scene.later(5 * HOURS)
        scene.stage.ask(other, scene.dialer)


def in_spite(scene: Scene, line: Line, source: str = "demo") -> Plot:
    yield scene.later(25 * HOURS)
    scene.stage.in_spite(line, "undecided", source)


def let_through(scene: Scene, line: Line) -> Plot:
    """The customer rang the shop: a supervisor lets the agent call once all the same."""
    stage = scene.stage
    request = stage.plead(line, "Rang the shop: the mail did not come, and the address has a typo.")
    yield stage.at + 6 * MINUTES
    stage.let_through(request, "The customer asked the shop for this call; the address is wrong.")
    yield stage.at + 4 * MINUTES
    stage.talk(line, "undecided", note="Will tell us the right address this evening.")


def asked_for(scene: Scene, line: Line) -> Plot:
    """An agent wants to call in spite of the gate, and nobody has answered yet."""
    scene.stage.plead(line, "Rang us today: nothing has come, and wants to talk to us.")
    yield scene.stage.at


def of_team(scene: Scene, lines: Iterator[Line], team: str) -> list[tuple[datetime, Plot]]:
    """Everything that happens in one team."""
    played = _liege(scene, lines) if team == "liege" else _gent(scene, lines)
    return [*played, *_quiet(scene, lines)]


def _liege(scene: Scene, lines: Iterator[Line]) -> list[tuple[datetime, Plot]]:
    at, ago = scene.days.at, scene.days.ago
    question = "Bonjour, la ligne supplémentaire est-elle comprise dans ce prix ? Merci."
    watched = [
        (at(5, 11, 20), next(lines)),
        (at(4, 14, 5), next(lines)),
        (at(3, 9, 30), next(lines)),
    ]
    return [
        (at(9, 9, 40), kept(scene, next(lines), "accepted")),
        (at(8, 15, 10), kept(scene, next(lines), "declined")),
        (at(6, 10, 15), kept(scene, next(lines))),
        (ago(30 * HOURS, 68 * HOURS), kept(scene, next(lines))),
        (ago(27 * HOURS, 66 * HOURS), kept(scene, next(lines))),
        (at(7, 10, 30), bounced(scene, next(lines), 44 * HOURS)),
        *((when, bounced(scene, line)) for when, line in watched),
        *((when + HOURS, redialled(scene, line, 3)) for when, line in watched),
        (watched[0][0] + 2 * HOURS, in_spite(scene, watched[0][1])),
        (watched[2][0] + 5 * HOURS, let_through(scene, watched[2][1])),
        (at(1, 16, 20), asked_for(scene, watched[1][1])),
        (ago(20 * HOURS, 44 * HOURS), fated(scene, next(lines), "cut")),
        (at(5, 16, 0), late_bounce(scene, next(lines), 51 * HOURS)),
        (at(3, 15, 20), answered(scene, next(lines), question)),
        (at(5, 13, 25), unproven(scene, next(lines))),
        (at(6, 14, 30), complained(scene, next(lines))),
        (ago(2 * HOURS, 40 * HOURS), in_delivery(scene, next(lines))),
        (ago(3 * HOURS, 20 * HOURS), in_delivery(scene, next(lines), "delivered")),
        (at(4, 10, 10), spoken(scene, next(lines), "refused_contact")),
    ]


def _gent(scene: Scene, lines: Iterator[Line]) -> list[tuple[datetime, Plot]]:
    at, ago = scene.days.at, scene.days.ago
    watched = [(at(6, 13, 40), next(lines)), (at(2, 10, 0), next(lines))]
    return [
        (at(9, 14, 20), kept(scene, next(lines), "accepted")),
        (at(8, 10, 25), kept(scene, next(lines), "undecided")),
        (at(6, 9, 35), kept(scene, next(lines))),
        (at(5, 15, 15), kept(scene, next(lines))),
        (ago(29 * HOURS, 67 * HOURS), kept(scene, next(lines))),
        *((when, bounced(scene, line)) for when, line in watched),
        *((when + HOURS, redialled(scene, line)) for when, line in watched),
        (at(1, 16, 40), asked_for(scene, watched[0][1])),
        (at(5, 10, 40), fated(scene, next(lines), "busy")),
        (at(2, 15, 50), fated(scene, next(lines), "cut")),
        (ago(4 * HOURS, 20 * HOURS), in_delivery(scene, next(lines), "delayed")),
        (ago(HOURS, 40 * HOURS), in_delivery(scene, next(lines))),
        (at(7, 11, 15), spoken(scene, next(lines), "refused_contact")),
        (at(4, 14, 45), spoken(scene, next(lines), "undecided")),
    ]


def _quiet(scene: Scene, lines: Iterator[Line]) -> list[tuple[datetime, Plot]]:
    """Those who were not at home."""
    patterns = (("no_answer", "voicemail", "no_answer"), ("busy", "no_answer"), ("voicemail",))
    return [
        (scene.days.at(7 - number, 9 + 2 * number, 30), rung(scene, next(lines), results))
        for number, results in zip(count(), patterns, strict=False)
    ]
