"""Customers: the lock that guards their gate, and what is known about them."""

from __future__ import annotations

import dataclasses
import threading
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from crm import customers, phone
from crm.models import AuditEntry, GateChange, PhoneNumber
from tests.cast import CONTRACT, DUPONT_MAIL, PEETERS_MOBILE, START, Cast


@pytest.mark.django_db(transaction=True)
def test_the_lock_needs_a_transaction_to_hold_for() -> None:
    with pytest.raises(TransactionManagementError):
        customers.hold([1])


@pytest.mark.django_db(transaction=True)
def test_who_holds_a_customer_makes_others_wait_and_no_one_else() -> None:
    held, done = threading.Event(), threading.Event()
    order: list[str] = []

    def second() -> None:
        try:
            with transaction.atomic():
                customers.hold([8])  # somebody else: no wait
            held.set()
            with transaction.atomic():
                customers.hold([7])
                order.append("second")
        finally:
            connection.close()
            done.set()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        customers.hold([7])
        thread.start()
        assert held.wait(20)
        order.append("first")
    assert done.wait(20)
    thread.join(20)
    assert order == ["first", "second"]


@pytest.mark.django_db(transaction=True)
def test_two_who_want_the_same_people_in_another_order_do_not_embrace() -> None:
    barrier = threading.Barrier(2)
    failed: list[Exception] = []

    def take(ids: list[int]) -> None:
        try:
            for _ in range(20):
                barrier.wait(20)
                with transaction.atomic():
                    customers.hold(ids)
        except Exception as error:
            failed.append(error)
            barrier.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=take, args=(ids,)) for ids in ([1, 2, 3], [3, 2, 1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Dupónt", "dupont"),
        ("DUPONT ", "dupont"),
        ("Straße", "strasse"),
        ("Ｅlise", "elise"),
        ("Čapek-Łuk", "capek-łuk"),
    ],
)
def test_names_fold_so_that_they_meet(text: str, folded: str) -> None:
    assert customers.fold(text) == folded


def test_a_new_customer_has_everything_that_was_known(cast: Cast) -> None:
    dupont = cast.dupont
    assert dupont.reference == f"C-{dupont.pk:06d}"
    assert dupont.text.folded_name == "mme eleonore dupont"
    assert [row.position for row in dupont.numbers.all()] == [0, 1]
    assert [row.monthly for row in dupont.contract.lines.all()] == [
        Decimal("45.00"),
        Decimal("9.95"),
    ]


def test_a_number_is_attached_once_and_the_gate_may_have_changed(cast: Cast) -> None:
    dupont, before = cast.dupont, GateChange.objects.count()
    for _ in range(2):
        customers.add_number(customer=dupont, e164=PEETERS_MOBILE, position=2, at=START)
    assert dupont.numbers.count() == 3
    assert GateChange.objects.count() == before + 1


def test_a_number_that_is_none_is_refused_with_all_that_came_with_it(cast: Cast) -> None:
    dupont = cast.dupont
    with pytest.raises(phone.NotANumber), transaction.atomic():
        customers.add_number(customer=dupont, e164="12", position=2, at=START)
    assert PhoneNumber.objects.count() == 2


def test_several_people_may_share_a_number(cast: Cast) -> None:
    dupont, peeters = cast.dupont, cast.peeters
    customers.add_number(customer=dupont, e164=PEETERS_MOBILE, position=2, at=START)
    assert list(customers.of_number(PEETERS_MOBILE)) == [dupont, peeters]


def test_a_mended_address_comes_first_and_is_good_again(cast: Cast) -> None:
    dupont = cast.dupont
    customers.mark_bad(customer=dupont, address=DUPONT_MAIL.upper(), at=START)
    assert dupont.emails.get().bad_at == START
    customers.add_email(customer=dupont, address="new@mail.example")
    customers.add_email(customer=dupont, address=DUPONT_MAIL)
    rows = [(row.address, row.bad_at) for row in dupont.emails.all()]
    assert rows == [(DUPONT_MAIL, None), ("new@mail.example", None)]


def test_a_new_contract_replaces_the_lines(cast: Cast) -> None:
    dupont = cast.dupont
    leaner = dataclasses.replace(CONTRACT, plan="Tempo Solo", lines=CONTRACT.lines[:1])
    customers.set_contract(customer=dupont, contract=leaner)
    dupont.contract.refresh_from_db()
    assert (dupont.contract.plan, dupont.contract.lines.count()) == ("Tempo Solo", 1)
    assert not AuditEntry.objects.exists()
