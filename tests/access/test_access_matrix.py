"""Who gets what at every address: docs/access.md, line by line, by really asking.

Everything belongs to the team of Liège: Amina and Chloé are of it, Bram and Fatou of Gent, Dirk
is operations, Eva administrator. A form is sent empty: 422 means that the reader was let in.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from tests.access import changes, table
from tests.access.routes import API, Operation, Route, operations, routes
from tests.access.scene import Places, fatou, places
from tests.access.table import KEYS, READERS
from tests.api.conftest import ALL_SCOPES, Machine, machine
from tests.cast import Cast, call_and_promise

# Refused, or sent elsewhere before anything was looked at.
REFUSED = {"login", "confirm", "400", "401", "403", "404", "405", "409", "410", "413", "422", "429"}
LEADS = {"/login/": "login", "/account/confirm/": "confirm"}
# What is written down of who was let in or asked, and why.
NOTED = {
    "/bill-runs/<pk>/manifest.csv": "that the list of the print run was taken away",
    "/bill-runs/<pk>/volumes/<number>.pdf": "that its sheets were taken away",
    "/audit/export.csv": "that it was taken away",
    "/board/export.<form>": "that the list was taken away",
    "/dead-letters/reports/<pk>.eml": "that somebody's mail was read",
    "/logout/": "that somebody left",
    "/notices/": "that the bell was looked at",
    "/pop": "that the customer of another team was opened",
}
# One for all: each of its own would build the middleware anew.
CLIENT = Client(raise_request_exception=False)
OF_PEOPLE = table.expected(READERS)
OF_MACHINES = table.expected(KEYS, skip=1)


def word(answer: HttpResponseBase) -> str:
    """The answer as the page writes it: a status, or where it leads."""
    if answer.status_code != 302:
        return str(answer.status_code)
    leads = answer["Location"]
    return next((said for start, said in LEADS.items() if leads.startswith(start)), "go")


def address(route: Route, known: dict[str, Places]) -> str:
    """The route with something real in its places."""
    begins = sorted((start for start in known if route.path.startswith(start)), key=len)
    given = known[begins[-1]] if begins else {}
    path = route.path
    for name in route.names:
        path = path.replace(f"<{name}>", str(given.get(name, 987654321)))
    return path


def cookies(cast: Cast) -> dict[str, str]:
    """The cookie of each reader's log-in; nobody has none."""
    people = {name: getattr(cast, name, None) for name in READERS} | {"fatou": fatou(cast)}
    found = {}
    for name, user in people.items():
        client = Client()
        if user:
            client.force_login(user)
        found[name] = client.cookies.output(attrs=[], header="", sep=";").strip()
    return found


@pytest.fixture(autouse=True)
def unlogged() -> Iterator[None]:
    """A thousand refusals, each with the way it came about, would take longer than the asking."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def house(monday: Cast) -> dict[str, Places]:
    return places(monday)


def asked(cookie: str, method: str, path: str) -> tuple[str, dict[str, int]]:
    """What was answered, and what was written for it; then all of it is taken back."""
    CLIENT.cookies.clear()
    before = changes.counted()
    with transaction.atomic():
        answer = CLIENT.generic(method, path, headers={"cookie": cookie})
        if answer.streaming:
            b"".join(answer)  # type: ignore[arg-type]
        written = changes.since(before)
        transaction.set_rollback(True)
    return word(answer), written


def test_every_address_has_its_line_and_no_line_is_of_yesterday() -> None:
    wanted = {route.path for route in routes()}
    known = {path for _method, path in OF_PEOPLE}
    assert wanted - known == set(), "addresses without a line in docs/access.md"
    assert known - wanted == set(), "lines of addresses that there are not"


def test_every_operation_has_its_line_and_no_line_is_of_yesterday() -> None:
    wanted = {(operation.method, operation.path) for operation in operations()}
    assert wanted == set(OF_MACHINES)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_everybody_gets_what_the_page_says_and_a_refusal_changes_nothing(
    monday: Cast, house: dict[str, Places], method: str
) -> None:
    wrong, wrote = [], []
    everybody = cookies(monday)
    for route in routes():
        line, path = (method, route.path), address(route, house)
        if line not in OF_PEOPLE and asked(everybody["amina"], method, path)[0] == "405":
            continue
        found = {name: asked(cookie, method, path) for name, cookie in everybody.items()}
        answers = tuple(said for said, _written in found.values())
        if OF_PEOPLE.get(line) != answers:
            wrong.append(table.written(line, *answers))
        wrote += [
            f"{line} {name} {said}: {written}"
            for name, (said, written) in found.items()
            if written and route.path not in NOTED and (said in REFUSED or method == "GET")
        ]
    assert wrong == [], "not what docs/access.md says:\n" + "\n".join(wrong)
    assert wrote == [], "changed something all the same:\n" + "\n".join(wrote)


# --- machines ---------------------------------------------------------------------------------


def keyring(cast: Cast, scope: str) -> dict[str, Machine]:
    """A key of each kind, for an operation of this scope."""
    others = [name for name in ALL_SCOPES if name != scope]
    mine = [scope] if scope in ALL_SCOPES else [*ALL_SCOPES]
    return {
        "none": Machine(secret="no-such-key", key=machine().key),
        "other scope": machine(*others),
        "its scope": machine(*mine),
        "other team": machine(*mine, team=cast.gent),
    }


def called(key: Machine, operation: Operation, path: str) -> tuple[str, dict[str, int]]:
    before = changes.counted()
    with transaction.atomic():
        if operation.method == "GET":
            answer: HttpResponse = key.get(path)
        elif operation.method == "PUT":
            answer = key.client.put(
                f"/{API}{path[1:]}",
                json.dumps({}),
                content_type="application/json",
                headers=key._headers(),
            )
        else:
            answer = key.post(path, {})
        written = changes.since(before)
        transaction.set_rollback(True)
    return word(answer), written


def test_every_key_gets_what_the_page_says_and_a_refusal_changes_nothing(scene: Cast) -> None:
    promise = call_and_promise(scene.amina, scene.dupont)
    known = {"/customers": scene.dupont.reference, "/promises": promise.reference}
    wrong, wrote = [], []
    for operation in operations():
        reference = next((r for start, r in known.items() if operation.path.startswith(start)), "")
        path = operation.path.replace("{reference}", reference)
        path = path.replace("{decision_id}", "0" * 8 + "-0000-4000-8000-" + "0" * 12)
        keys = keyring(scene, operation.scope)
        found = {name: called(key, operation, path) for name, key in keys.items()}
        line = (operation.method, operation.path)
        answers = tuple(said for said, _written in found.values())
        if OF_MACHINES.get(line) != answers:
            wrong.append(table.written(line, operation.scope, *answers))
        wrote += [
            f"{line} {name} {said}: {written}"
            for name, (said, written) in found.items()
            if written and said in REFUSED
        ]
    assert wrong == [], "not what docs/access.md says:\n" + "\n".join(wrong)
    assert wrote == [], "changed something all the same:\n" + "\n".join(wrote)


def test_a_log_in_is_no_key(monday: Cast) -> None:
    for name, cookie in cookies(monday).items():
        assert asked(cookie, "GET", f"/{API}promises") == ("401", {}), name


# --- and the comparison can go red ------------------------------------------------------------


def test_a_written_row_is_seen_in_any_table(monday: Cast) -> None:
    before = changes.counted()
    assert changes.since(before) == {}
    call_and_promise(monday.amina, monday.dupont)
    assert {"followups_promise", "crm_attempt", "crm_auditentry"} & set(changes.since(before))


def test_a_write_that_was_taken_back_is_seen_too(monday: Cast) -> None:
    before = changes.counted()
    with transaction.atomic():
        call_and_promise(monday.amina, monday.dupont)
        transaction.set_rollback(True)
    assert changes.since(before)
