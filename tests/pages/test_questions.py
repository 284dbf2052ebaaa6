"""What a campaign asks: set by operations, asked on the call form, answered once."""

from __future__ import annotations

from crm import questions
from crm.models import AuditEntry, Question, Reply
from tests.cast import HOUR, START, SYSTEM, Cast
from tests.pages.conftest import Enter, set_clock
from tests.pages.forms import call_form

ADDRESS = "/campaigns/fibre/questions/"
FORM = {"words": "Who decides at home?", "choices": "she\r\nhe\r\n", "days": "90"}


def test_operations_ask_and_ask_no_more(monday: Cast, enter: Enter) -> None:
    assert monday.sales
    dirk = enter(monday.dirk)
    assert dirk.post(ADDRESS, FORM)["Location"] == ADDRESS
    row = Question.objects.get()
    assert (row.words, row.choices, row.good_days) == ("Who decides at home?", ["she", "he"], 90)
    assert "not asked again for 90 days" in dirk.get(ADDRESS).content.decode()
    dirk.post(f"{ADDRESS}{row.pk}/retire/")
    assert "This campaign asks nothing." in dirk.get(ADDRESS).content.decode()
    acts = AuditEntry.objects.filter(action__startswith="question_")
    assert [entry.action for entry in acts.order_by("pk")] == ["question_added", "question_retired"]


def test_what_cannot_be_asked_is_said_beside_its_field(monday: Cast, enter: Enter) -> None:
    assert monday.sales
    answer = enter(monday.dirk).post(ADDRESS, {**FORM, "choices": "only one"})
    assert answer.status_code == 422
    assert "Two to eight replies to choose from, or none." in answer.content.decode()
    assert not Question.objects.exists()


def test_an_agent_asks_once_and_the_next_sees_what_was_said(monday: Cast, enter: Enter) -> None:
    row = questions.add(
        campaign=monday.sales,
        words="Who decides at home?",
        choices=("she", "he"),
        days=90,
        by=SYSTEM,
        at=START,
    )
    sheet = f"/customers/{monday.dupont.reference}/"
    amina = enter(monday.amina)
    assert f'name="question-{row.pk}"' in amina.get(sheet).content.decode()
    sent = call_form(campaign=monday.sales.pk, **{f"question-{row.pk}": "she"})
    for _time in range(2):
        assert amina.post(f"{sheet}calls/", sent).status_code == 302
    reply = Reply.objects.select_related("text").get()
    assert (reply.customer, reply.text.words) == (monday.dupont, "she")
    set_clock(START + HOUR)
    page = enter(monday.chloe).get(sheet)
    assert f'name="question-{row.pk}"' not in page.content.decode()
    said = next(one for one in page.context["answers"] if one.about == "Who decides at home?")
    assert (said.words, said.who) == ("she", "Amina")


def test_nobody_replies_who_was_not_reached(monday: Cast, enter: Enter) -> None:
    facts = {"choices": (), "days": 90, "by": SYSTEM, "at": START}
    row = questions.add(campaign=monday.sales, words="Who decides?", **facts)  # type: ignore[arg-type]
    sent = call_form(
        campaign=monday.sales.pk, result="busy", disposition="", **{f"question-{row.pk}": "she"}
    )
    answer = enter(monday.amina).post(f"/customers/{monday.dupont.reference}/calls/", sent)
    assert answer.status_code == 422
    assert "Nobody was reached, so nothing can have been replied." in answer.content.decode()
    assert not Reply.objects.exists()
