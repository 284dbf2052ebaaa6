"""Logging in and one's own account: second factors, guesses, log-ins elsewhere, new passwords."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from config import sessions
from crm.models import AuditEntry, User
from followups import notices
from followups.models import Notice
from offers.channels import smtp
from tests.cast import PASSWORD, Cast
from tests.pages.conftest import Enter

FACTOR = "/account/second-factor/"
LINK = re.compile(r"http\S+/login/password/\S+")


def log_in(name: str, password: str = PASSWORD, client: Client | None = None) -> Client:
    client = client or Client()
    client.post("/login/", {"username": name, "password": password})
    return client


def code_of(secret: str, *, after: int = 0) -> str:
    counter = int(time.time()) // 30 + after
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def set_up_app(client: Client) -> str:
    """Adds the app with codes, as the page does; its secret. Whoever logs in now is asked."""
    client.post("/account/confirm/", {"password": PASSWORD})
    secret = client.get(f"{FACTOR}app/").context["form"].secret
    answer = client.post(f"{FACTOR}app/", {"code": code_of(secret)})
    assert answer["Location"] == f"{FACTOR}codes/"
    return str(secret)


def actions() -> list[str]:
    acts = AuditEntry.objects.filter(subject__startswith="user:").order_by("pk")
    return list(acts.values_list("action", flat=True))


# --- the password -----------------------------------------------------------------------------


def test_a_name_and_its_password_open_the_door(monday: Cast) -> None:
    client = log_in("amina")
    assert client.get("/desk/").status_code == 200
    assert actions() == ["logged_in"]


def test_an_unknown_name_is_refused_in_the_same_words_as_a_wrong_password(monday: Cast) -> None:
    said = [
        Client().post("/login/", {"username": name, "password": "guess"}).context["form"].errors
        for name in ("amina", "nobody-at-all")
    ]
    assert said[0] == said[1]
    # What was typed instead of a name may be a password: it is not written down.
    assert actions() == ["login_failed"]


def test_five_guesses_lock_the_name_even_for_the_right_password(monday: Cast) -> None:
    for _ in range(5):
        log_in("amina", "guess")
    answer = Client().post("/login/", {"username": "amina", "password": PASSWORD})
    assert "quarter of an hour" in answer.content.decode()
    assert log_in("chloe").get("/board/").status_code == 200


def test_guesses_are_counted_in_the_database_for_every_process(monday: Cast) -> None:
    log_in("amina", "guess")
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM kept_counters WHERE cache_key LIKE '%login_failed%'")
        keys = [row[0] for row in cursor.fetchall()]
    assert len(keys) == 2
    assert not any("amina" in key for key in keys)


def test_nobody_signs_up(db: None) -> None:
    for path in ("/signup/", "/accounts/signup/", "/account/signup/"):
        assert Client().get(path).status_code in {302, 404}
        assert not Client().get(path).headers.get("Location", "/login/").count("signup/?")


def test_who_has_left_does_not_come_in(monday: Cast) -> None:
    User.objects.filter(pk=monday.amina.pk).update(is_active=False)
    assert log_in("amina").get("/desk/").status_code == 302


# --- second factors ---------------------------------------------------------------------------


def test_the_apps_code_is_asked_after_the_password(monday: Cast) -> None:
    secret = set_up_app(log_in("amina"))
    client = log_in("amina")
    assert client.get("/desk/").status_code == 302
    answer = client.post("/login/code/", {"code": code_of(secret, after=1)})
    assert answer["Location"] == "/"
    assert client.get("/desk/").status_code == 200


def test_a_code_counts_once(monday: Cast) -> None:
    secret = set_up_app(log_in("amina"))
    code = code_of(secret, after=1)
    log_in("amina").post("/login/code/", {"code": code})
    with connection.cursor() as cursor:
        # As after half a minute, when the library has forgotten it.
        cursor.execute("DELETE FROM kept_counters WHERE cache_key LIKE '%allauth.mfa.totp.used%'")
    again = log_in("amina")
    assert "was used already" in again.post("/login/code/", {"code": code}).content.decode()
    assert again.get("/desk/").status_code == 302


def test_guessed_codes_lock_too(monday: Cast) -> None:
    secret = set_up_app(log_in("amina"))
    client = log_in("amina")
    for _ in range(5):
        client.post("/login/code/", {"code": "000000"})
    client.post("/login/code/", {"code": code_of(secret, after=1)})
    assert client.get("/desk/").status_code == 302
    assert actions().count("second_factor_wrong") == 5


def test_a_recovery_code_opens_once_and_is_shown_once(monday: Cast) -> None:
    first = log_in("amina")
    set_up_app(first)
    codes = re.findall(r"<code>(\d{8})</code>", first.get(f"{FACTOR}codes/").content.decode())
    assert len(codes) == 10
    assert codes[0] not in first.get(f"{FACTOR}codes/").content.decode()
    client = log_in("amina")
    assert client.post("/login/code/", {"code": codes[0]})["Location"] == "/"
    assert log_in("amina").post("/login/code/", {"code": codes[0]}).status_code == 200


def test_a_copy_of_the_database_makes_no_codes(monday: Cast) -> None:
    secret = set_up_app(log_in("amina"))
    kept = Authenticator.objects.get(type="totp").data
    assert secret not in str(kept)


def test_a_factor_is_changed_only_by_who_has_just_confirmed(monday: Cast, enter: Enter) -> None:
    client = enter(monday.amina)
    for path in ("app/", "keys/add/", "codes/new/"):
        answer = client.get(f"{FACTOR}{path}")
        assert answer["Location"].startswith("/account/confirm/"), path
    assert not Authenticator.objects.exists()


def test_a_role_that_needs_a_second_factor_is_led_to_it(
    monday: Cast, enter: Enter, settings: object
) -> None:
    settings.REQUIRE_SECOND_FACTOR = frozenset({"supervisor"})  # type: ignore[attr-defined]
    assert enter(monday.amina).get("/desk/").status_code == 200
    client = log_in("chloe")
    for path in ("/board/", "/", f"/customers/{monday.dupont.reference}/"):
        assert client.get(path)["Location"] == FACTOR
    assert client.post("/board/hand-out/")["Location"] == FACTOR
    assert "Your role works with a second factor only" in client.get(FACTOR).content.decode()
    set_up_app(client)
    assert client.get("/board/").status_code == 200


def test_whoever_takes_the_last_factor_away_is_led_back(monday: Cast, settings: object) -> None:
    settings.REQUIRE_SECOND_FACTOR = frozenset({"supervisor"})  # type: ignore[attr-defined]
    client = log_in("chloe")
    set_up_app(client)
    assert client.get("/board/").status_code == 200
    client.post(f"{FACTOR}app/remove/")
    assert client.get("/board/")["Location"] == FACTOR
    assert not Authenticator.objects.exists()


# --- sessions ---------------------------------------------------------------------------------


def aged(client: Client, **marks: int) -> Client:
    session = client.session
    for name, seconds in marks.items():
        session[name] = int(time.time()) - seconds
    session.save()
    return client


def test_half_an_hour_without_a_touch_ends_a_log_in(monday: Cast) -> None:
    client = aged(log_in("amina"), **{sessions.SEEN: 1790})
    assert client.get("/desk/").status_code == 200
    answer = aged(client, **{sessions.SEEN: 1810}).get("/desk/", follow=True)
    assert "You were logged out after a while" in answer.content.decode()
    assert client.get("/desk/").status_code == 302


def test_twelve_hours_end_it_whatever_was_done(monday: Cast) -> None:
    client = aged(log_in("amina"), **{sessions.BEGAN: 12 * 3600 + 10})
    assert client.get("/desk/").status_code == 302


def test_what_a_page_asks_by_itself_is_no_touch(monday: Cast) -> None:
    client = aged(log_in("amina"), **{sessions.SEEN: 600})
    path = f"/customers/{monday.dupont.reference}/live/"
    client.get(path, headers={"hx-request": "true"})
    assert time.time() - client.session[sessions.SEEN] > 590
    client.get("/desk/")
    assert time.time() - client.session[sessions.SEEN] < 10


def test_the_log_in_has_a_session_key_of_its_own(monday: Cast) -> None:
    client = Client()
    client.get("/login/password/")
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key
    client.cookies["kept_session"] = before
    log_in("amina", client=client)
    assert client.session.session_key != before


def test_one_sees_where_one_is_logged_in_and_ends_it(monday: Cast) -> None:
    here = log_in("amina")
    there = Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"})
    log_in("amina", client=there)
    page = here.get("/account/")
    assert "Firefox, Windows" in page.content.decode()
    [other] = [place for place in page.context["sessions"] if not place.here]
    here.post(f"/account/sessions/{other.pk}/end/")
    assert there.get("/desk/").status_code == 302
    assert here.get("/desk/").status_code == 200


def test_nobody_ends_the_log_ins_of_others(monday: Cast) -> None:
    chloe, amina = log_in("chloe"), log_in("amina")
    [place] = chloe.get("/account/").context["sessions"]
    assert amina.post(f"/account/sessions/{place.pk}/end/").status_code == 404
    amina.post("/account/sessions/end/")
    assert chloe.get("/board/").status_code == 200


# --- new passwords ----------------------------------------------------------------------------


def letters(user: User) -> list[str]:
    """What waits for this person, as it is mailed."""
    sent: list[str] = []

    def carry(batch: list[Notice], at: object) -> smtp.Outcome:
        words = notices.digests.compose(batch)
        sent.append(f"{words.subject}\n{words.text}")
        return smtp.Outcome("sent", 250, "2.0.0", "ok", "verdict")

    notices.send_due(clock=lambda: timezone.now() + timedelta(days=3650), mail=carry)
    return sent


def test_a_forgotten_password_is_set_by_a_link_that_holds_once(monday: Cast) -> None:
    elsewhere, client = log_in("amina"), Client()
    answer = client.post("/login/password/", {"email": "AMINA@kept.example"})
    assert answer["Location"] == "/login/password/sent/"
    [letter] = letters(monday.amina)
    [link] = LINK.findall(letter)
    path = "/" + link.split("/", 3)[3]
    form = client.get(path)["Location"]
    new = {"password1": "quite another long one", "password2": "quite another long one"}
    assert client.post(form, new)["Location"] == "/login/password/done/"
    assert "does not hold any more" in Client().get(path).content.decode()
    assert elsewhere.get("/desk/").status_code == 302
    assert log_in("amina", new["password1"]).get("/desk/").status_code == 200
    assert "password_reset" in actions()
    assert mail.outbox == []


def test_asking_for_an_unknown_address_looks_the_same_and_sends_nothing(monday: Cast) -> None:
    known = Client().post("/login/password/", {"email": "amina@kept.example"})
    unknown = Client().post("/login/password/", {"email": "nobody@kept.example"})
    assert known["Location"] == unknown["Location"]
    assert Notice.objects.count() == 1


def test_no_link_stands_in_a_row(monday: Cast) -> None:
    Client().post("/login/password/", {"email": "amina@kept.example"})
    notice = Notice.objects.get()
    assert (notice.kind, notice.data) == ("password_asked", {})


def test_an_opened_link_changes_nothing_by_itself(monday: Cast) -> None:
    Client().post("/login/password/", {"email": "amina@kept.example"})
    path = "/" + LINK.findall(letters(monday.amina)[0])[0].split("/", 3)[3]
    before = User.objects.get(pk=monday.amina.pk).password
    for _ in range(3):
        assert "Set your password" in Client().get(path, follow=True).content.decode()
    assert User.objects.get(pk=monday.amina.pk).password == before


def test_who_opened_such_a_link_may_still_take_a_second_factor(monday: Cast) -> None:
    Client().post("/login/password/", {"email": "amina@kept.example"})
    path = "/" + LINK.findall(letters(monday.amina)[0])[0].split("/", 3)[3]
    Client().get(path, follow=True)
    assert set_up_app(log_in("amina"))


@pytest.mark.parametrize("bad", ["short", "password1234", "1234567890123"])
def test_a_weak_password_is_refused_in_words(monday: Cast, bad: str) -> None:
    client = log_in("amina")
    form = {"oldpassword": PASSWORD, "password1": bad, "password2": bad}
    assert client.post("/account/password/", form).context["form"].errors["password1"]
    assert log_in("amina").get("/desk/").status_code == 200


def test_changing_the_password_ends_the_other_log_ins(monday: Cast) -> None:
    here, there = log_in("amina"), log_in("amina")
    new = "quite another long one"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/account/password/", form).status_code == 302
    assert here.get("/desk/").status_code == 200
    assert there.get("/desk/").status_code == 302


@pytest.mark.parametrize("next_page", ["https://evil.example/", "//evil.example", "javascript:x"])
def test_the_log_in_leads_nowhere_else(monday: Cast, next_page: str) -> None:
    answer = Client().post(f"/login/?next={next_page}", {"username": "amina", "password": PASSWORD})
    assert answer["Location"] == "/"
