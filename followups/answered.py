"""What the customer has answered already, so that nobody asks it again: when, to whom. Reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import actors, questions, wording
from crm.excerpts import Excerpt
from crm.models import Attempt
from followups.channels import BY, one_line
from followups.models import Promise
from offers.models import Answer

MOST = 12
# Said nothing that another call would ask: the line, the wrong person.
SAYS_NOTHING = ("technical", "not_right_party", "other")


@dataclass(frozen=True)
class Said:
    """One answer: what was asked, what was said, when, and who heard it."""

    at: datetime
    about: str
    words: str
    who: str


def of(people: list[int], *, bad: Collection[str] = ()) -> Excerpt[Said]:
    """What these rows of one person have answered, the newest first; each thing once. `bad`: mail
    addresses that turned out not to exist, and have to be asked for again."""
    told = questions.replies(people)
    found = [
        *(Said(row.replied_at, row.question.words, row.text.words, row.replied_by) for row in told),
        *_calls(people),
        *_addresses(people, bad),
        *_pressed(people),
    ]
    newest = sorted(found, key=lambda said: said.at, reverse=True)[:MOST]
    names = actors.names(said.who for said in newest)
    shown = (replace(said, who=names.get(said.who, "Kept")) for said in newest)
    return Excerpt(shown, total=len(found))


def _calls(people: list[int]) -> Iterable[Said]:
    """What a talk meant, with the agent's note; of each meaning the newest."""
    rows = Attempt.objects.filter(customer__in=people, result=Attempt.Result.ANSWERED)
    rows = rows.exclude(disposition=None).exclude(disposition__in=SAYS_NOTHING)
    newest = rows.order_by("disposition_id", "-started_at", "-pk").distinct("disposition_id")
    for row in newest.select_related("text", "agent"):
        said = wording.disposition(row.disposition_id or "")
        who = f"user:{row.agent_id}" if row.agent_id else row.logged_by
        yield Said(row.started_at, said, row.text.note, who)


def _addresses(people: list[int], bad: Collection[str]) -> Iterable[Said]:
    """The addresses that were read back and agreed to; of each way the newest."""
    rows = Promise.objects.filter(customer__in=people, address_accepted_at__isnull=False)
    rows = rows.exclude(text__address__in=["", *bad]).select_related("text")
    known: set[str] = set()
    for row in _newest(rows):
        way = row.plan[0] if row.plan else ""
        if way in known or not row.address_accepted_at:
            continue
        known.add(way)
        about = _("address read back (%(way)s)") % {"way": BY.get(way, way)}
        yield Said(
            row.address_accepted_at, about, one_line(row.text.address), row.address_accepted_by
        )


def _newest(rows: QuerySet[Promise]) -> Iterable[Promise]:
    return rows.only(
        "plan", "address_accepted_at", "address_accepted_by", "text__address"
    ).order_by("-address_accepted_at", "-pk")[:MOST]


def _pressed(people: list[int]) -> Iterable[Said]:
    """What was pressed on the page; of each button the newest."""
    rows = Answer.objects.filter(customer__in=people).order_by("kind", "-at", "-pk")
    for row in rows.distinct("kind").select_related("text", "version__offer"):
        about = (
            f"{row.get_kind_display()} ({row.version})" if row.version else row.get_kind_display()
        )
        yield Said(row.at, str(about), row.text.words, row.by)
