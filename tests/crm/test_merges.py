"""One person in several rows: pointers to a root, and back within 30 days."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crm import customers, merges, suppressions
from crm.customers import Facts
from crm.merges import Refused
from crm.models import AuditEntry, Customer, GateChange, Merge, Suppression
from tests.cast import DAY, START, SYSTEM, Cast

Somebody = Callable[[str], Customer]


@pytest.fixture
def somebody(cast: Cast) -> Somebody:
    def make(name: str) -> Customer:
        return customers.add(facts=Facts(name=name, language="fr", team=cast.liege), at=START)

    return make


def merged(one: Customer, into: Customer) -> Merge:
    return merges.merge(customer=one, into=into, by=SYSTEM, at=START)


def roots() -> dict[int, int | None]:
    return dict(Customer.objects.values_list("pk", "merged_into"))


def test_both_point_at_the_root_and_the_feed_hears_of_both(somebody: Somebody) -> None:
    a, b, c = somebody("A"), somebody("B"), somebody("C")
    row = merged(b, a)
    assert (row.customer, row.root, row.moved) == (b, a, [b.pk])
    assert roots() == {a.pk: a.pk, b.pk: a.pk, c.pk: None}
    assert merges.group_of([b.pk]) == [a.pk, b.pk]
    assert merges.group_of([c.pk]) == [c.pk]
    told = GateChange.objects.filter(cause="merged").values_list("customer", flat=True)
    assert sorted(told) == [a.pk, b.pk]
    assert AuditEntry.objects.filter(action="customers_merged").count() == 1


def test_groups_join_whole_and_part_again_whole(somebody: Somebody) -> None:
    a, b, c, d = (somebody(name) for name in "ABCD")
    merged(b, a)
    merged(d, c)
    row = merged(d, b)  # any row of a person stands for the person
    assert (row.customer, row.root, row.moved) == (c, a, [c.pk, d.pk])
    assert set(roots().values()) == {a.pk}
    assert merges.undo(merge=row, by=SYSTEM, at=START + DAY)
    assert roots() == {a.pk: a.pk, b.pk: a.pk, c.pk: c.pk, d.pk: c.pk}
    assert not merges.undo(merge=row, by=SYSTEM, at=START + DAY)


def test_an_earlier_merge_can_be_undone_after_a_later_one(somebody: Somebody) -> None:
    a, b, c = (somebody(name) for name in "ABC")
    first = merged(b, a)
    later = merged(c, a)
    assert merges.undo(merge=first, by=SYSTEM, at=START + DAY)
    assert roots() == {a.pk: a.pk, b.pk: None, c.pk: a.pk}
    assert merges.undo(merge=later, by=SYSTEM, at=START + DAY)
    assert roots() == {a.pk: None, b.pk: None, c.pk: None}


def test_what_cannot_be_merged_or_separated_says_why(somebody: Somebody) -> None:
    a, b, gone = somebody("A"), somebody("B"), somebody("C")
    Customer.objects.filter(pk=gone.pk).update(erased_at=START, erased_by="user:1")
    row = merged(b, a)
    for one, into, words in ((a, b, "already"), (a, a, "already"), (gone, a, "forgotten")):
        with pytest.raises(Refused, match=words):
            merged(one, into)
    with pytest.raises(Refused, match="30 days"):
        merges.undo(merge=row, by=SYSTEM, at=START + 31 * DAY)
    assert Merge.objects.get().undone_at is None


def test_wishes_of_the_time_between_stay_on_both(somebody: Somebody) -> None:
    a, b = somebody("A"), somebody("B")
    suppressions.add(customer=b, kind="complaint", origin="call", by=SYSTEM, at=START - DAY)
    row = merged(b, a)
    suppressions.add(customer=a, kind="dnc_company", origin="call", by=SYSTEM, at=START + DAY)
    merges.undo(merge=row, by=SYSTEM, at=START + 2 * DAY)
    wishes = Suppression.objects.filter(lifted_at=None).values_list("customer", "kind", "origin")
    assert sorted(wishes) == sorted(
        [
            (b.pk, "complaint", "call"),
            (a.pk, "dnc_company", "call"),
            (b.pk, "dnc_company", "merge"),
        ]
    )
