"""The demo's paper and pages: letters and inserts that leave the house, customers who press."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from crm.actors import Actor
from crm.models import User
from followups import answering, items, plans, visits, wishing
from followups.callbacks import slots
from followups.demo_plots import HOURS, MINUTES, Scene
from followups.demo_stage import Line, Stage
from followups.demo_time import Plot
from followups.models import Item, Promise
from followups.terms import Terms
from followups.visits import Visit
from offers import bill_runs, links, postal, print_files, returns
from offers.models import PrintLine, PrintRun
from offers.wording import say

BY_HAND = "demo"  # the form that was pressed: each press of the demo is a contact of its own
PRINTING = 2 * HOURS
QUESTIONS = {
    "fr": "La ligne supplémentaire est-elle comprise dans ce prix ?",
    "nl": "Is de extra lijn in deze prijs inbegrepen?",
    "de": "Ist der zusätzliche Anschluss in diesem Preis enthalten?",
    "en": "Is the extra line included in this price?",
}


def on_paper(scene: Scene, line: Line, channel: str, worker: User, *, back: bool = False) -> Plot:
    """A letter or an insert: joined, printed, handed to the post, confirmed sheet by sheet."""
    promise = scene.stage.promise(line, channel=channel)
    yield from through_the_post(scene, promise, worker, back=back)


def through_the_post(scene: Scene, promise: Promise, worker: User, *, back: bool = False) -> Plot:
    run = _run_of(promise)
    yield run.cut_off_at + PRINTING
    run.refresh_from_db()
    bill_runs.printed(run=run, by=Actor.person(worker), at=scene.stage.at)
    print_files.hand_over(at=scene.stage.at)
    yield postal.noon(run.mailing_date, postal.mail_days())
    _confirm(run, worker, scene.stage.at)
    if back:
        yield scene.later(50 * HOURS)
        returns.came_back(code=_line_of(promise).code, by=Actor.person(worker), at=scene.stage.at)


def waits_for_its_run(scene: Scene, line: Line, channel: str) -> Plot:
    scene.stage.promise(line, channel=channel)
    yield scene.stage.at


def plan_run(scene: Scene, line: Line, worker: User, *, cut: int, leaves: int) -> Plot:
    """Operations plan a run of bills by hand: its list closes and it leaves so many days ago."""
    days, stage = scene.days, scene.stage
    slot = postal.Slot(days.at(cut, 17), days.at(leaves, 12).date())
    bill_runs.open_run(
        kind=PrintRun.Kind.BILL_RUN,
        bill_day=line.customer.bill_day,
        slot=slot,
        by=Actor.person(worker),
        at=stage.at,
    )
    yield stage.at


def _line_of(promise: Promise) -> PrintLine:
    rows = PrintLine.objects.select_related("run").filter(delivery__attached__promise=promise)
    return rows.latest("pk")


def _run_of(promise: Promise) -> PrintRun:
    return _line_of(promise).run


def _confirm(run: PrintRun, worker: User, at: datetime) -> None:
    """The mail room's file says that every sheet was mailed."""
    run.refresh_from_db()
    sheets = PrintLine.objects.filter(run=run, sequence__isnull=False).order_by("sequence")
    rows = [f"{sheet.sequence},{sheet.code},mailed,{at.isoformat()}" for sheet in sheets]
    with tempfile.TemporaryDirectory(prefix="kept-demo-") as folder:
        file = Path(folder) / "return.csv"
        file.write_text("\n".join(["sequence,delivery,status,at", *rows, ""]), encoding="utf-8")
        returns.take_in(run=run, path=file, by=Actor.person(worker), at=at)


Press = Callable[..., object]  # of the visit and the instant


def pressed(scene: Scene, line: Line, presses: tuple[Press, ...], channel: str = "portal") -> Plot:
    """The customer follows the link, and presses these buttons on the page."""
    promise = scene.stage.promise(line, channel=channel)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "delivered")
    yield scene.stage.at + 3 * HOURS
    for press in presses:
        delivery = plans.attached(promise).earliest("pk")
        visit = visits.arrive(links.token(delivery), at=scene.stage.at)
        if visit is None:
            raise RuntimeError("a link of the demo leads nowhere")
        press(visit, at=scene.stage.at)
        yield scene.stage.at + 2 * MINUTES


def pressed_and_read(scene: Scene, line: Line, presses: tuple[Press, ...]) -> Plot:
    """And the owner reads what the customer said."""
    yield from pressed(scene, line, presses)
    yield scene.later(5 * HOURS)
    said = Item.objects.filter(customer=line.customer, kind=Item.Kind.ACCEPTED, closed_at=None)
    for item in said:
        items.close(item=item, cause="read", by=line.by, at=scene.stage.at)


def show(visit: Visit, *, at: datetime) -> None:
    answering.show(visit, form=BY_HAND, at=at)


def accept(visit: Visit, *, at: datetime) -> None:
    answering.accept(visit, form=BY_HAND, at=at)


def ask(visit: Visit, *, at: datetime) -> None:
    words = QUESTIONS[visit.customer.language]
    answering.ask(visit, form=BY_HAND, words=words, at=at)


def call_me(visit: Visit, *, at: datetime) -> None:
    """The last slot that is offered: days ahead."""
    slot = wishing.slots(visit, at=at)[-1]
    wishing.call_me(visit, form=BY_HAND, slot=slot, at=at)


def call_back(scene: Scene, line: Line, *, kept: bool = False) -> Plot:
    """The customer has no time now: we call back at an agreed hour, and do, or do not."""
    stage = scene.stage
    slot = next(s for s in slots(calendar=scene.days.calendar, at=stage.at) if s > _tonight(stage))
    words = say("desk_texts", "callback", line.customer.language)
    terms = Terms(kind=Promise.Kind.CALLBACK, words=words, plan=(), due_at=slot)
    promise = stage.talk(line, "callback_set", (terms,)).promises[0]
    yield slot + 4 * MINUTES
    if kept:
        stage.call_back(line, promise)


def _tonight(stage: Stage) -> datetime:
    return stage.at + timedelta(hours=12)


def of_team(
    scene: Scene, lines: list[Line], worker: User, team: str
) -> list[tuple[datetime, Plot]]:
    """What goes on paper and over the page in one team; takes its customers from `lines`."""
    wanted = 1 if team == "gent" else 2
    billed = [line for line in lines if line.customer.bill_medium == "paper"][-wanted:]
    for line in billed:
        lines.remove(line)
    at, ago = scene.days.at, scene.days.ago
    take = lines.pop  # from the end, so that the other stories keep their customers
    played = [
        (at(8, 11, 20), on_paper(scene, take(), "post", worker)),
        (at(2, 15, 0), waits_for_its_run(scene, billed[-1], "bill_insert")),
    ]
    if team == "gent":
        return [
            *played,
            (at(7, 9, 50), on_paper(scene, take(), "post", worker, back=True)),
            (ago(3 * HOURS, 40 * HOURS), waits_for_its_run(scene, take(), "post")),
            (ago(5 * HOURS, 30 * HOURS), pressed(scene, take(), ())),
            (at(6, 16, 30), call_back(scene, take(), kept=True)),
            (at(1, 11, 5), call_back(scene, take())),
        ]
    return [
        *played,
        (at(9, 9, 0), plan_run(scene, billed[0], worker, cut=6, leaves=3)),
        (at(8, 14, 10), on_paper(scene, billed[0], "bill_insert", worker)),
        (at(4, 13, 20), pressed(scene, take(), (show, accept))),
        (at(3, 10, 40), pressed(scene, take(), (show, ask))),
        (at(2, 13, 45), pressed(scene, take(), (show, call_me))),
    ]
