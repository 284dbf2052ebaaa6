"""Customers over HTTP: found, read, created and replaced; the same again changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from crm import customers
from crm.models import AuditEntry, Customer, EmailAddress, GateChange, PhoneNumber
from tests.api.conftest import Machine, machine
from tests.api.test_door import is_problem
from tests.cast import DUPONT_HOME, DUPONT_MAIL, DUPONT_MOBILE, PEETERS_MOBILE, START, Cast
from tests.races import Thread

BODY: dict[str, Any] = {
    "name": "Dhr. Emiel Claes",
    "language": "nl",
    "team": "gent",
    "phones": ["0473 11 22 33", "+32 9 222 33 44"],
    "emails": ["emiel@post.example"],
    "street": "Veldstraat 1",
    "postcode": "9000",
    "city": "Gent",
    "bill_day": 12,
    "contract": {
        "plan": "Tempo Duo",
        "commitment_until": "2026-09-30",
        "termination_fee": "75.00",
        "lines": [
            {
                "label": "Internet",
                "monthly": "45.00",
                "promo_monthly": 30,
                "promo_until": "2026-06-30",
                "speed_down_mbps": 100,
            }
        ],
    },
}


def put(who: Machine, reference: str, body: dict[str, Any]) -> HttpResponse:
    return who.client.put(
        f"/api/v1/customers/{reference}",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {who.secret}"},
    )


def became(answer: HttpResponse) -> str:
    assert answer.status_code in {200, 201}, answer.content
    return str(json.loads(answer.content)["became"])


def faults(answer: HttpResponse) -> list[str]:
    assert answer.status_code == 422, answer.content
    return [error["field"] for error in json.loads(answer.content)["errors"]]


def test_a_customer_is_created_under_the_other_systems_name(scene: Cast, dialer: Machine) -> None:
    answer = put(dialer, "CRM-7", BODY)
    assert (answer.status_code, became(answer)) == (201, "new")
    told = dialer.get("/customers/CRM-7").json()
    assert told["reference"] == answer.json()["reference"]
    assert told["phones"] == ["+32473112233", "+3292223344"]
    assert {name: told[name] for name in ("name", "team", "emails", "city", "bill_day")} == {
        name: BODY[name] for name in ("name", "team", "emails", "city", "bill_day")
    }
    (line,) = told["contract"]["lines"]
    assert (line["monthly"], line["promo_monthly"], line["promo_until"]) == (
        "45.00",
        "30.00",
        "2026-06-30",
    )
    assert AuditEntry.objects.filter(action="customer_new").count() == 1


def test_the_same_again_changes_nothing_and_says_so(scene: Cast, dialer: Machine) -> None:
    put(dialer, "CRM-7", BODY)
    rows = list(PhoneNumber.objects.values()) + list(EmailAddress.objects.values())
    changes = GateChange.objects.count()
    again = put(dialer, "CRM-7", BODY)
    assert (again.status_code, became(again)) == (200, "same")
    assert list(PhoneNumber.objects.values()) + list(EmailAddress.objects.values()) == rows
    assert GateChange.objects.count() == changes
    reference = again.json()["reference"]
    assert became(put(dialer, reference, BODY)) == "same"
    assert AuditEntry.objects.filter(action__startswith="customer_").count() == 1


def test_a_customer_is_replaced_and_what_is_left_out_is_emptied(
    scene: Cast, dialer: Machine
) -> None:
    put(dialer, "CRM-7", BODY)
    bare = {"name": "Emiel Claes", "language": "fr", "team": "liege"}
    assert became(put(dialer, "CRM-7", bare)) == "changed"
    told = dialer.get("/customers/CRM-7").json()
    assert (told["name"], told["language"], told["team"]) == ("Emiel Claes", "fr", "liege")
    assert (told["phones"], told["emails"], told["street"], told["bill_day"]) == ([], [], "", None)
    assert told["contract"]["plan"] == "Tempo Duo"
    assert Customer.objects.get(external_id="CRM-7").text.folded_name == "emiel claes"


def test_other_numbers_are_another_gate(scene: Cast, dialer: Machine) -> None:
    reference = scene.dupont.reference
    body = {"name": "Mme Dupont", "language": "fr", "team": "liege"}
    before = GateChange.objects.filter(customer=scene.dupont).count()
    put(dialer, reference, {**body, "phones": [DUPONT_HOME, PEETERS_MOBILE]})
    changes = GateChange.objects.filter(customer=scene.dupont)
    assert changes.count() == before + 1
    assert changes.latest("pk").cause == "numbers_changed"
    found = [row.e164 for row in scene.dupont.numbers.all()]
    assert found == [DUPONT_HOME, PEETERS_MOBILE]
    put(dialer, reference, {**body, "phones": [PEETERS_MOBILE, DUPONT_HOME], "note": "again"})
    assert [row.e164 for row in scene.dupont.numbers.all()] == [PEETERS_MOBILE, DUPONT_HOME]


def test_what_a_report_said_of_an_address_is_kept(scene: Cast, dialer: Machine) -> None:
    customers.mark_bad(customer=scene.dupont, address=DUPONT_MAIL, at=START)
    body = {"name": "Mme Dupont", "language": "fr", "team": "liege"}
    put(dialer, scene.dupont.reference, {**body, "emails": ["new@mail.example", DUPONT_MAIL]})
    told = dialer.get(f"/customers/{scene.dupont.reference}").json()
    assert told["emails"] == ["new@mail.example", DUPONT_MAIL]
    assert told["bad_emails"] == [DUPONT_MAIL]


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"phones": ["0473 11 22 33", "soon", "12"]}, ["phones.1", "phones.2"]),
        ({"emails": ["x"], "phones": ["y"], "team": "nowhere"}, ["phones.0", "emails.0", "team"]),
        ({"team": None}, ["team"]),
        ({"name": " "}, ["name"]),
        ({"name": "a\nb"}, ["name"]),
        ({"name": "a" * 201}, ["name"]),
        ({"language": "es"}, ["language"]),
        ({"country": "be"}, ["country"]),
        ({"bill_day": 29}, ["bill_day"]),
        ({"note": "\x00"}, ["note"]),
        ({"external_id": "CRM-8"}, ["external_id"]),
        ({"colour": "red"}, ["colour"]),
        ({"contract": {"plan": "x", "lines": [{"label": "y"}]}}, ["contract.lines.0.monthly"]),
        (
            {
                "contract": {
                    "plan": "x",
                    "lines": [{"label": "y", "monthly": 1, "promo_monthly": 1}],
                }
            },
            ["contract.lines.0"],
        ),
    ],
)
def test_every_field_at_fault_is_named_and_nothing_is_saved(
    scene: Cast, dialer: Machine, wrong: dict[str, Any], fields: list[str]
) -> None:
    assert faults(put(dialer, "CRM-7", BODY | wrong)) == fields
    assert not Customer.objects.filter(external_id="CRM-7").exists()


def test_references_are_ours_to_give(scene: Cast, dialer: Machine) -> None:
    for name in ("C-999999", "c-000001", "x" * 65, "%20CRM", "%00"):
        assert is_problem(put(dialer, name, BODY), 404, "not_found"), name


def test_a_known_customer_is_given_the_other_systems_name_once(
    scene: Cast, dialer: Machine
) -> None:
    body = {"name": "Mme Dupont", "language": "fr", "team": "liege", "external_id": "CRM-7"}
    assert became(put(dialer, scene.dupont.reference, body)) == "changed"
    body["name"] = "Dhr. Peeters"
    assert faults(put(dialer, scene.peeters.reference, body)) == ["external_id"]
    assert dialer.get("/customers/CRM-7").json()["reference"] == scene.dupont.reference


def test_who_asked_to_be_forgotten_is_not_brought_back(scene: Cast, dialer: Machine) -> None:
    rows = Customer.objects.filter(pk=scene.dupont.pk)
    rows.update(erased_at=START, erased_by="user:1")
    reference = scene.dupont.reference
    assert is_problem(put(dialer, reference, BODY), 409, "erased")
    assert is_problem(dialer.get(f"/customers/{reference}"), 404, "not_found")
    assert dialer.get("/customers", phone=DUPONT_MOBILE).json()["items"] == []


def test_the_same_customer_created_ten_times_at_once_is_one(lasting_scene: Cast) -> None:
    dialer = machine()
    threads = [Thread(lambda: became(put(dialer, "CRM-7", BODY))) for _ in range(10)]
    assert sorted(thread.answer() for thread in threads) == ["new"] + ["same"] * 9
    assert Customer.objects.get().numbers.count() == 2


def found(who: Machine, **query: Any) -> list[str]:
    answer = who.get("/customers", **query)
    assert answer.status_code == 200, answer.content
    return [item["reference"] for item in answer.json()["items"]]


def test_customers_are_found_by_number_name_and_reference(scene: Cast, dialer: Machine) -> None:
    dupont, peeters = scene.dupont.reference, scene.peeters.reference
    assert found(dialer, phone="0470/12.34.56") == [dupont]
    assert found(dialer, q="eleonore DUPONT") == [dupont]
    assert found(dialer, q=peeters.lower()) == [peeters]
    assert found(dialer, q="dhr", phone=DUPONT_MOBILE) == []
    assert found(dialer, q="%") == found(dialer, q=" ") == []


def test_the_pages_of_a_search_neither_skip_nor_repeat(scene: Cast, dialer: Machine) -> None:
    for number in range(5):
        put(dialer, f"CRM-{number}", {**BODY, "phones": ["0473 11 22 33"]})
    page = dialer.get("/customers", q="claes", limit=2).json()
    seen = [item["external_id"] for item in page["items"]]
    while page["next"]:
        page = dialer.get("/customers", q="claes", limit=2, cursor=page["next"]).json()
        seen += [item["external_id"] for item in page["items"]]
    assert seen == [f"CRM-{number}" for number in range(5)]


def test_a_page_costs_the_same_for_one_customer_and_for_many(scene: Cast, dialer: Machine) -> None:
    put(dialer, "CRM-0", BODY)
    with CaptureQueriesContext(connection) as one:
        found(dialer, q="claes")
    for number in range(1, 5):
        put(dialer, f"CRM-{number}", BODY)
    with CaptureQueriesContext(connection) as five:
        found(dialer, q="claes")
    assert len(one) == len(five)


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({}, ["phone", "q"]),
        ({"phone": "soon"}, ["phone"]),
        ({"q": ""}, ["q"]),
        ({"q": "x", "limit": "201"}, ["limit"]),
        ({"q": "x", "cursor": "nonsense"}, ["cursor"]),
        ({"q": "x", "name": "y"}, ["name"]),
    ],
)
def test_a_wrong_search_is_refused_by_field(
    scene: Cast, dialer: Machine, asked: dict[str, str], fields: list[str]
) -> None:
    assert faults(dialer.get("/customers", **asked)) == fields


def test_a_suppliers_key_sees_and_writes_its_own_teams_customers(scene: Cast) -> None:
    dupont = scene.dupont.reference
    own, other = machine(team=scene.liege), machine(team=scene.gent)
    assert found(own, phone=DUPONT_MOBILE) == [dupont]
    assert found(other, phone=DUPONT_MOBILE) == []
    assert other.get(f"/customers/{dupont}").status_code == 404
    assert put(other, dupont, {**BODY, "team": "gent"}).status_code == 404
    assert faults(put(other, "CRM-7", {**BODY, "team": "liege"})) == ["team"]
    assert became(put(other, "CRM-7", {**BODY, "team": None})) == "new"
    assert Customer.objects.get(external_id="CRM-7").team == scene.gent


def test_a_key_that_writes_is_told_nothing_about_the_person(scene: Cast) -> None:
    writer = machine("customers:write")
    answer = put(writer, "CRM-7", BODY)
    assert set(answer.json()) == {"reference", "external_id", "became"}
    assert is_problem(writer.get("/customers/CRM-7"), 403, "missing_scope")
