"""The demo's promises that take a turn: withdrawn, agreed anew, handed over."""

from __future__ import annotations

from datetime import timedelta

from crm.actors import Actor
from crm.models import User
from followups import amending, demo_paper
from followups.demo_plots import HOURS, MINUTES, Scene
from followups.demo_stage import Line, offer_terms
from followups.demo_time import Plot


def withdrawn(scene: Scene, line: Line, boss: User, reason: amending.Unwanted) -> Plot:
    """The mail bounced; when the customer rings, it is not wanted any more. Signed."""
    promise = scene.stage.promise(line)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "failed")
    yield scene.later(26 * HOURS)
    call = scene.stage.rung_by(line, "declined", "Does not want the offer any more.")
    yield scene.stage.at + 12 * MINUTES
    by = Actor.person(boss)
    amending.withdraw(
        promise=promise,
        attempt=call.logged.attempt,
        reason=reason,
        by=by,
        at=scene.stage.at,
        signed=True,
    )


def agreed_anew(scene: Scene, line: Line, worker: User) -> Plot:
    """The mail bounced; the customer rings and would rather have a letter, which comes."""
    promise = scene.stage.promise(line)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "failed")
    yield scene.later(27 * HOURS)
    call = scene.stage.rung_by(line, "wants_in_writing", "Would rather have a letter.")
    made = amending.renegotiate(
        promise=promise,
        terms=offer_terms(line, channel="post", at=scene.stage.at),
        attempt=call.logged.attempt,
        reason="other_address",
        by=line.by,
        at=scene.stage.at,
    )
    yield from demo_paper.through_the_post(scene, made, worker)


def handed_over(scene: Scene, line: Line, boss: User, to: User) -> Plot:
    """The mail bounced; the supervisor gives it to somebody who has time."""
    promise = scene.stage.promise(line)
    yield scene.stage.at + 2 * MINUTES
    scene.stage.report(promise, "failed")
    yield scene.later(timedelta(hours=9))
    by = Actor.person(boss)
    amending.reassign(promise=promise, owner=to, reason="workload", by=by, at=scene.stage.at)
    yield scene.later(timedelta(hours=20))
    promise.refresh_from_db()
    scene.stage.mend(promise, f"new.{line.address}")
    yield scene.stage.at + 3 * MINUTES
    scene.stage.report(promise, "delivered")
