"""Wishes that people write down or end: a do-not-call by letter, a settled complaint, a mistake.

What the customer does on the page, or says in a call that is being saved, is no matter of these
rules (presses, calls).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import suppressions
from crm.actors import Actor
from crm.models import Campaign, Customer, Suppression

Kind, Origin, Ground = Suppression.Kind, Suppression.Origin, Suppression.Ground
LONGEST_PROOF, LONGEST_WORDS = 80, 2000
LEAST_WORDS = 15  # as a supervisor's reason for an override (design/gate.md)
LONGEST = timedelta(days=366)  # a passing matter that lasts longer is looked at again

# What somebody writes down, and what has to have been heard for it.
BY_HAND = (Kind.DNC_COMPANY, Kind.DNC_CAMPAIGN, Kind.COMPLAINT, Kind.BEREAVEMENT, Kind.DECEASED)
HEARD = (Origin.CALL, Origin.LETTER)

# For what each may end before its time. A "never" ends by the customer's own act, shown by its
# proof (design/gate.md, "The blocks"); nobody here may decide that it is settled.
_WISH = (Ground.ASKED, Ground.MISTAKE)
_MATTER = (Ground.SETTLED, Ground.ASKED, Ground.MISTAKE)
GROUNDS: dict[str, tuple[Suppression.Ground, ...]] = {
    Kind.DNC_COMPANY: _WISH,
    Kind.DNC_CAMPAIGN: _WISH,
    Kind.CUSTOMER_PAUSE: _WISH,
    Kind.REFUSAL_COOLOFF: _WISH,
    Kind.DECEASED: (Ground.MISTAKE,),
    Kind.COMPLAINT: _MATTER,
    Kind.BEREAVEMENT: _MATTER,
    Kind.SEPARATED: (Ground.SETTLED,),
}
# Nobody wrote these down, so nobody can have done it by mistake.
OWN_ACTS = frozenset({Origin.PAGE, Origin.MAIL})


class Refused(ValueError):
    """A wish that cannot be written down or ended so; `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Said:
    """What somebody writes down. `proof` says where it lies: the recording, the letter."""

    kind: str
    origin: str
    proof: str
    words: str = ""
    campaign: Campaign | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Line:
    """A wish as the sheet shows it; `ended_at` is None while it stands."""

    row: Suppression
    ended_at: datetime | None


def lines(people: list[int], *, at: datetime, most: int = 10) -> list[Line]:
    """The wishes of one person's rows: what stands first, then what ended, newest first."""
    found = [Line(row, _ended_at(row, at)) for row in on_file(people)[: most * 5]]
    return sorted(found, key=lambda line: line.ended_at is not None)[:most]


def _ended_at(row: Suppression, at: datetime) -> datetime | None:
    over = row.until_at if row.until_at and row.until_at <= at else None
    return min((end for end in (row.lifted_at, over) if end), default=None)


def on_file(people: list[int]) -> QuerySet[Suppression]:
    """What was ever said by these rows of one person, the newest first; with its words."""
    rows = Suppression.objects.filter(customer__in=people)
    return rows.select_related("text", "campaign").order_by("-from_at", "-pk")


def record(*, customer: Customer, said: Said, by: Actor, at: datetime) -> Suppression:
    """Writes a wish down; the same one still standing is returned. Raises Refused."""
    if said.kind not in BY_HAND:
        raise Refused("kind", _("This is not written down by hand."))
    if said.origin not in HEARD:
        raise Refused("origin", _("Say whether it was said on a call or written to us."))
    proof = _proof(said.proof)
    if (said.kind == Kind.DNC_CAMPAIGN) != bool(said.campaign):
        raise Refused(
            "campaign", _("Only “not for this campaign” names a campaign, and needs one.")
        )
    if said.until:
        _check_end(said, at)
    return suppressions.add(
        customer=customer,
        kind=said.kind,
        origin=said.origin,
        proof=proof,
        words=said.words.strip()[:LONGEST_WORDS],
        campaign=said.campaign,
        until=said.until,
        by=by,
        at=at,
    )


def grounds(suppression: Suppression) -> list[Suppression.Ground]:
    """For what this one may be ended by a person."""
    found = GROUNDS[suppression.kind]
    own = suppression.origin in OWN_ACTS
    return [ground for ground in found if not (own and ground == Ground.MISTAKE)]


def end(
    *, suppression: Suppression, ground: str, proof: str, words: str, by: Actor, at: datetime
) -> bool:
    """Ends a wish for a ground that its kind knows; False when it had ended. Raises Refused."""
    if ground not in grounds(suppression):
        raise Refused("ground", _("This does not end so."))
    if len(words.strip()) < LEAST_WORDS:
        raise Refused("words", _("Say why, in at least 15 characters."))
    return suppressions.lift(
        suppression=suppression,
        ground=ground,
        proof=_proof(proof) if ground == Ground.ASKED else proof.strip()[:LONGEST_PROOF],
        words=words.strip()[:LONGEST_WORDS],
        by=by,
        at=at,
    )


def _proof(text: str) -> str:
    proof = text.strip()
    if not proof:
        raise Refused("proof", _("Say where its proof lies: the recording, or the letter."))
    if len(proof) > LONGEST_PROOF:
        raise Refused("proof", _("At most 80 characters: an id or an address, not the thing."))
    return proof


def _check_end(said: Said, at: datetime) -> None:
    if said.until is None:
        return
    if said.kind not in suppressions.LASTS:
        raise Refused("until", _("This one has no end of its own."))
    if said.until <= at:
        raise Refused("until", _("It would end before it began."))
    if said.until > at + LONGEST:
        raise Refused("until", _("At most a year: then somebody looks at it again."))
