"""The demo's older weeks: an ordinary day of a team again and again, each a little different."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count, cycle, islice

from crm.invented import Dice
from crm.models import User
from followups import demo_paper as paper
from followups import demo_plots as plots
from followups import demo_turns as turns
from followups.demo_house import SUPPLIER
from followups.demo_plots import HOURS, Scene
from followups.demo_stage import Line
from followups.demo_time import Plot

MOMENTS = ((9, 20), (9, 50), (10, 25), (11, 10), (11, 40), (13, 30), (14, 15), (15, 5), (15, 50))
ENDS = ("accepted", "accepted", "declined", "undecided", "declined")
RINGS = (
    ("no_answer", "voicemail", "no_answer", "no_answer"),
    ("busy", "no_answer"),
    ("voicemail",),
    ("no_answer", "no_answer"),
)
TALKS = ("declined", "undecided", "declined", "language_barrier", "not_right_party", "undecided")


@dataclass(frozen=True)
class Crew:
    """Who works in a team besides its agents."""

    team: str
    agents: tuple[User, ...]
    boss: User
    worker: User


Told = Callable[[Scene, Line, Crew, Dice], Plot]


def _kept(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    return plots.kept(scene, line, dice.pick(ENDS))


def _read(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    return plots.kept(scene, line)


def _mended(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    return plots.bounced(scene, line, dice.pick((6, 20, 44, 100)) * HOURS)


def _withdrawn(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    return turns.withdrawn(scene, line, crew.boss, dice.pick(("not_wanted", "bought_elsewhere")))


def _anew(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    return turns.agreed_anew(scene, line, crew.worker)


def _passed(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    to = next(agent for agent in crew.agents if agent != line.agent)
    return turns.handed_over(scene, line, crew.boss, to)


def _page(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    presses = ((paper.show, paper.accept), (paper.show,), ())
    return paper.pressed_and_read(scene, line, dice.pick(presses))


def _doubtful(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    return plots.unproven(scene, line)


def _called_back(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    return paper.call_back(scene, line, kept=True)


def _letter(scene: Scene, line: Line, crew: Crew, dice: Dice) -> Plot:
    return paper.on_paper(scene, line, "post", crew.worker)


# Of a hundred promises so many go this way.
WAYS: tuple[tuple[int, Told], ...] = (
    (36, _kept),
    (20, _read),
    (13, _mended),
    (4, _withdrawn),
    (3, _anew),
    (3, _passed),
    (9, _page),
    (2, _doubtful),
    (5, _called_back),
    (5, _letter),
)


def _ways(team: str) -> Iterator[Told]:
    """Each way once, so that none is missing in a small demo; then as often as its share says."""
    once = [told for _share, told in WAYS]
    yield from once if team == "liege" else reversed(once)
    shares = [told for share, told in WAYS for _one in range(share)]
    for number in count():
        yield Dice(f"demo {team} way {number}").pick(shares)


def of_team(
    scene: Scene, crew: Crew, lines: list[Line], days: range
) -> Iterator[tuple[datetime, Plot]]:
    """Every working day of `days`, counted backwards from today: promises first, then calls.

    Half of the customers are promised something, once; the others are only called. The agents
    take turns.
    """
    half, agents = len(lines) // 2, cycle(crew.agents)
    lines = [replace(line, agent=next(agents)) for line in lines]
    owed, called = zip(lines[:half], _ways(crew.team), strict=False), cycle(lines[half:])
    for back in days:
        dice = Dice(f"demo {crew.team} {back}")
        moments = [scene.days.at(back, *moment) for moment in _shuffled(dice)]
        for moment in moments[: 1 + dice.below(2)]:
            for line, told in islice(owed, 1):
                yield moment, told(scene, line, crew, dice)
                yield from _meanwhile(scene, line, moment, dice)
        for moment in moments[4 : 5 + dice.below(3)]:
            yield moment, _called(scene, next(called), dice)


def _shuffled(dice: Dice) -> list[tuple[int, int]]:
    left = list(MOMENTS)
    return [left.pop(dice.below(len(left))) for _moment in MOMENTS]


def _meanwhile(
    scene: Scene, line: Line, moment: datetime, dice: Dice
) -> Iterator[tuple[datetime, Plot]]:
    """Others want to call the same customer; some do not ask."""
    if dice.below(3):
        yield moment + HOURS, plots.redialled(scene, line, 1 + dice.below(3))
    elif not dice.below(5):
        yield moment + 3 * HOURS, plots.in_spite(scene, line, SUPPLIER)


def _called(scene: Scene, line: Line, dice: Dice) -> Plot:
    if dice.below(3):
        return plots.rung(scene, line, dice.pick(RINGS))
    return plots.spoken(scene, line, dice.pick(TALKS))
