"""One call all the same, on the pages: asked on the sheet, decided on the board, shown to all."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.signals import user_login_failed
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm import suppressions
from crm.models import AuditEntry, User
from followups import overrides
from followups.models import GateCheck, Notice, Override
from tests.cast import (
    DUPONT_HOME,
    HOUR,
    MINUTE,
    PASSWORD,
    SYSTEM,
    Cast,
    call_and_promise,
    person,
)
from tests.crm.test_reauth import later
from tests.followups.test_overrides import LATER, WHY, quota_used
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_desk import neighbour

EVIL = '<script>alert("x")</script>'


@pytest.fixture
def waiting(monday: Cast) -> Cast:
    """Two in the afternoon; Mme Dupont waits for a document since nine."""
    call_and_promise(monday.amina, monday.dupont)
    set_clock(LATER)
    return monday


def sheet(cast: Cast, tail: str = "") -> str:
    return f"/customers/{cast.dupont.reference}/{tail}"


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def ask(cast: Cast, client: Client, why: str = "She rang.") -> Any:
    return client.post(sheet(cast, "ask/"), {"reason": why}, follow=True)


def requested(cast: Cast, why: str = "She rang.") -> Override:
    return overrides.ask(customer=cast.dupont, reason=why, by=person(cast.amina), at=LATER)


def signed(**more: Any) -> dict[str, Any]:
    return {"reason": WHY, "password": PASSWORD, **more}


def counts() -> list[int]:
    models = (Override, AuditEntry, Notice, GateCheck)
    return [model.objects.count() for model in models]


# --- the way of one call ----------------------------------------------------------------------


def test_an_agent_asks_a_supervisor_grants_and_the_call_is_made(
    waiting: Cast, enter: Enter
) -> None:
    amina, chloe = enter(waiting.amina), enter(waiting.chloe)
    assert "Ask your supervisor" in text(amina, sheet(waiting))
    assert "You asked your supervisor" in ask(waiting, amina).content.decode()

    board = text(chloe, "/board/")
    assert "She rang." in board
    assert "there is no proof yet that it arrived" in board
    page = f"/overrides/{Override.objects.get().pk}/"
    assert page in board
    assert page in text(chloe, "/desk/")
    assert page in text(chloe, sheet(waiting))
    assert chloe.post(page, signed()).status_code == 302

    shown = text(amina, sheet(waiting))
    assert "Yours for one call until 14:3" in shown
    assert f"Chloé lets you call once all the same: “{WHY}”" in shown
    assert "Ask your supervisor" not in shown
    taken = amina.post(sheet(waiting, "take/"), {"number": DUPONT_HOME})
    assert "?decision=" in taken["Location"]
    shown = text(amina, taken["Location"])
    assert "Yours to call until" in shown
    assert f'href="tel:{DUPONT_HOME}"' in shown
    assert "Took the call that was allowed" in shown

    assert "one call" not in text(amina, sheet(waiting)).partition("timeline-title")[0]
    again = amina.post(sheet(waiting, "take/"), {"number": DUPONT_HOME}, follow=True)
    assert "there is no proof yet" in again.content.decode()
    (row,) = chloe.get("/board/?rows=overrides").context["rows"]
    assert (row.state, row.granted_by, row.override.agent) == ("used", "Chloé", waiting.amina)
    assert str(row.override.decision_id) in text(chloe, "/board/?rows=overrides")


def test_a_no_is_told_on_the_sheet_and_another_request_may_follow(
    waiting: Cast, enter: Enter
) -> None:
    row, amina = requested(waiting), enter(waiting.amina)
    answer = enter(waiting.chloe).post(f"/overrides/{row.pk}/refuse/")
    assert answer["Location"] == "/board/"
    assert "Chloé said no." in text(amina, sheet(waiting))
    assert "Call</" not in text(amina, sheet(waiting))
    set_clock(LATER + 31 * MINUTE)
    assert "Chloé said no." not in text(amina, sheet(waiting)).partition("timeline-title")[0]
    assert "Ask your supervisor" in text(amina, sheet(waiting))


def test_the_second_of_two_supervisors_is_told_that_it_is_decided(
    waiting: Cast, enter: Enter
) -> None:
    row = requested(waiting)
    client, page = enter(waiting.chloe), f"/overrides/{row.pk}/"
    overrides.refuse(request=row, by=person(waiting.chloe), at=LATER)
    for answer in (
        client.get(page, follow=True),
        client.post(page, signed(), follow=True),
        client.post(f"{page}refuse/", follow=True),
    ):
        assert "Somebody has decided this already" in answer.content.decode()
    row.refresh_from_db()
    assert row.granted_at is None


def test_a_supervisor_lets_a_call_through_unasked(waiting: Cast, enter: Enter) -> None:
    client = enter(waiting.chloe)
    assert "Let one call through…" in text(client, sheet(waiting))
    page = sheet(waiting, "let-through/")
    assert "Who calls" in text(client, page)
    answer = client.post(page, signed(agent=waiting.amina.pk), follow=True)
    assert "Amina may call once within half an hour." in answer.content.decode()
    assert Override.objects.get().agent == waiting.amina


def test_nobody_of_another_team_can_be_let_through(waiting: Cast, enter: Enter) -> None:
    page = sheet(waiting, "let-through/")
    for agent in (waiting.bram, waiting.chloe, waiting.dirk):
        assert enter(waiting.chloe).post(page, signed(agent=agent.pk)).status_code == 422
    assert not Override.objects.exists()


def test_operations_sign_what_is_over_the_quota(waiting: Cast, enter: Enter) -> None:
    quota_used(waiting)
    page = sheet(waiting, "let-through/")
    said = enter(waiting.chloe).post(page, signed(agent=waiting.amina.pk), follow=True)
    assert "operations have to sign this one too" in said.content.decode()
    amina, dirk = enter(waiting.amina), enter(waiting.dirk)
    assert "operations have to sign it too" in text(amina, sheet(waiting))
    row = Override.objects.latest("pk")
    board = text(dirk, "/board/")
    assert f"/overrides/{row.pk}/" in board
    assert WHY in board
    assert "Dupont" not in board
    shown = text(dirk, f"/overrides/{row.pk}/")
    assert "Chloé" in shown
    assert "Dupont" not in shown
    assert dirk.post(f"/overrides/{row.pk}/", {"password": PASSWORD}).status_code == 302
    assert "Yours for one call until" in text(amina, sheet(waiting))


# --- what is refused --------------------------------------------------------------------------


def test_the_agent_is_not_offered_what_nobody_may_allow(waiting: Cast, enter: Enter) -> None:
    suppressions.add(
        customer=waiting.dupont, kind="dnc_company", origin="call", by=SYSTEM, at=LATER
    )
    client = enter(waiting.amina)
    assert "Ask your supervisor" not in text(client, sheet(waiting))
    assert "Let one call through" not in text(enter(waiting.chloe), sheet(waiting))
    before = counts()
    answer = client.post(sheet(waiting, "ask/"), {"reason": "please"})
    assert answer.status_code == 422
    assert "The customer asked never to be called." in answer.content.decode()
    assert counts() == before


def test_an_open_gate_needs_nobodys_permission(monday: Cast, enter: Enter) -> None:
    assert "Ask your supervisor" not in text(enter(monday.amina), sheet(monday))
    assert "Let one call through" not in text(enter(monday.chloe), sheet(monday))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"reason": ""}, "Say why, in at least 15 characters."),
        ({"reason": "too short"}, "Say why, in at least 15 characters."),
        ({"reason": " " * 20 + "x"}, "Say why, in at least 15 characters."),
        ({"reason": "a" + " " * 20 + "b"}, "Say why, in at least 15 characters."),
        ({"password": ""}, "Type your password: it is asked every time."),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(
    waiting: Cast, enter: Enter, sent: dict[str, str], said: str
) -> None:
    row = requested(waiting)
    before = counts()
    answer = enter(waiting.chloe).post(f"/overrides/{row.pk}/", signed(**sent))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert counts() == before


def test_a_wrong_password_grants_nothing_and_counts_as_at_the_log_in(
    waiting: Cast, enter: Enter
) -> None:
    heard: list[str] = []

    def hear(credentials: dict[str, Any], **_more: Any) -> None:
        heard.append(credentials["username"])

    user_login_failed.connect(hear)
    row = requested(waiting)
    answer = enter(waiting.chloe).post(f"/overrides/{row.pk}/", signed(password="a guess"))
    user_login_failed.disconnect(hear)
    assert answer.status_code == 422
    assert "This is not your password." in answer.content.decode()
    assert "a guess" not in answer.content.decode()
    assert heard == ["chloe"]
    row.refresh_from_db()
    assert row.granted_at is None


def test_after_five_wrong_passwords_the_right_one_waits_a_quarter_of_an_hour(
    waiting: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, client = requested(waiting), enter(waiting.chloe)
    page = f"/overrides/{row.pk}/"
    for _ in range(5):
        client.post(page, signed(password="a guess"))
    answer = client.post(page, signed())
    assert "Too many wrong passwords" in answer.content.decode()
    assert AuditEntry.objects.filter(action="password_wrong").count() == 5
    later(monkeypatch, 16)
    assert client.post(page, signed()).status_code == 302


def test_the_password_of_somebody_else_is_a_wrong_one(waiting: Cast, enter: Enter) -> None:
    chloe = User.objects.get(pk=waiting.chloe.pk)
    chloe.set_password("not-the-one-of-the-cast")
    chloe.save(update_fields=["password"])
    row = requested(waiting)
    assert enter(chloe).post(f"/overrides/{row.pk}/", signed()).status_code == 422


def colleague(cast: Cast) -> User:
    """A supervisor of the other team."""
    return User.objects.create(username="joris", role=User.Role.SUPERVISOR, team=cast.gent)


@pytest.mark.parametrize(
    ("name", "ask", "let", "decide", "refuse"),
    [
        ("amina", 302, 403, 403, 403),
        ("bram", 404, 403, 403, 403),
        ("chloe", 403, 302, 302, 302),
        ("joris", 403, 404, 404, 404),
        ("dirk", 403, 403, 404, 403),
        ("eva", 403, 403, 403, 403),
    ],
)
def test_each_role_does_its_own_part_and_a_refusal_changes_nothing(
    waiting: Cast, enter: Enter, name: str, ask: int, let: int, decide: int, refuse: int
) -> None:
    row = requested(waiting)
    client = enter(colleague(waiting) if name == "joris" else getattr(waiting, name))
    sent = signed(agent=waiting.amina.pk)
    for path, wanted in (
        (sheet(waiting, "ask/"), ask),
        (f"/overrides/{row.pk}/refuse/", refuse),
        (sheet(waiting, "let-through/"), let),
    ):
        before = counts()
        assert client.post(path, sent).status_code == wanted, path
        assert wanted == 302 or counts() == before, path
    if name == "chloe":
        Override.objects.all().delete()
        row = requested(waiting)
    before = counts()
    assert client.post(f"/overrides/{row.pk}/", sent).status_code == decide
    assert decide == 302 or counts() == before


@pytest.mark.parametrize("path", ["/overrides/1/", "/overrides/1/refuse/"])
def test_a_stranger_is_sent_to_the_log_in(db: None, path: str) -> None:
    assert Client().post(path)["Location"].startswith("/login/")


def test_each_form_needs_its_token(waiting: Cast) -> None:
    row, client = requested(waiting), Client(enforce_csrf_checks=True)
    client.force_login(waiting.chloe)
    for path in (f"/overrides/{row.pk}/", f"/overrides/{row.pk}/refuse/"):
        assert client.post(path, signed()).status_code == 403
    row.refresh_from_db()
    assert (row.granted_at, row.refused_at) == (None, None)


# --- how it is shown --------------------------------------------------------------------------


def test_what_people_typed_is_shown_as_text(waiting: Cast, enter: Enter) -> None:
    row = requested(waiting, EVIL)
    chloe = enter(waiting.chloe)
    pages = [text(chloe, path) for path in ("/board/", "/desk/", f"/overrides/{row.pk}/")]
    overrides.grant(request=row, reason=EVIL, by=person(waiting.chloe), at=LATER)
    pages += [text(chloe, "/board/?rows=overrides"), text(enter(waiting.amina), sheet(waiting))]
    for page in pages:
        assert EVIL not in page
        assert "&lt;script&gt;" in page


def test_something_new_in_the_way_is_told_on_the_sheet(waiting: Cast, enter: Enter) -> None:
    overrides.let_through(
        customer=waiting.dupont,
        agent=waiting.amina,
        reason=WHY,
        by=person(waiting.chloe),
        at=LATER,
    )
    call_and_promise(waiting.chloe, waiting.dupont, at=LATER + MINUTE)
    set_clock(LATER + 2 * MINUTE)
    shown = text(enter(waiting.amina), sheet(waiting))
    assert "something has come up since" in shown
    assert "Waiting for proof of delivery" in shown
    again = ask(waiting, enter(waiting.amina)).content.decode()
    assert "You asked your supervisor; no answer yet." in again


def test_the_sheet_looks_again_while_an_answer_is_awaited(waiting: Cast, enter: Enter) -> None:
    client = enter(waiting.amina)
    live = text(client, sheet(waiting, "live/"))
    row = requested(waiting)
    asked = text(client, sheet(waiting, "live/"))
    assert "You asked your supervisor" in asked
    assert "You asked your supervisor" not in live
    overrides.grant(request=row, reason=WHY, by=person(waiting.chloe), at=LATER)
    assert "Yours for one call until" in text(client, sheet(waiting, "live/"))


def test_a_notice_leads_to_what_is_to_be_decided_and_then_to_the_sheet(
    waiting: Cast, enter: Enter
) -> None:
    row = requested(waiting)
    shown = text(enter(waiting.chloe), "/notices/")
    assert f"An agent asks you to let one call to {waiting.dupont.reference} through." in shown
    assert f'href="/overrides/{row.pk}/"' in shown
    overrides.grant(request=row, reason=WHY, by=person(waiting.chloe), at=LATER)
    shown = text(enter(waiting.amina), "/notices/")
    assert f"You may call {waiting.dupont.reference} once" in shown
    assert f'href="{sheet(waiting)}"' in shown


def test_deciding_about_another_teams_customer_is_looking_at_them_and_audited(
    waiting: Cast, enter: Enter
) -> None:
    peeters, chloe = waiting.peeters, enter(waiting.chloe)
    call_and_promise(waiting.bram, peeters, address="peeters@post.example")
    set_clock(LATER + 5 * HOUR)
    row = overrides.ask(
        customer=peeters, reason="please", by=person(waiting.amina), at=LATER + 5 * HOUR
    )
    board = text(chloe, "/board/")
    assert peeters.reference in board
    assert "Peeters" not in board
    assert not AuditEntry.objects.filter(action="other_team_opened").exists()
    assert "Peeters" in text(chloe, f"/overrides/{row.pk}/")
    entry = AuditEntry.objects.get(action="other_team_opened")
    assert (entry.by, entry.data["customer"]) == (f"user:{waiting.chloe.pk}", peeters.pk)


def test_the_board_counts_the_calls_that_were_let_through_this_week(
    waiting: Cast, enter: Enter
) -> None:
    quota_used(waiting, at=LATER - HOUR)
    assert enter(waiting.chloe).get("/board/").context["aside"]["overrides"] == 10
    other = enter(colleague(waiting)).get("/board/?rows=overrides").context
    assert other["rows"] == []


def test_the_lists_ask_the_same_number_of_questions_for_one_row_and_for_many(
    waiting: Cast, enter: Enter
) -> None:
    client = enter(waiting.chloe)
    paths = ("/board/?rows=overrides", "/desk/")
    few = fill(waiting, client, paths, range(1, 2))
    assert fill(waiting, client, paths, range(2, 6)) == few


def fill(cast: Cast, client: Client, paths: tuple[str, ...], numbers: range) -> list[int]:
    """As many requests, and as many grants; then how many queries each page takes."""
    for number in numbers:
        for step in (0, 50):
            customer = neighbour(cast, number + step)
            call_and_promise(cast.amina, customer, address=f"n{number + step}@mail.example")
            facts: dict[str, Any] = {"customer": customer, "at": LATER}
            row = overrides.ask(reason="please", by=person(cast.amina), **facts)
            if step:
                overrides.grant(request=row, reason=WHY, by=person(cast.chloe), at=LATER)
    found = []
    for path in paths:
        client.get(path)
        with CaptureQueriesContext(connection) as asked:
            client.get(path)
        found.append(len(asked))
    return found
