"""One promise on its page: agreed anew, withdrawn, said to have come, handed over, taken over."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from django.test import Client

from crm import calls
from crm.actors import Actor
from crm.models import Attempt, AuditEntry, User
from followups import amending, forms_change
from followups.models import Notice, Promise, PromiseEvent
from offers.models import Delivery, Evidence
from tests.cast import DAY, DUPONT_MAIL, HOUR, PASSWORD, START, Cast, Relay, call_of, person
from tests.followups.lists import owed_a_call
from tests.followups.scenes import accepted, fresh, promised
from tests.followups.test_amending import DIALER, spoken
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_board import LATE
from tests.pages.test_sheet import page

LATER = START + 2 * HOUR


def at(promise: Promise, tail: str = "") -> str:
    return f"/promises/{promise.reference}/{tail}"


def shown(client: Client, promise: Promise) -> str:
    answer = client.get(at(promise))
    assert answer.status_code == 200
    return answer.content.decode()


def heard(cast: Cast, *, by: Actor | None = None) -> Attempt:
    """Amina spoke with Mme Dupont two hours later; nobody but her says so."""
    attempt = spoken(cast, by=by or person(cast.amina))
    set_clock(LATER + HOUR)
    return attempt


def refused(client: Client, path: str, data: dict[str, Any], words: str) -> None:
    answer = client.post(path, data)
    assert answer.status_code == 422, answer.content.decode()
    assert words in answer.content.decode()


def test_the_sheet_leads_from_an_open_promise_to_its_page_and_looking_changes_nothing(
    monday: Cast, enter: Enter
) -> None:
    promise, amina = promised(monday), enter(monday.amina)
    assert at(promise) in page(amina, monday.dupont)
    before = PromiseEvent.objects.count(), AuditEntry.objects.count()
    text = shown(amina, promise)
    assert promise.text.words in text and "no longer wants it" in text
    assert (PromiseEvent.objects.count(), AuditEntry.objects.count()) == before
    for tail in ("agree/", "withdraw/", "came/", "hand-over/", "claim/"):
        assert amina.get(at(promise, tail)).status_code == 405


def test_another_team_finds_no_promise_and_who_calls_nobody_may_not_look(
    monday: Cast, enter: Enter
) -> None:
    promise = promised(monday)
    for tail in ("agree/", "withdraw/", "came/", "hand-over/", "claim/"):
        assert enter(monday.bram).post(at(promise, tail)).status_code == 404
    assert enter(monday.bram).get(at(promise)).status_code == 404
    assert enter(monday.dirk).get(at(promise)).status_code == 403
    assert enter(monday.bram).get(f"/promises/?q={promise.reference}").status_code == 200
    assert fresh(promise).owner == monday.amina


# --- withdrawn --------------------------------------------------------------------------------


def test_a_withdrawal_rests_on_a_call_that_the_telephone_system_reported(
    monday: Cast, enter: Enter
) -> None:
    promise, amina = promised(monday), enter(monday.amina)
    form = {"withdraw-call": "", "withdraw-reason": "not_wanted"}
    refused(amina, at(promise, "withdraw/"), form, "Say in which call")
    form["withdraw-call"] = str(heard(monday).pk)
    refused(amina, at(promise, "withdraw/"), form, "No telephone system has reported this call")
    form["withdraw-call"] = str(heard(monday, by=DIALER).pk)
    for _press in range(2):
        answer = amina.post(at(promise, "withdraw/"), form)
        assert answer.status_code == 302 and answer["Location"] == at(promise)
    assert fresh(promise).status == "withdrawn"
    assert promise.events.filter(cause="withdrawn").count() == 1
    assert "Nothing is owed any more" in shown(amina, promise)
    assert "Change…" not in page(amina, monday.dupont)


def test_without_it_a_supervisor_signs_with_the_password(monday: Cast, enter: Enter) -> None:
    promise, chloe = promised(monday), enter(monday.chloe)
    form = {"withdraw-call": str(heard(monday).pk), "withdraw-reason": "other"}
    path = at(promise, "withdraw/")
    refused(chloe, path, form, "Type your password")
    refused(chloe, path, form | {"withdraw-password": "a guess"}, "This is not your password.")
    assert fresh(promise).status == "open"
    answer = chloe.post(path, form | {"withdraw-password": PASSWORD})
    assert answer.status_code == 302
    assert fresh(promise).closed_by == person(monday.chloe).code
    signed = AuditEntry.objects.get(action="withdrawal_signed")
    assert (signed.subject, signed.by) == (f"promise:{promise.pk}", person(monday.chloe).code)


def test_nobody_signs_for_their_own_call_and_an_agent_signs_for_none(
    monday: Cast, enter: Enter
) -> None:
    promise = promised(monday)
    own = spoken(monday, agent=monday.chloe, by=person(monday.chloe))
    set_clock(LATER + HOUR)
    form = {"withdraw-call": str(own.pk), "withdraw-reason": "other"}
    form["withdraw-password"] = PASSWORD
    refused(enter(monday.chloe), at(promise, "withdraw/"), form, "somebody else has to sign")
    refused(enter(monday.amina), at(promise, "withdraw/"), form, "No telephone system")
    assert fresh(promise).status == "open"


# --- it came ----------------------------------------------------------------------------------


def test_what_the_customer_says_has_come_is_kept_on_their_word(
    monday: Cast, enter: Enter, relay: Relay
) -> None:
    promise, amina = accepted(monday, relay), enter(monday.amina)
    path = at(promise, "came/")
    refused(amina, path, {"came-call": str(heard(monday).pk)}, "No telephone system")
    form = {"came-call": str(heard(monday, by=DIALER).pk)}
    for _press in range(2):
        assert amina.post(path, form).status_code == 302
    kept = fresh(promise)
    assert kept.status == "kept"
    said = Evidence.objects.get(kind="confirmed")
    assert (said.grade, said.occurred_at, said.received_by) == (5, LATER, person(monday.amina).code)


def test_what_has_not_left_cannot_have_come(monday: Cast, enter: Enter, relay: Relay) -> None:
    promise = promised(monday)
    form = {"came-call": str(heard(monday, by=DIALER).pk)}
    refused(enter(monday.amina), at(promise, "came/"), form, "Nothing has left")
    later = accepted(monday, relay, at=LATER + HOUR)
    attempt = spoken(monday, by=DIALER, at=LATER + HOUR)
    assert not Evidence.objects.filter(kind="confirmed").exists()
    assert attempt not in amending.spoken_since(later)


def test_a_supervisor_signs_for_what_came_too(monday: Cast, enter: Enter, relay: Relay) -> None:
    promise = accepted(monday, relay)
    form = {"came-call": str(heard(monday).pk), "came-password": PASSWORD}
    assert enter(monday.chloe).post(at(promise, "came/"), form).status_code == 302
    assert fresh(promise).status == "kept"
    assert AuditEntry.objects.filter(action="arrival_signed").count() == 1


# --- agreed anew ------------------------------------------------------------------------------


def anew(call: Attempt, **more: str) -> dict[str, str]:
    form = {"call": str(call.pk), "reason": "customer_asked", "channel": "email"}
    form |= {"address": DUPONT_MAIL, "day": "", "time": ""} | more
    return {f"anew-{name}": value for name, value in form.items()}


def test_another_day_is_another_promise_in_its_place(monday: Cast, enter: Enter) -> None:
    promise, amina = promised(monday), enter(monday.amina)
    form = anew(heard(monday), day="2026-03-10", time="12:00")
    first = amina.post(at(promise, "agree/"), form)
    made = Promise.objects.get(replaces=promise)
    assert first["Location"] == at(made)
    assert amina.post(at(promise, "agree/"), form)["Location"] == at(promise)
    assert Promise.objects.count() == 2
    assert fresh(promise).status == "replaced"
    assert (made.due_at.isoformat(), made.text.address) == (
        "2026-03-10T11:00:00+00:00",
        DUPONT_MAIL,
    )
    assert made.address_accepted_at is not None  # the same address, read back before
    assert made.reference in shown(amina, promise)


def test_another_address_is_read_back_anew(monday: Cast, enter: Enter) -> None:
    promise, amina = promised(monday), enter(monday.amina)
    form = anew(heard(monday), address="new@mail.example", reason="other_address")
    assert amina.post(at(promise, "agree/"), form).status_code == 302
    made = Promise.objects.get(replaces=promise)
    assert (made.text.address, made.address_accepted_at) == ("new@mail.example", None)
    assert Delivery.objects.get(status="queued").text.address == "new@mail.example"


def test_by_letter_it_goes_to_the_address_on_file(monday: Cast, enter: Enter) -> None:
    promise, amina = promised(monday), enter(monday.amina)
    form = anew(heard(monday), channel="post")
    assert amina.post(at(promise, "agree/"), form).status_code == 302
    made = Promise.objects.get(replaces=promise)
    assert made.plan[0] == "post"
    assert "rue du Pont 1" in Delivery.objects.get(channel="post").text.address


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"day": "2026-02-27"}, "within a year"),
        ({"day": "2026-03-08"}, "Nobody works on that day."),
        ({"day": "2028-03-01"}, "within a year"),
        ({"time": "10:00"}, "Say on which day."),
        ({"address": "nowhere"}, "valid email"),
        ({"channel": "pigeon"}, "valid choice"),
        ({"channel": "bill_insert"}, "valid choice"),
        ({"reason": "boredom"}, "valid choice"),
        ({"call": "0"}, "valid choice"),
    ],
)
def test_what_cannot_be_agreed_is_said_beside_its_field(
    monday: Cast, enter: Enter, more: dict[str, str], words: str
) -> None:
    promise = promised(monday)
    refused(
        enter(monday.amina), at(promise, "agree/"), anew(heard(monday)) | anew_only(more), words
    )
    assert fresh(promise).status == "open"


def anew_only(more: dict[str, str]) -> dict[str, str]:
    return {f"anew-{name}": value for name, value in more.items()}


def test_a_call_back_moves_to_another_slot_of_the_team(monday: Cast, enter: Enter) -> None:
    owed_a_call(monday, monday.dupont)
    promise, amina = Promise.objects.get(), enter(monday.amina)
    assert "The customer says it came" not in shown(amina, promise)
    form = {"anew-call": str(heard(monday).pk), "anew-reason": "later"}
    taken = form | {"anew-slot": "2026-03-04T03:00:00+00:00"}
    refused(amina, at(promise, "agree/"), taken, "not free any more")
    free = form | {"anew-slot": "2026-03-05T09:00:00+00:00"}
    assert amina.post(at(promise, "agree/"), free).status_code == 302
    made = Promise.objects.get(replaces=promise)
    assert (made.kind, made.due_at.isoformat()) == ("callback", "2026-03-05T09:00:00+00:00")


# --- handed over, taken over ------------------------------------------------------------------


def test_it_is_handed_to_a_colleague_of_the_team_and_to_nobody_else(
    monday: Cast, enter: Enter
) -> None:
    promise, amina = promised(monday), enter(monday.amina)
    form = {"pass-owner": str(monday.bram.pk), "pass-reason": "absent"}
    refused(amina, at(promise, "hand-over/"), form, "valid choice")
    form["pass-owner"] = str(monday.chloe.pk)
    assert amina.post(at(promise, "hand-over/"), form).status_code == 302
    assert fresh(promise).owner == monday.chloe
    assert Notice.objects.get(kind="reassigned").user == monday.chloe
    # Twice is once: its owner is no colleague to hand it to.
    refused(amina, at(promise, "hand-over/"), form, "valid choice")
    assert promise.events.filter(cause="reassigned").count() == 1


def test_whoever_hears_the_reference_finds_the_promise_and_takes_it_over(
    monday: Cast, enter: Enter
) -> None:
    promise, chloe = promised(monday), enter(monday.chloe)
    for spelt in (promise.reference, promise.reference.lower(), promise.reference.replace("-", "")):
        found = chloe.get("/customers/", {"q": spelt}, follow=True)
        assert found.redirect_chain[-1][0] == at(promise), spelt
    assert "Take it over" in found.content.decode()
    assert "Take it over" not in shown(enter(monday.amina), promise)
    for _press in range(2):
        form = {"claim-reason": "customer_called"}
        assert chloe.post(at(promise, "claim/"), form).status_code == 302
    taken = fresh(promise)
    assert (taken.owner, taken.team) == (monday.chloe, monday.liege)
    event = promise.events.get(cause="reassigned")
    assert event.by == person(monday.chloe).code
    assert event.data["reason"] == "customer_called"
    assert not Notice.objects.filter(kind="reassigned").exists()


def test_a_reference_that_nobody_made_finds_nothing(monday: Cast, enter: Enter) -> None:
    found = enter(monday.amina).get("/customers/", {"q": "P-222222"}, follow=True)
    assert found.status_code == 200
    assert "Nobody in your team matches" in found.content.decode()


def test_every_code_of_a_reason_has_its_words() -> None:
    for words, codes in (
        (forms_change.UNWANTED, amending.Unwanted),
        (forms_change.AGREED, amending.Agreed),
        (forms_change.PASSED, amending.Passed),
        (forms_change.CLAIMED, amending.Claimed),
    ):
        assert tuple(words) == get_args(codes)


# --- many at once -----------------------------------------------------------------------------


def broken(cast: Cast, owner: User) -> Promise:
    call = call_of(owner, cast.dupont, at=START)
    calls.log(call=call, by=person(owner), at=START)
    made = promised(cast, address=f"n{Promise.objects.count()}@mail.example")
    amending.reassign(promise=made, owner=owner, reason="other", by=DIALER, at=START)
    return made


def test_a_supervisor_hands_out_chosen_rows_of_the_board_each_with_its_event(
    monday: Cast, enter: Enter
) -> None:
    rows = [broken(monday, monday.amina), broken(monday, monday.amina)]
    theirs, elsewhere = broken(monday, monday.chloe), broken(monday, monday.bram)
    set_clock(LATE)
    chloe = enter(monday.chloe)
    assert rows[0].reference in chloe.get("/board/").content.decode()
    chosen = [row.reference for row in (*rows, theirs, elsewhere)]
    form = {"pass-owner": monday.chloe.pk, "pass-reason": "left", "promise": chosen}
    told = chloe.post("/board/hand-out/", form, follow=True).content.decode()
    assert "Done for 2: now with Chloé" in told
    assert f"Not done for 1: It is theirs already. {theirs.reference}." in told
    assert "1 are not your team" in told
    for row in rows:
        assert fresh(row).owner == monday.chloe
        event = row.events.filter(cause="reassigned").latest("pk")
        assert (event.by, event.data["reason"]) == (person(monday.chloe).code, "left")
    assert fresh(elsewhere).owner == monday.bram


def test_a_choice_that_is_not_whole_hands_out_nothing_and_is_kept(
    monday: Cast, enter: Enter
) -> None:
    row = broken(monday, monday.amina)
    set_clock(LATE + DAY)
    chloe = enter(monday.chloe)
    empty = {"pass-owner": monday.chloe.pk, "pass-reason": "left"}
    refused(chloe, "/board/hand-out/", empty, "Choose the promises first.")
    nobody = {"pass-owner": "", "pass-reason": "left", "promise": [row.reference]}
    answer = chloe.post("/board/hand-out/", nobody)
    assert answer.status_code == 422 and "checked" in answer.content.decode()
    assert fresh(row).owner == monday.amina
    for user in (monday.amina, monday.dirk):
        assert enter(user).post("/board/hand-out/", nobody).status_code == 403
    assert "hand-out" not in enter(monday.dirk).get("/board/").content.decode()


# --- a second signature -----------------------------------------------------------------------


def test_an_agent_asks_a_supervisor_to_sign_who_finds_it_filled_in(
    monday: Cast, enter: Enter
) -> None:
    promise, amina = promised(monday), enter(monday.amina)
    call = heard(monday)
    form = {"withdraw-call": str(call.pk), "withdraw-reason": "moved", "ask": "1"}
    answer = amina.post(at(promise, "withdraw/"), form, follow=True)
    assert "Chloé was asked to sign" in answer.content.decode()
    assert fresh(promise).status == "open"
    chloe = enter(monday.chloe)
    assert at(promise) in chloe.get("/notices/").content.decode()
    page_ = chloe.get(at(promise))
    assert "Amina asks for a signature: the customer no longer wants it" in page_.content.decode()
    shown_form = page_.context["forms"]["withdraw"]
    assert (shown_form["call"].value(), shown_form["reason"].value()) == (call.pk, "moved")
    sign = {**form, "withdraw-password": PASSWORD}
    del sign["ask"]
    assert chloe.post(at(promise, "withdraw/"), sign).status_code == 302
    assert fresh(promise).status == "withdrawn"
    assert Notice.objects.filter(user=monday.amina, kind="signature_given").exists()


def test_no_signature_is_asked_for_what_the_telephone_system_reported(
    monday: Cast, enter: Enter
) -> None:
    promise = promised(monday)
    form = {"withdraw-call": str(heard(monday, by=DIALER).pk), "withdraw-reason": "moved"}
    words = "nobody has to sign"
    refused(enter(monday.amina), at(promise, "withdraw/"), form | {"ask": "1"}, words)
    assert (
        fresh(promise).status == "open"
        and not Notice.objects.filter(kind="withdrawal_to_sign").exists()
    )
