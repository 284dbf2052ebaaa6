"""Ladders that the house writes: versions, their activation, which team climbs which. The only
writer of LadderVersion and LadderChoice.

A version is made whole and never changes; a promise climbs the one that was in force for its
owner's team when it was made, and keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction
from django.db.models import Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from crm import audit, instants
from crm.actors import Actor
from crm.models import Team
from followups import ladder
from followups.ladder import BrokenLadder, Ladder, Role, Rung
from followups.models import LadderChoice, LadderVersion

NAME = re.compile(r"[a-z][a-z0-9-]{1,19}", re.ASCII)
EVERYBODY = ladder.DEFAULT.name
MOST_RUNGS = 12
LEAST_REASON, LONGEST_REASON = 10, 200
TURN = "SELECT pg_advisory_xact_lock(hashtext('ladder activation'))"
NEWEST = ("-effective_from", "-activated_at", "-version")


class Refused(ValueError):
    """What was asked cannot be done; `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Overtaken(Exception):
    """Somebody else made, activated or dropped a version since the page was read."""


def activated(*, at: datetime) -> QuerySet[LadderVersion]:
    """The versions whose day has come; of each name the newest is in force."""
    today = instants.house(at).date()
    return LadderVersion.objects.filter(activated_at__lte=at, effective_from__lte=today)


def chosen(*, at: datetime) -> QuerySet[LadderChoice]:
    """What the teams chose until then, the newest choice first."""
    return LadderChoice.objects.filter(at__lte=at).order_by("-at", "-pk")


def for_team(team: Team, *, at: datetime) -> Ladder:
    """The ladder that a promise of this team made at `at` climbs. One query.

    A house whose table is empty climbs the ladder of the release: a promise is never refused
    because nobody wrote one.
    """
    choice = chosen(at=at).filter(team=team).values("name")[:1]
    name = Coalesce(Subquery(choice), Value(EVERYBODY))
    row = activated(at=at).filter(name=name).order_by(*NEWEST).first()
    return Ladder.from_dict(row.ladder) if row else ladder.DEFAULT


def in_force(name: str, *, at: datetime) -> LadderVersion | None:
    return activated(at=at).filter(name=name).order_by(*NEWEST).first()


def label_in_force(name: str, *, at: datetime) -> str:
    """Such as "default@3"; empty while there is none."""
    row = in_force(name, at=at)
    return str(row) if row else ""


def names_by_team(*, at: datetime) -> dict[int, str]:
    """Which ladder each team climbs, of those that have chosen one."""
    newest = chosen(at=at).filter(team=OuterRef("pk")).values("name")[:1]
    rows = Team.objects.annotate(climbs=Subquery(newest)).exclude(climbs=None)
    return dict(rows.values_list("pk", "climbs"))


@transaction.atomic
def make(
    *,
    name: str,
    source: str,
    lateness: Sequence[Rung],
    proof: Sequence[Rung],
    item: Rung,
    by: Actor,
    at: datetime,
) -> LadderVersion:
    """The next version of that name; nobody climbs it before it is activated.

    `source` is the label of the version from which it began. Raises BrokenLadder; Refused for a
    name that is none and for rungs that are those of its source; Overtaken.
    """
    if NAME.fullmatch(name) is None:
        words = _("2 to 20 small letters, digits or hyphens, beginning with a letter.")
        raise Refused("name", words)
    rows = LadderVersion.objects.filter(name=name)
    version = (rows.aggregate(newest=Max("version"))["newest"] or 0) + 1
    drawn = Ladder(name, version, tuple(lateness), tuple(proof), item)
    _check(drawn)
    _differs(drawn, source)
    try:
        with transaction.atomic():
            row = LadderVersion.objects.create(
                name=name,
                version=version,
                ladder=drawn.to_dict(),
                copied_from=source,
                made_at=at,
                made_by=by.code,
            )
    except IntegrityError as error:
        raise Overtaken from error
    _note("ladder_made", row, by=by, at=at)
    return row


@transaction.atomic
def activate(
    *,
    version: LadderVersion,
    seen: str,
    effective_from: date,
    reason: str,
    by: Actor,
    at: datetime,
) -> None:
    """Promises made from that day on climb it, by a named person's word.

    `seen` is the label of what was in force on the page that was read. Raises Refused, and
    Overtaken when that has changed, or somebody was first.
    """
    if by.user is None:
        raise Refused("", _("A person has to activate it, by name."))
    if effective_from < instants.house(at).date():
        raise Refused("effective_from", _("This day is over: today or later."))
    words = _reason(reason)
    with connection.cursor() as cursor:
        cursor.execute(TURN)  # one at a time: who comes second sees what came first
    if label_in_force(version.name, at=at) != seen:
        raise Overtaken
    won = _waiting(version).update(
        effective_from=effective_from, reason=words, activated_at=at, activated_by=by.code
    )
    if not won:
        raise Overtaken
    _note("ladder_activated", version, by=by, at=at, effective_from=effective_from.isoformat())


@transaction.atomic
def drop(*, version: LadderVersion, by: Actor, at: datetime) -> bool:
    """A version that nobody activated is given up; its number is not used again."""
    won = _waiting(version).update(dropped_at=at, dropped_by=by.code)
    if won:
        _note("ladder_dropped", version, by=by, at=at)
    return bool(won)


@transaction.atomic
def choose(*, team: Team, name: str, reason: str, by: Actor, at: datetime) -> None:
    """From now on the promises of this team climb that ladder. Raises Refused."""
    if by.user is None:
        raise Refused("", _("A person has to choose it, by name."))
    if in_force(name, at=at) is None:
        raise Refused("name", _("No version of this ladder is in force."))
    words = _reason(reason)
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    before = chosen(at=at).filter(team=team).first()
    if name == (before.name if before else EVERYBODY):
        raise Refused("name", _("This team climbs it already."))
    LadderChoice.objects.create(team=team, name=name, reason=words, at=at, by=by.code)
    data = {"ladder": name}
    audit.write(action="ladder_chosen", subject=f"team:{team.pk}", by=by, at=at, data=data)


def _waiting(version: LadderVersion) -> QuerySet[LadderVersion]:
    return LadderVersion.objects.filter(pk=version.pk, activated_at=None, dropped_at=None)


def _check(drawn: Ladder) -> None:
    """What the arithmetic could climb and the house could not."""
    for track in ("lateness", "proof"):
        if len(getattr(drawn, track)) > MOST_RUNGS:
            raise BrokenLadder(f"{track}: more than {MOST_RUNGS} rungs", track, MOST_RUNGS)
    if drawn.item.role != Role.SUPERVISOR:
        raise BrokenLadder("item: what is left undone goes to the supervisor", "item", 0)


def _differs(drawn: Ladder, source: str) -> None:
    name, _at, version = source.partition("@")
    whole = Q(name=name, version=int(version)) if version.isdecimal() else Q(pk=None)
    row = LadderVersion.objects.filter(whole).first()
    if row is None or row.name != drawn.name:
        return
    before = Ladder.from_dict(row.ladder)
    if (before.lateness, before.proof, before.item) == (drawn.lateness, drawn.proof, drawn.item):
        raise Refused("", _("Nothing differs from %(label)s yet.") % {"label": source})


def _reason(text: str) -> str:
    words = " ".join(text.split())
    if len(words) < LEAST_REASON:
        least = {"least": LEAST_REASON}
        raise Refused("reason", _("Say why, in at least %(least)s characters.") % least)
    return words[:LONGEST_REASON]


def _note(action: str, row: LadderVersion, *, by: Actor, at: datetime, **data: str) -> None:
    audit.write(action=action, subject=f"ladder:{row}", by=by, at=at, data=data)
