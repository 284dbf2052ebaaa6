"""Who is away, and who stands in: the only writer of Absence.

What a person owns stays theirs. While they are away, whoever stands in for them is told of it and
may do it; on the day they are back it is theirs again, and nobody has to do anything for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from crm import access, audit
from crm.actors import Actor
from crm.models import Absence, User

Role = User.Role


class Refused(ValueError):
    """An absence that cannot be one; `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def record(
    *,
    user: User,
    deputy: User | None,
    from_at: datetime,
    until_at: datetime,
    by: Actor,
    at: datetime,
) -> Absence:
    """Writes an absence down; one that has begun counts from now. Raises Refused.

    Without a deputy, what concerns the person goes to the supervisor at once.
    """
    # Of two that are written at once, the second sees the first.
    User.objects.select_for_update(of=("self",)).get(pk=user.pk)
    begins = max(from_at, at)
    _check_span(user, from_at, until_at, at)
    if deputy is not None:
        _check_deputy(user, deputy)
        _check_circle(user, deputy, begins, until_at)
    row = Absence.objects.create(
        user=user,
        deputy=deputy,
        from_at=begins,
        until_at=until_at,
        created_at=at,
        created_by=by.code,
    )
    data = {"absence": row.pk, "deputy": deputy.pk if deputy else None}
    audit.write(action="absence_recorded", subject=f"user:{user.pk}", by=by, at=at, data=data)
    return row


def _check_span(user: User, from_at: datetime, until_at: datetime, at: datetime) -> None:
    if until_at <= from_at:
        raise Refused("until_at", _("It would end before it began."))
    if until_at <= at:
        raise Refused("until_at", _("This time has passed already."))
    if _within(max(from_at, at), until_at).filter(user=user).exists():
        raise Refused("from_at", _("In this time they are away already: end the other one first."))


def _check_deputy(user: User, deputy: User) -> None:
    if deputy.pk == user.pk:
        raise Refused("deputy", _("Nobody stands in for themselves."))
    if not deputy.is_active:
        raise Refused("deputy", _("This person does not work here any more."))
    if deputy.team_id != user.team_id:
        raise Refused("deputy", _("Somebody of the same team stands in."))
    if deputy.role not in {user.role, Role.SUPERVISOR if user.role == Role.AGENT else user.role}:
        raise Refused("deputy", _("Somebody who may do the same stands in."))


def _check_circle(user: User, deputy: User, from_at: datetime, until_at: datetime) -> None:
    """Nobody is told of anything when all stand in for each other: that is refused at once."""
    seen: set[int] = set()
    following = {deputy.pk}
    while following:
        if user.pk in following:
            raise Refused(
                "deputy",
                _("%(name)s is away in this time too, and it would come back to where it began.")
                % {"name": deputy},
            )
        seen |= following
        rows = _within(from_at, until_at).filter(user__in=following, deputy__isnull=False)
        following = {pk for pk in rows.values_list("deputy_id", flat=True) if pk} - seen


def _within(from_at: datetime, until_at: datetime) -> QuerySet[Absence]:
    """The absences of which some part lies in this time."""
    rows = Absence.objects.filter(from_at__lt=until_at, until_at__gt=from_at)
    return rows.filter(Q(ended_at=None) | Q(ended_at__gt=from_at))


def end(*, absence: Absence, by: Actor, at: datetime) -> bool:
    """They are back, or do not go; False when it had ended, or somebody was first."""
    with transaction.atomic():
        rows = Absence.objects.filter(pk=absence.pk, ended_at=None, until_at__gt=at)
        if not rows.update(ended_at=at, ended_by=by.code):
            return False
        data = {"absence": absence.pk}
        subject = f"user:{absence.user_id}"
        audit.write(action="absence_ended", subject=subject, by=by, at=at, data=data)
    return True


def people(user: User) -> QuerySet[User]:
    """Whose absences this person writes down: their own, a supervisor the whole team's."""
    mine = Q(pk=user.pk)
    if access.may(user, "plan_team_absences"):
        mine |= Q(team=user.team_id)
    return User.objects.filter(mine, is_active=True).order_by("first_name", "username")


def listed(*, user: User, at: datetime) -> QuerySet[Absence]:
    """What stands and what comes, of these people and for those who stand in; the next first."""
    rows = Absence.objects.filter(ended_at=None, until_at__gt=at)
    whose = Q(user__in=people(user)) | Q(deputy=user)
    return rows.filter(whose).select_related("user", "deputy").order_by("from_at", "pk")


def standing(*, at: datetime) -> QuerySet[Absence]:
    """Who is away at that moment."""
    rows = Absence.objects.filter(from_at__lte=at, until_at__gt=at)
    return rows.filter(Q(ended_at=None) | Q(ended_at__gt=at))


def _deputies(at: datetime) -> dict[int, int | None]:
    """Of everybody who is away, who stands in; one query, as few rows as people are away."""
    return dict(standing(at=at).values_list("user_id", "deputy_id"))


def _chain(user: int, deputies: Mapping[int, int | None]) -> Iterator[int]:
    """The deputy, the deputy's deputy, and so on; each once, so that a circle comes to an end."""
    seen = {user}
    following = deputies.get(user)
    while following is not None and following not in seen:
        yield following
        seen.add(following)
        following = deputies.get(following)


def _here(user: int, deputies: Mapping[int, int | None]) -> int | None:
    """The first on the chain who is not away."""
    return next((pk for pk in (user, *_chain(user, deputies)) if pk not in deputies), None)


@dataclass(frozen=True)
class Rota:
    """Who stands in for whom at one moment: asked once, for as many people as come."""

    deputies: Mapping[int, int | None]
    people: Mapping[int, User]

    def stand_in(self, user: User) -> User | None:
        """Who acts for this person: they when they are here, else the first of their deputies who
        is. None when nobody is: no deputy, a circle, or somebody who has left."""
        end = _here(user.pk, self.deputies)
        found = user if end == user.pk else self.people.get(end or 0)
        return found if found and found.is_active else None

    def acting(self, users: Iterable[User]) -> list[User]:
        """Who acts for these people, each once, in their order; empty when nobody does."""
        found = map(self.stand_in, users)
        return list({user.pk: user for user in found if user}.values())


def rota(*, at: datetime) -> Rota:
    """Who is away at that moment, and who stands in: two queries at most."""
    deputies = _deputies(at)
    others = {pk for pk in deputies.values() if pk}
    known = User.objects.select_related("team").in_bulk(others) if others else {}
    return Rota(deputies, known)


def stand_in(user: User, *, at: datetime) -> User | None:
    """Who acts for this person at that moment; None when nobody does."""
    return rota(at=at).stand_in(user)


def acting(users: Iterable[User], *, at: datetime) -> list[User]:
    """Who acts for these people at that moment, each once, in their order."""
    return rota(at=at).acting(users)


def covered_by(user: int, *, at: datetime) -> set[int]:
    """The people who are away and for whom this one may act: deputy, or a deputy's deputy."""
    deputies = _deputies(at)
    return {pk for pk in deputies if user in _chain(pk, deputies)}
