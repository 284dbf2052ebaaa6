"""Questions of campaigns: asked once, in every campaign that asks the same."""

from __future__ import annotations

import pytest

from crm import calls, questions
from crm.models import Attempt, Campaign, Question, Reply
from tests.cast import DAY, START, SYSTEM, Cast, call_of, person

BOTH = ("yes", "no")


def ask(campaign: Campaign, words: str = "Who decides at home?", **more: object) -> Question:
    facts: dict[str, object] = {"choices": (), "days": 90, "by": SYSTEM, "at": START, **more}
    return questions.add(campaign=campaign, words=words, **facts)  # type: ignore[arg-type]


def called(cast: Cast) -> Attempt:
    call = call_of(cast.amina, cast.dupont, campaign=cast.sales)
    return calls.log(call=call, by=person(cast.amina), at=START).attempt


def replied(cast: Cast, question: Question, words: str) -> int:
    said = {question: words}
    return questions.note(attempt=called(cast), said=said, by=person(cast.amina), at=START)


def left(cast: Cast, at_days: int = 0) -> list[Question]:
    known = questions.replies([cast.dupont.pk])
    return questions.unasked(Campaign.objects.all(), known=known, at=START + at_days * DAY)


def test_what_was_replied_is_not_asked_again_until_it_is_old(cast: Cast) -> None:
    question = ask(cast.sales)
    assert left(cast) == [question]
    assert replied(cast, question, "She does.") == 1
    assert left(cast, at_days=89) == []
    assert left(cast, at_days=90) == [question]


def test_a_reply_counts_for_another_campaign_that_asks_the_same(cast: Cast) -> None:
    replied(cast, ask(cast.sales), "She does.")
    other = Campaign.objects.create(slug="mobile", name="Mobile")
    ask(other, "Who  decides at HOME?")
    assert left(cast) == []
    more = ask(other, "How many telephones?", choices=("one", "several"))
    assert left(cast) == [more]


def test_the_newest_reply_counts_and_the_same_call_replies_once(cast: Cast) -> None:
    question = ask(cast.sales, choices=BOTH)
    replied(cast, question, "yes")
    attempt = called(cast)
    for words in ("no", "yes"):
        questions.note(
            attempt=attempt, said={question: words}, by=person(cast.amina), at=START + DAY
        )
    (known,) = questions.replies([cast.dupont.pk])
    assert (known.text.words, Reply.objects.count()) == ("no", 2)


def test_a_retired_question_is_asked_no_more_and_its_replies_stay(cast: Cast) -> None:
    question = ask(cast.sales)
    replied(cast, question, "She does.")
    assert questions.retire(question=question, by=SYSTEM, at=START)
    assert not questions.retire(question=question, by=SYSTEM, at=START)
    assert left(cast, at_days=400) == []
    assert len(questions.replies([cast.dupont.pk])) == 1
    assert ask(cast.sales).pk != question.pk


def test_a_blanked_reply_is_none(cast: Cast) -> None:
    question = ask(cast.sales)
    replied(cast, question, "")
    assert left(cast) == [question]


def test_the_same_question_again_is_the_one_that_stands(cast: Cast) -> None:
    assert ask(cast.sales) == ask(cast.sales, "  Who decides at home? ")


@pytest.mark.parametrize(
    ("field", "facts"),
    [
        ("words", {"words": "  "}),
        ("words", {"words": "x" * 201}),
        ("choices", {"choices": ("yes", "yes ")}),
        ("choices", {"choices": tuple("abcdefghi")}),
        ("choices", {"choices": ("yes", "n" * 61)}),
        ("days", {"days": 0}),
        ("days", {"days": 1831}),
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(
    cast: Cast, field: str, facts: dict[str, object]
) -> None:
    with pytest.raises(questions.Refused) as refusal:
        ask(cast.sales, **{"words": "Who decides?", **facts})  # type: ignore[arg-type]
    assert refusal.value.field == field
    assert not Question.objects.exists()


def test_a_campaign_asks_twelve_questions_at_most(cast: Cast) -> None:
    for number in range(questions.MOST):
        ask(cast.sales, f"Question {number}?")
    with pytest.raises(questions.Refused, match="twelve"):
        ask(cast.sales, "One more?")
