"""What came of the last call is said before the next one, whichever way it was left."""

from __future__ import annotations

from datetime import datetime

import pytest

from crm import call_sources, calls
from crm.calls import Call
from crm.models import Attempt, Customer, Disposition, User
from followups import leases, taking, unfinished
from followups.gate import Decision
from followups.models import Lease
from tests.cast import DAY, DUPONT_MOBILE, HOUR, MINUTE, START, SYSTEM, Cast, call_of, person
from tests.crm.test_absences import colleague
from tests.followups.scenes import fresh
from tests.followups.test_callbacks import SLOT, asked
from tests.pages.conftest import Enter, set_clock
from tests.pages.forms import call_form
from tests.pages.test_desk import neighbour

LATER = START + HOUR
ENDED = LATER + 3 * MINUTE


def take(customer: Customer, user: User, at: datetime) -> Decision:
    first = customer.numbers.first()
    return taking.ask(
        customer=customer,
        number=first.e164 if first else None,
        owed=None,
        campaign=None,
        user=user,
        at=at,
    )


def dialler() -> str:
    dialect = call_sources.dialect(call_sources.SHIPPED / "plain.json")
    facts = {"zone": "Europe/Brussels", "region": "BE", "campaign": None, "team": None}
    row = call_sources.add(name="plain", dialect=dialect, **facts, by=SYSTEM, at=START)
    return row.source.name


def talked(cast: Cast, **more: object) -> Attempt:
    """A talk of Amina with Mme Dupont, as a dialer told of it."""
    facts: dict[str, object] = {
        "source": dialler(),
        "external_id": "17",
        "direction": "outbound",
        "started_at": LATER,
        "answered_at": LATER,
        "ended_at": ENDED,
        "purpose": "sales",
        "customer": cast.dupont,
        "number": DUPONT_MOBILE,
        "agent": cast.amina,
        "result": "answered",
        **more,
    }
    return calls.log(call=Call(**facts), by=SYSTEM, at=ENDED).attempt  # type: ignore[arg-type]


def test_who_let_the_time_run_out_says_first_what_came_of_it(monday: Cast, enter: Enter) -> None:
    amina = enter(monday.amina)
    at = set_clock(LATER)
    decision = take(monday.dupont, monday.amina, at)
    set_clock(LATER + 5 * MINUTE)
    there = f"/customers/{monday.dupont.reference}/#call"
    assert amina.post("/desk/next/")["Location"] == there
    text = amina.get("/desk/").content.decode()
    assert "Mme Éléonore Dupont was yours to call at 10:00. Say first what came of it." in text
    assert amina.post(f"/leases/{decision.id}/let-go/")["Location"] == "/desk/"
    assert unfinished.of(monday.amina, at=LATER + 6 * MINUTE) is None
    assert amina.post("/desk/next/")["Location"] == "/desk/"


def test_a_call_that_is_logged_late_finishes_what_ran_out(monday: Cast, enter: Enter) -> None:
    at = set_clock(LATER)
    take(monday.dupont, monday.amina, at)
    late = set_clock(LATER + 9 * MINUTE)
    assert unfinished.of(monday.amina, at=late)
    saved = enter(monday.amina).post(
        f"/customers/{monday.dupont.reference}/calls/",
        call_form(result="no_answer", disposition=""),
    )
    assert saved.status_code == 302
    assert unfinished.of(monday.amina, at=late + MINUTE) is None


def test_nobody_is_held_up_by_what_is_older_than_a_week(monday: Cast) -> None:
    at = set_clock(LATER)
    take(monday.dupont, monday.amina, at)
    assert unfinished.of(monday.amina, at=at + 6 * DAY)
    assert unfinished.of(monday.amina, at=at + 8 * DAY) is None


def test_a_talk_that_the_dialer_told_of_wants_its_meaning_first(monday: Cast, enter: Enter) -> None:
    talked(monday)
    set_clock(ENDED + MINUTE)
    amina = enter(monday.amina)
    answer = amina.post("/desk/next/", follow=True)
    assert answer.redirect_chain[-1][0] == f"/customers/{monday.dupont.reference}/#call"
    words = "You spoke with Mme Éléonore Dupont at 10:00. Say first what it meant."
    assert words in answer.content.decode()
    assert unfinished.of(monday.bram, at=ENDED) is None


def test_the_wrap_up_completes_the_dialers_call_and_counts_it_once(
    monday: Cast, enter: Enter
) -> None:
    attempt = talked(monday)
    set_clock(ENDED + MINUTE)
    amina = enter(monday.amina)
    form = amina.get(f"/customers/{monday.dupont.reference}/").context["form"]
    assert (form.initial["talk"], form.initial["result"]) == (attempt.pk, "answered")
    sent = call_form(talk=attempt.pk)
    for _time in range(2):
        answer = amina.post(f"/customers/{monday.dupont.reference}/calls/", sent)
        assert answer.status_code == 302
    attempt.refresh_from_db()
    assert (attempt.disposition_id, attempt.revision) == ("wants_in_writing", 2)
    assert Attempt.objects.count() == 1
    assert unfinished.of(monday.amina, at=ENDED + HOUR) is None


def test_the_dialers_call_of_the_same_decision_is_completed_without_being_named(
    monday: Cast, enter: Enter
) -> None:
    at = set_clock(LATER)
    decision = take(monday.dupont, monday.amina, at)
    attempt = talked(monday, decision_id=decision.id)
    set_clock(ENDED + MINUTE)
    sent = call_form(decision=str(decision.id))
    enter(monday.amina).post(f"/customers/{monday.dupont.reference}/calls/", sent)
    attempt.refresh_from_db()
    assert attempt.disposition_id == "wants_in_writing"
    assert Attempt.objects.count() == 1


def test_what_the_telephone_system_knows_better_is_said_beside_the_result(
    monday: Cast, enter: Enter
) -> None:
    attempt = talked(monday)
    set_clock(ENDED + MINUTE)
    sent = call_form(talk=attempt.pk, result="no_answer", disposition="")
    answer = enter(monday.amina).post(f"/customers/{monday.dupont.reference}/calls/", sent)
    assert answer.status_code == 422
    assert answer.context["form"].errors["result"] == ["The telephone system says: answered."]
    attempt.refresh_from_db()
    assert (attempt.revision, Attempt.objects.count()) == (1, 1)


def test_another_meaning_than_the_dialers_is_refused_and_nothing_is_lost(
    monday: Cast, enter: Enter
) -> None:
    talked(monday, disposition=Disposition.objects.get(pk="undecided"))
    attempt = Attempt.objects.get()
    set_clock(ENDED + MINUTE)
    where, amina = f"/customers/{monday.dupont.reference}/calls/", enter(monday.amina)
    answer = amina.post(where, call_form(talk=attempt.pk))
    assert answer.status_code == 422
    assert "is undecided" in str(answer.context["form"].errors["disposition"])
    assert "Wants to compare at home." in answer.content.decode()
    same = call_form(talk=attempt.pk, disposition="undecided")
    for _time in range(2):
        assert amina.post(where, same).status_code == 302
    attempt.text.refresh_from_db()
    assert attempt.text.note == "Wants to compare at home."


def test_what_was_said_of_a_call_is_not_said_otherwise_afterwards(
    monday: Cast, enter: Enter
) -> None:
    attempt = talked(monday)
    set_clock(ENDED + MINUTE)
    where, amina = f"/customers/{monday.dupont.reference}/calls/", enter(monday.amina)
    amina.post(where, call_form(talk=attempt.pk))
    answer = amina.post(where, call_form(talk=attempt.pk, disposition="undecided"))
    words = "You said of this call already: wants it in writing."
    assert answer.context["form"].errors["disposition"] == [words]


def test_nobody_says_that_there_was_no_call_when_there_was_one(monday: Cast, enter: Enter) -> None:
    at = set_clock(LATER)
    decision = take(monday.dupont, monday.amina, at)
    talked(monday, decision_id=decision.id)
    set_clock(ENDED + MINUTE)
    answer = enter(monday.amina).post(f"/leases/{decision.id}/let-go/")
    assert answer["Location"].endswith("#call")
    assert Lease.objects.get().released_at is None


def test_a_call_that_was_logged_by_hand_meanwhile_finishes_the_dialers(monday: Cast) -> None:
    talked(monday)
    assert unfinished.of(monday.amina, at=ENDED + MINUTE)
    meant = {"result": "answered", "disposition": Disposition.objects.get(pk="undecided")}
    by_hand = call_of(monday.amina, monday.dupont, at=LATER + MINUTE, ended_at=ENDED, **meant)
    calls.log(call=by_hand, by=person(monday.amina), at=ENDED)
    assert unfinished.of(monday.amina, at=ENDED + MINUTE) is None


def test_two_pages_of_one_person_take_one_customer(monday: Cast) -> None:
    at = set_clock(LATER)
    first = take(monday.dupont, monday.amina, at)
    with pytest.raises(taking.Busy) as busy:
        take(monday.peeters, monday.amina, at)
    assert busy.value.held.decision_id == first.id
    assert not Lease.objects.filter(customer=monday.peeters).exists()
    assert take(monday.dupont, monday.amina, at).allow, "the same one may be taken anew"


def test_another_teams_customer_who_is_held_is_found_again(monday: Cast, enter: Enter) -> None:
    at = set_clock(LATER)
    take(monday.peeters, monday.amina, at)
    assert leases.held(user=monday.amina, at=at).count() == 1
    answer = enter(monday.amina).post("/desk/next/", follow=True)
    assert answer.status_code == 200
    assert answer.context["customer"] == monday.peeters


def test_a_missed_call_back_is_not_taken_over_before(monday: Cast, enter: Enter) -> None:
    promise, noor = asked(monday), colleague(monday, "noor")
    other = neighbour(monday, 1)
    at = set_clock(SLOT + 2 * HOUR)
    assert take(other, noor, at).allow
    answer = enter(noor).post(f"/call-backs/{promise.reference}/take/")
    assert answer["Location"].startswith(f"/customers/{other.reference}/?decision=")
    assert fresh(promise).owner == monday.amina
