"""Questions of campaigns and what customers replied: the only writer of Question and Reply.

A reply counts for every campaign that asks the same in the same words, for as long as the question
says: nobody is asked again what they have said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from crm import audit
from crm.actors import Actor
from crm.models import Attempt, Campaign, Customer, Question, Reply, ReplyText

LONGEST, LONGEST_CHOICE, LONGEST_REPLY, MOST_CHOICES, MOST = 200, 60, 500, 8, 12
LONGEST_GOOD = 1830  # days


class Refused(ValueError):
    """A question that cannot be asked so; `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def of(campaigns: QuerySet[Campaign]) -> QuerySet[Question]:
    """What these campaigns ask today."""
    rows = Question.objects.filter(campaign__in=campaigns, retired_at=None)
    return rows.select_related("campaign").order_by("campaign_id", "pk")


@transaction.atomic
def add(
    *, campaign: Campaign, words: str, choices: Collection[str], days: int, by: Actor, at: datetime
) -> Question:
    """A question for the agents of this campaign; the same one again is the one that stands.

    `choices`: what may be replied; none for any words. `days`: for how long a reply is good.
    Raises Refused.
    """
    said, replies = " ".join(words.split()), _distinct(choices)
    if not said or len(said) > LONGEST:
        raise Refused("words", _("A question has between 1 and 200 characters."))
    if len(replies) == 1 or len(replies) > MOST_CHOICES:
        raise Refused("choices", _("Two to eight replies to choose from, or none."))
    if any(len(one) > LONGEST_CHOICE for one in replies):
        raise Refused("choices", _("A reply to choose has at most 60 characters."))
    if not 1 <= days <= LONGEST_GOOD:
        raise Refused("days", _("Between one day and five years."))
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    open_ = Question.objects.filter(campaign=campaign, retired_at=None)
    known = open_.filter(words=said).first()
    if known:
        return known
    if open_.count() >= MOST:
        raise Refused("words", _("A campaign asks twelve questions at most: retire one first."))
    row = Question.objects.create(
        campaign=campaign,
        words=said,
        choices=replies,
        good_days=days,
        added_at=at,
        added_by=by.code,
    )
    data = {"question": row.pk}
    subject = f"campaign:{campaign.pk}"
    audit.write(action="question_added", subject=subject, by=by, at=at, data=data)
    return row


def _distinct(choices: Collection[str]) -> list[str]:
    return list(dict.fromkeys(text for one in choices if (text := " ".join(one.split()))))


@transaction.atomic
def retire(*, question: Question, by: Actor, at: datetime) -> bool:
    """Nobody is asked it any more; what was replied stays. False when somebody was first."""
    rows = Question.objects.filter(pk=question.pk, retired_at=None)
    won = bool(rows.update(retired_at=at, retired_by=by.code))
    if won:
        data, subject = {"question": question.pk}, f"campaign:{question.campaign_id}"
        audit.write(action="question_retired", subject=subject, by=by, at=at, data=data)
    return won


def blank(people: Collection[int]) -> None:
    """Takes out what these customers replied; that they did stays."""
    ReplyText.objects.filter(reply__customer__in=list(people)).update(words="")


def replies(people: Collection[int]) -> list[Reply]:
    """What these rows of one person have replied: of each question, by its words, the newest."""
    rows = Reply.objects.filter(customer__in=people).select_related("question", "text")
    found: dict[str, Reply] = {}
    for row in rows.order_by("-replied_at", "-pk")[:200]:
        if row.text.words:
            found.setdefault(row.question.words.casefold(), row)
    return list(found.values())


def unasked(
    campaigns: QuerySet[Campaign], *, known: Collection[Reply], at: datetime
) -> list[Question]:
    """What these campaigns still have to ask somebody who has replied all that is `known`."""
    since = {row.question.words.casefold(): row.replied_at for row in known}
    return [
        question
        for question in of(campaigns)
        if (said := since.get(question.words.casefold())) is None
        or said + timedelta(days=question.good_days) <= at
    ]


def note(*, attempt: Attempt, said: Mapping[Question, str], by: Actor, at: datetime) -> int:
    """Writes down what was replied in a call, in its transaction; how many replies were new."""
    customer: Customer | None = attempt.customer
    if customer is None:
        return 0
    new = 0
    for question, words in said.items():
        row, made = Reply.objects.get_or_create(
            attempt=attempt,
            question=question,
            defaults={"customer": customer, "replied_at": at, "replied_by": by.code},
        )
        if made:
            ReplyText.objects.create(reply=row, words=words[:LONGEST_REPLY])
            new += 1
    return new
