"""Parts of a transaction: no savepoint of their own, and no half of the whole survives."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext

from config.transactions import joined
from crm.models import Team


@joined()
def found(slug: str) -> Team:
    team = Team.objects.create(slug=slug, name=slug, calendar={})
    if slug == "bad":
        raise ValueError(slug)
    return team


def slugs() -> set[str]:
    return set(Team.objects.values_list("slug", flat=True))


@pytest.mark.django_db(transaction=True)
def test_alone_it_is_a_transaction_of_its_own() -> None:
    found("good")
    with pytest.raises(ValueError, match="bad"):
        found("bad")
    assert slugs() == {"good"}


@pytest.mark.django_db(transaction=True)
def test_as_a_part_it_sets_no_savepoint() -> None:
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        found("a")
        found("b")
    assert slugs() == {"a", "b"}
    assert [one["sql"] for one in asked if "SAVEPOINT" in one["sql"]] == []


@pytest.mark.django_db(transaction=True)
def test_an_error_that_is_caught_within_the_whole_still_undoes_it_all() -> None:
    with pytest.raises(TransactionManagementError), transaction.atomic():
        found("a")
        with pytest.raises(ValueError, match="bad"):
            found("bad")
        slugs()
    assert slugs() == set()


@pytest.mark.django_db(transaction=True)
def test_a_larger_part_with_a_savepoint_may_fail_and_the_rest_goes_on() -> None:
    with transaction.atomic():
        found("a")
        with pytest.raises(ValueError, match="bad"), transaction.atomic():
            found("bad")
        found("b")
    assert slugs() == {"a", "b"}
