"""Contracts in force from a file: price line by price line, the whole contract or nothing of it."""

from __future__ import annotations

from decimal import Decimal

from crm import customers
from crm.models import Contract, Customer, ImportLine
from tests.cast import CONTRACT, START, Cast
from tests.crm.importing.files import DUPONT, HEAD, PEETERS, checked, counts, imported, undone

COLUMNS = "external_id;plan;line;monthly;promo_monthly;promo_until;commitment_until;fee\n"
DUO = (
    "K1;Tempo Duo;Internet;45,00;39,90;31/12/2026;30/09/2026\n"
    "K1;Tempo Duo;Fixed phone;9,95;;;30/09/2026\n"
)
SOLO = "K2;Solo;;20,00;;;\n"
CONTRACTS = COLUMNS.replace(";fee", "") + DUO + SOLO


def people() -> None:
    imported(HEAD + DUPONT + PEETERS)


def contract(key: str) -> Contract | None:
    return Contract.objects.filter(customer__external_id=key).first()


def test_the_lines_of_a_customer_are_one_contract(cast: Cast) -> None:
    people()
    row = imported(CONTRACTS, kind="contracts")
    assert counts(row) == (3, 0, 0, 0)
    duo = contract("K1")
    assert duo and duo.plan == "Tempo Duo" and str(duo.commitment_until_date) == "2026-09-30"
    assert [(line.label, line.monthly) for line in duo.lines.all()] == [
        ("Internet", Decimal("45.00")),
        ("Fixed phone", Decimal("9.95")),
    ]
    assert duo.lines.all()[0].promo_monthly == Decimal("39.90")
    solo = contract("K2")
    assert solo and solo.lines.get().label == "Solo"


def test_the_same_contracts_again_change_nothing(cast: Cast) -> None:
    people()
    imported(CONTRACTS, kind="contracts")
    ids = set(Contract.objects.values_list("pk", flat=True))
    assert counts(imported(CONTRACTS, kind="contracts")) == (0, 0, 3, 0)
    assert set(Contract.objects.values_list("pk", flat=True)) == ids


def test_a_contract_with_one_bad_line_is_left_out_whole(cast: Cast) -> None:
    people()
    row = checked(CONTRACTS.replace("9,95", "9.95.1"), kind="contracts")
    assert counts(row) == (1, 0, 0, 2)
    why = dict(ImportLine.objects.filter(of=row, verdict="bad").values_list("line", "reason"))
    assert "line 3 of the same contract" in why[2]
    assert "amount" in why[3]


def test_lines_that_tell_different_plans_of_one_contract_are_bad(cast: Cast) -> None:
    people()
    row = checked(CONTRACTS.replace("Tempo Duo;Fixed", "Trio;Fixed"), kind="contracts")
    assert counts(row) == (1, 0, 0, 2)


def test_a_contract_of_nobody_is_bad(cast: Cast) -> None:
    row = checked(CONTRACTS, kind="contracts")
    assert counts(row) == (0, 0, 0, 3)


def test_lines_of_one_contract_may_stand_in_different_batches(cast: Cast) -> None:
    people()
    far = "K1;Tempo Duo;TV;5,00;;;30/09/2026\n"
    filler = "".join(f"X{n};Solo;;1,00;;;\n" for n in range(2_100))
    row = imported(CONTRACTS + filler + far, kind="contracts")
    assert counts(row) == (4, 0, 0, 2_100)
    duo = contract("K1")
    assert duo and duo.lines.count() == 3


def test_an_undo_brings_the_contract_before_back_and_leaves_what_was_changed_since(
    cast: Cast,
) -> None:
    people()
    dupont, peeters = (Customer.objects.get(external_id=key) for key in ("K1", "K2"))
    customers.set_contract(customer=dupont, contract=CONTRACT)
    row = imported(CONTRACTS.replace("45,00", "46,00"), kind="contracts")
    assert counts(row) == (1, 2, 0, 0)
    customers.set_contract(customer=peeters, contract=CONTRACT)
    row = undone(row, at=START)
    assert row.lines_left == 1
    duo, other = contract("K1"), contract("K2")
    assert duo and [line.monthly for line in duo.lines.all()] == [
        Decimal("45.00"),
        Decimal("9.95"),
    ]
    assert other and other.plan == "Tempo Duo"
