"""Every page there is, in a language that nobody speaks: what is not in brackets is untranslated.

The pages are asked for in French, so that days, months and countries are French or found.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import transaction
from django.http.response import HttpResponseBase
from django.test import Client

from crm.models import User
from tests import pseudo
from tests.access.routes import Route, routes
from tests.access.scene import Places, places
from tests.access.test_access_matrix import address
from tests.cast import PASSWORD, Cast

READERS = ("", "amina", "chloe", "dirk", "eva")
# Names of things, which are the same in every language.
NAMES = {
    *("Kept", "Telecom", "demo", "PDF", "CSV", "XLSX", "UTF", "English", "Français", "Nederlands"),
    *("TOTAL", "INITIAL", "FORMS"),  # of a form that was sent without its own fields
}
# Codes of registers, and what is made up anew each time.
CODES = re.compile(
    r"\b[a-z]{2}(-[a-z]+)?@[\d-]+|^(nl|uk|us-regf|us-tcpa|FR)$|test-\d+|[\w.]+@kept\.example"
    r"|\b\w+-(TOTAL|INITIAL)_FORMS"
)
# Their whole text is somebody else's: a file as it was sent, the body of a mail.
RAW = ("/demo/mail/<number>/<place>/",)
CLIENT = Client(raise_request_exception=False)


@pytest.fixture(autouse=True)
def unlogged() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def house(monday: Cast) -> dict[str, Places]:
    User.objects.update(language="fr")
    return places(monday)


def readers(cast: Cast) -> dict[str, str]:
    """The cookies of each, in French; who must have just confirmed who they are has done so."""
    found = {}
    for name in READERS:
        client = Client()
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = "fr"
        if name:
            assert client.login(username=name, password=PASSWORD)
            client.post("/account/confirm/", {"password": PASSWORD})
        found[name] = client.cookies.output(attrs=[], header="", sep=";").strip()
    return found


def asked(method: str, path: str, cookie: str) -> HttpResponseBase:
    CLIENT.cookies.clear()
    with transaction.atomic():
        answer = CLIENT.generic(method, path, headers={"cookie": cookie, "accept": "text/html"})
        transaction.set_rollback(True)
    return answer


def said(route: Route, path: str, everybody: dict[str, str]) -> set[str]:
    """All that anybody reads at an address: asked for, and sent an empty form."""
    found: set[str] = set()
    for method in ("GET", "POST"):
        for cookie in everybody.values():
            answer = asked(method, path, cookie)
            kind = answer.headers.get("Content-Type", "")
            if kind.startswith("text/html"):
                found |= set(pseudo.read(answer.content.decode()))  # type: ignore[attr-defined]
    return found


def test_whatever_anybody_reads_was_translated(
    monday: Cast, house: dict[str, Places], monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = readers(monday)
    pseudo.speak(monkeypatch)
    seen: dict[str, str] = {}
    for route in routes():
        if route.path not in RAW:
            path = address(route, house)
            seen |= {text: route.path for text in said(route, path, everybody)}
    assert len(seen) > 1000
    data = pseudo.data_texts()
    known = NAMES | pseudo.words_of_formats("fr")
    bare = {
        f"{seen[text]}: {rest}"
        for text in seen
        for rest in pseudo.bare([CODES.sub(" ", text)], data, known)
    }
    assert not bare, "\n".join(sorted(bare))


# --- and the reading can go red ---------------------------------------------------------------


def left(page: str) -> list[str]:
    return list(pseudo.bare(pseudo.read(page), {"Mme Dupont"}, NAMES))


@pytest.mark.parametrize(
    "page",
    [
        "<p>⟦Version ⟧12 of yesterday</p>",
        '<input placeholder="Number">',
        '<button title="⟦Keys⟧" aria-label="Keys">?</button>',
        "<td>Monday 9 March</td>",
        "<p>Mme Dupont was called</p>",
    ],
)
def test_a_word_outside_of_the_brackets_is_found(page: str) -> None:
    assert left(page)


def test_brackets_data_names_and_codes_are_not() -> None:
    page = "<p>⟦Call ⟧Mme Dupont⟦ · ⟧Kept <code>gate:read</code> 12:30</p><script>let a</script>"
    assert left(page) == []


def test_the_language_brackets_the_words_between_what_is_filled_in() -> None:
    assert (
        pseudo.bracketed("%(n)s calls, <b>%(of)s</b> late") == "%(n)s⟦ calls, ⟧<b>%(of)s</b>⟦ late⟧"
    )
