"""The customer's page over HTTP: the door, what a GET leaves behind, who is let in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import redis
import yaml
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config import broker, clock, logs
from crm import preferences
from crm.models import Attempt, Suppression
from followups import promises
from followups.models import Promise
from followups.views import doors
from offers import links
from offers.models import Answer, Delivery, Evidence, PaperCode
from offers.wording import DATA, LANGUAGES, say
from tests.cast import DAY, HOUR, SYSTEM, Cast, Relay, call_and_promise, delivery_of
from tests.followups.scenes import accepted, fresh, proven
from tests.offers.journeys import happens


@pytest.fixture(autouse=True)
def let_in() -> Iterator[None]:
    """Nobody is kept out for what another test tried, nor keeps the next one out."""
    _let_everybody_in()
    yield
    _let_everybody_in()


def _let_everybody_in() -> None:
    counters = broker.client()
    for key in counters.scan_iter("kept:limit:*"):
        counters.delete(key)


@pytest.fixture
def visitor() -> Client:
    """A browser that was never here, which would send a form token if it had one."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def promise(cast: Cast, relay: Relay) -> Promise:
    """An offer that the relay took an hour ago."""
    return accepted(cast, relay, at=clock.now() - HOUR)


def root(promise: Promise) -> str:
    return f"/o/{links.token(delivery_of(promise))}/"


def written() -> tuple[int, ...]:
    """How much there is of everything that a visit could leave."""
    rows = (Attempt, Answer, Evidence, Promise, Suppression, Delivery)
    return tuple(model.objects.count() for model in rows)


def press(visitor: Client, owed: Promise, do: str, **more: str) -> Any:
    return visitor.post(f"{root(owed)}answer/", {"do": do, "form": "", **more})


@pytest.mark.parametrize("name", ["", "answer/", "promises/", "preferences/", "pdf/"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_a_get_shows_nothing_personal_writes_nothing_and_sets_no_cookie(
    visitor: Client, promise: Promise, name: str, method: str
) -> None:
    address, before = root(promise) + name, written()
    with CaptureQueriesContext(connection) as queries:
        answer = getattr(visitor, method)(address)
    assert answer.status_code == 200
    assert not answer.cookies
    assert not [q for q in queries.captured_queries if not q["sql"].startswith("SELECT")]
    assert written() == before
    body = answer.content.decode()
    for secret in ("Dupont", "Éléonore", promise.reference, "Flex Fibre", "dupont@", "Liège"):
        assert secret not in body


def test_the_door_has_the_operators_name_and_one_button(visitor: Client, promise: Promise) -> None:
    body = visitor.get(root(promise)).content.decode()
    assert settings.COMPANY_NAME in body
    assert re.findall(r"<button[^>]*>([^<]+)", body) == ["Afficher mon offre"]
    assert "<script" not in body


def test_every_answer_tells_browsers_to_keep_it_to_themselves(
    visitor: Client, promise: Promise
) -> None:
    answers = [
        visitor.get(root(promise)),
        visitor.post(root(promise)),
        visitor.post(f"{root(promise)}pdf/"),
        visitor.get("/o/nothing/"),
        visitor.get("/o/"),
    ]
    for answer in answers:
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "script-src" not in policy  # and so no script at all
        assert not answer.cookies


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_press_shows_the_offer_in_the_language_that_is_chosen(
    visitor: Client, promise: Promise, language: str
) -> None:
    body = visitor.post(root(promise), {"lang": language}).content.decode()
    assert f'<html lang="{language}">' in body
    assert say("page_texts", "offer_title", language) in body
    assert say("page_texts", "accept", language) in body
    assert "Flex Fibre 500" in body
    assert body.count('id="section-') == 6
    assert Evidence.objects.filter(kind="pressed").count() == 1


def test_without_a_choice_it_is_the_customers_language(visitor: Client, promise: Promise) -> None:
    assert '<html lang="fr">' in visitor.post(root(promise)).content.decode()
    assert '<html lang="nl">' in visitor.get(f"{root(promise)}?lang=nl").content.decode()
    assert '<html lang="fr">' in visitor.get(f"{root(promise)}?lang=xx").content.decode()


@pytest.mark.parametrize(
    ("do", "more"),
    [
        ("accept", {}),
        ("decline", {}),
        ("ask", {"words": "Why?"}),
        ("pause", {}),
        ("never_call", {}),
        ("never_received", {"promise": "own"}),
    ],
)
def test_each_button_answers_in_words_and_once(
    visitor: Client, promise: Promise, do: str, more: dict[str, str]
) -> None:
    more = {key: promise.reference if text == "own" else text for key, text in more.items()}
    form = {"form": "7f3c6f0e-6a0a-4a39-8a4c-0b7d3a6d1f11"}
    for _press in range(2):
        answer = press(visitor, promise, do, **{**more, **form})
        assert answer.status_code == 200
        assert 'role="status"' in answer.content.decode()
    assert Answer.objects.count() == 1
    assert Attempt.objects.filter(source="page").count() == 1


def test_a_slot_of_the_list_is_a_call_and_any_other_is_none(
    visitor: Client, promise: Promise
) -> None:
    body = visitor.post(root(promise)).content.decode()
    slots = re.findall(r'<option value="([^"]+)"', body)
    assert len(slots) > 10
    for text in ("", "soon", "2026-13-01", slots[0][:16], "0001-01-01T00:00:00+14:00"):
        assert press(visitor, promise, "call_me", slot=text).status_code == 409
    assert not Promise.objects.filter(kind="callback").exists()
    assert press(visitor, promise, "call_me", slot=slots[0]).status_code == 200
    assert Promise.objects.get(kind="callback").due_at.isoformat() == slots[0]


def test_another_customers_promise_in_a_press_is_refused_and_changes_nothing(
    visitor: Client, cast: Cast, promise: Promise
) -> None:
    theirs = call_and_promise(
        cast.bram, cast.peeters, at=clock.now() - HOUR, address="peeters@post.example"
    )
    happens(delivery_of(theirs), Evidence.Kind.RELAY_ACCEPTED, at=clock.now())
    before = written()
    for reference in (theirs.reference, "P-000000", "", "x" * 5000):
        answer = press(visitor, promise, "never_received", promise=reference)
        assert answer.status_code == 404
    assert written() == before
    assert fresh(theirs).status == "open"


@pytest.mark.parametrize("do", ["", "show", "withdraw", "accept;"])
def test_a_button_that_does_not_exist_does_nothing(
    visitor: Client, promise: Promise, do: str
) -> None:
    before = written()
    assert press(visitor, promise, do).status_code == 404
    assert written() == before


def test_a_press_that_another_site_makes_up_only_meets_the_door(
    visitor: Client, promise: Promise
) -> None:
    before = written()
    answer = visitor.post(
        f"{root(promise)}answer/", {"do": "accept"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert "Afficher mon offre" in answer.content.decode()
    assert written() == before


def test_unknown_expired_and_revoked_links_look_the_same_and_cost_the_same(
    visitor: Client, cast: Cast, relay: Relay
) -> None:
    old = proven(cast, relay, at=clock.now() - 40 * DAY)
    expired = links.token(delivery_of(old))
    revoked = links.token(delivery_of(call_and_promise(cast.amina, cast.dupont, at=clock.now())))
    Delivery.objects.filter(attached__promise__status="open").update(link_generation=2)
    seen = set()
    for token in (expired, revoked, secrets.token_urlsafe(32)[:43]):
        for method in (visitor.get, visitor.post):
            with CaptureQueriesContext(connection) as queries:
                answer = method(f"/o/{token}/")
            asked = [q for q in queries.captured_queries if "clock" not in q["sql"]]
            seen.add((answer.status_code, answer.content, len(asked)))
    assert len(seen) == 1
    assert seen.pop()[0] == 404


def test_no_log_holds_a_link() -> None:
    token = secrets.token_urlsafe(32)
    for address in (f"/o/{token}/", f"/o/{token}/pdf/", f"/api/v1/unsubscribe/{token}"):
        masked = logs.mask(f"Not Found: {address}")
        assert token not in masked and "/***" in masked


def test_a_link_lives_thirty_days_from_when_it_could_be_read(
    visitor: Client, cast: Cast, relay: Relay
) -> None:
    at = clock.now() - 30 * DAY
    young = proven(cast, relay, at=at + HOUR)
    assert visitor.get(root(young)).status_code == 200
    over = proven(cast, relay, at=at - HOUR)
    assert visitor.get(root(over)).status_code == 404


def test_who_tries_many_links_is_not_let_in_for_a_while(visitor: Client, promise: Promise) -> None:
    for _try in range(doors.MOST_MISSES):
        assert visitor.get(f"/o/{secrets.token_urlsafe(32)}/").status_code == 404
    for address in (root(promise), f"/o/{secrets.token_urlsafe(32)}/", "/o/"):
        assert visitor.get(address).status_code == 429
    _let_everybody_in()
    assert visitor.get(root(promise)).status_code == 200


def test_without_redis_the_page_opens(
    visitor: Client, promise: Promise, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = redis.Redis(port=1, socket_connect_timeout=0.05)
    with monkeypatch.context() as patched:
        patched.setattr(broker, "client", lambda: away)
        assert visitor.get(root(promise)).status_code == 200
        assert visitor.get("/o/nobody/").status_code == 404


def test_what_you_promised_me_lists_everything_in_the_customers_words(
    visitor: Client, cast: Cast, promise: Promise
) -> None:
    press(visitor, promise, "ask", words="Et la vitesse ?")
    promises.mark_broken(promise=promise, by=SYSTEM, at=clock.now())
    body = visitor.post(f"{root(promise)}promises/").content.decode()
    for row in Promise.objects.all():
        assert row.reference in body
    assert "Et la vitesse ?" in body
    assert body.count('value="never_received"') == 1  # the answer has not been sent
    # The same number of queries for one promise and for many.
    counts = set()
    for _more in range(3):
        with CaptureQueriesContext(connection) as queries:
            visitor.post(f"{root(promise)}promises/")
        counts.add(len(queries))
        call_and_promise(cast.amina, cast.dupont, at=clock.now())
    assert len(counts) == 1


def test_the_choices_are_shown_kept_and_shown_again(visitor: Client, promise: Promise) -> None:
    address = f"{root(promise)}preferences/"
    assert visitor.post(address).content.decode().count(" checked") == 3
    body = visitor.post(address, {"do": "choose", "calls": "yes"}).content.decode()
    assert body.count(" checked") == 1
    assert visitor.post(address).content.decode().count(" checked") == 1


def test_the_pdf_comes_as_a_download(visitor: Client, promise: Promise) -> None:
    answer = visitor.post(f"{root(promise)}pdf/")
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="{promise.reference}.pdf"'
    )


def test_one_click_leaves_marketing_and_a_get_of_it_only_leads_to_the_choices(
    visitor: Client, cast: Cast, promise: Promise
) -> None:
    address = links.unsubscribe_url(delivery_of(promise)).removeprefix(settings.BASE_URL)
    looked = visitor.get(address)
    assert (looked.status_code, looked.headers["Location"]) == (302, f"{root(promise)}preferences/")
    assert not cast.dupont.preferences.exists()
    clicked = visitor.post(address, {"List-Unsubscribe": "One-Click"})
    assert (clicked.status_code, bool(clicked.cookies)) == (200, False)
    assert preferences.standing(cast.dupont)["offers_by_mail"] is False
    assert fresh(promise).status == "open"
    assert visitor.post("/api/v1/unsubscribe/nobody").status_code == 404


def test_a_wish_to_be_left_alone_is_heard_after_the_link_has_expired(
    visitor: Client, cast: Cast, relay: Relay
) -> None:
    old = proven(cast, relay, at=clock.now() - 100 * DAY)
    address = links.unsubscribe_url(delivery_of(old)).removeprefix(settings.BASE_URL)
    assert visitor.post(address).status_code == 200
    assert preferences.standing(cast.dupont)["offers_by_mail"] is False


def test_a_letters_code_and_the_postcode_open_the_door(visitor: Client, promise: Promise) -> None:
    delivery = delivery_of(promise)
    links.keep_codes([delivery], by=SYSTEM, at=clock.now())
    code = links.paper_code(delivery)
    wrong = visitor.post("/o/", {"code": code, "postcode": "9000", "lang": "nl"})
    unknown = visitor.post("/o/", {"code": "A" * 10, "postcode": "4000", "lang": "nl"})
    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)
    assert say("page_texts", "paper_wrong", "nl") in wrong.content.decode()
    found = visitor.post("/o/", {"code": code, "postcode": "4000", "lang": "nl"})
    assert (found.status_code, found.headers["Location"]) == (302, f"{root(promise)}?lang=nl")
    assert PaperCode.objects.get().tries == 0
    for _slip in range(links.MOST_TRIES):
        visitor.post("/o/", {"code": code, "postcode": "9000"})
    assert visitor.post("/o/", {"code": code, "postcode": "4000"}).status_code == 409


def test_the_form_for_a_code_speaks_the_browsers_language(visitor: Client) -> None:
    for header, language in (("de-AT,de;q=0.9", "de"), ("sv", "fr"), ("", "fr"), ("%%%", "fr")):
        body = visitor.get("/o/", headers={"Accept-Language": header}).content.decode()
        assert f'<html lang="{language}">' in body


def test_a_huge_press_is_refused_unread(visitor: Client, promise: Promise) -> None:
    assert press(visitor, promise, "ask", words="x" * 70_000).status_code == 413
    assert press(visitor, promise, "ask", words="x" * 5_000).status_code == 409


def test_what_a_customer_wrote_is_never_markup(visitor: Client, promise: Promise) -> None:
    press(visitor, promise, "ask", words="<script>alert(1)</script> {{ 7 }} ' \" &")
    body = visitor.post(f"{root(promise)}promises/").content.decode()
    assert "<script" not in body
    assert "&lt;script&gt;" in body


def test_every_text_stands_in_every_language_and_is_used() -> None:
    texts = yaml.safe_load((DATA / "page_texts.yaml").read_text(encoding="utf-8"))
    assert [key for key, said in texts.items() if set(said) != set(LANGUAGES)] == []
    used = "".join(
        path.read_text(encoding="utf-8")
        for folder, pattern in (("followups", "**/*.py"), ("templates/page", "*.html"))
        for path in (settings.BASE_DIR / folder).glob(pattern)
    )
    made = ("said_", "state_", "wish_", "nothing_", "often_", "left_")  # put together from a code
    assert [key for key in texts if key not in used and not key.startswith(made)] == []


def test_every_word_of_a_template_has_its_text() -> None:
    texts = yaml.safe_load((DATA / "page_texts.yaml").read_text(encoding="utf-8"))
    said = {
        word
        for path in (settings.BASE_DIR / "templates/page").glob("*.html")
        for word in re.findall(r"words\.(\w+)", path.read_text(encoding="utf-8"))
    }
    assert said - set(texts) == set()


def test_a_confirmation_mails_link_opens_the_accepted_offer(
    visitor: Client, promise: Promise
) -> None:
    press(visitor, promise, "accept")
    confirmation = Delivery.objects.get(why="confirmation")
    body = visitor.post(f"/o/{links.token(confirmation)}/").content.decode()
    assert "Vous avez accepté cette offre" in body
    assert 'value="accept"' not in body
    assert 'value="decline"' in body  # a change of mind is heard
