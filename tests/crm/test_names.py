"""Names as people search them: beginnings of words, in any order, by an index."""

from __future__ import annotations

import pytest
from django.db import connection

from crm import access, columns, customers, names, queries
from crm.models import Customer
from tests.cast import START, Cast

pytestmark = pytest.mark.django_db
NAMES = ("Jean-Pierre d'Hondt", "Marie Dupont", "Dupont & fils", "O\\Neil 'Pat'", "Ann Du Pont")


@pytest.fixture
def people(cast: Cast) -> Cast:
    for name in NAMES:
        facts = customers.Facts(name=name, language="fr", team=cast.liege)
        customers.add(facts=facts, at=START)
    return cast


def found(cast: Cast, text: str) -> list[str]:
    rows = queries.search(text, user=cast.amina, at=START)
    return [row.text.name for row in rows]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pierre", ["Jean-Pierre d'Hondt"]),
        ("d'hondt", ["Jean-Pierre d'Hondt"]),
        ("hond jean-p", ["Jean-Pierre d'Hondt"]),
        ("dup mar", ["Marie Dupont"]),
        ("o\\neil", ["O\\Neil 'Pat'"]),
        ("'pat'", ["O\\Neil 'Pat'"]),
        ("ann du", ["Ann Du Pont"]),
        ("upon", []),
        ("-", []),
        ("& | !", []),
        ("dupont:*", []),
    ],
)
def test_each_word_typed_begins_one_of_the_name(people: Cast, text: str, wanted: list[str]) -> None:
    assert found(people, text) == wanted


def test_names_that_start_as_typed_come_before_those_that_only_have_the_word(people: Cast) -> None:
    assert found(people, "dupont")[:2] == ["Dupont & fils", "Marie Dupont"]


@pytest.mark.parametrize("index", ["customer_by_name", "customer_by_words"])
def test_both_questions_are_answered_from_an_index(people: Cast, index: str) -> None:
    rows = Customer.objects.annotate(sorted_name=columns.in_order("text__folded_name"))
    begun = names.begun("text__folded_name", "dup mar")
    assert begun
    asked = {
        "customer_by_name": rows.filter(names.starting("sorted_name", "dup")),
        "customer_by_words": rows.filter(begun, text__isnull=False),
    }[index]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert index in asked.explain()


def test_another_teams_names_are_not_searched(people: Cast) -> None:
    assert queries.search("dupont", user=people.bram, at=START) == []
    assert access.may(people.bram, "see_customers")
