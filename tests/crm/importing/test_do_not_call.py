"""Our own do-not-call list of a former system: every number on it is refused from now on."""

from __future__ import annotations

import pytest

from crm import customers, suppressions
from crm.importing import jobs
from crm.models import Customer, GateChange, Suppression
from tests.cast import DAY, START, SYSTEM, Cast, person
from tests.crm.importing.files import (
    DUPONT,
    HEAD,
    PEETERS,
    checked,
    counts,
    imported,
    swept,
    undone,
)

LIST = "numéro;depuis;motif\n0470 12 34 56;04/03/2021;lettre 12\n02 555 00 11;;\n"
GROUND = "The list was that of another company."


@pytest.fixture
def chosen(cast: Cast) -> dict[str, object]:
    """Mme Dupont and Dhr. Peeters; for numbers of nobody the Gent team, in Dutch."""
    imported(HEAD + DUPONT + PEETERS)
    return {"kind": "do_not_call", "team": cast.gent.pk, "language": "nl"}


def standing(number: str) -> list[Suppression]:
    rows = Suppression.objects.filter(customer__numbers__e164=number, lifted_at=None)
    return list(rows.select_related("text"))


def test_every_number_is_a_wish_with_its_proof(chosen: dict[str, object]) -> None:
    row = imported(LIST, **chosen)  # type: ignore[arg-type]
    assert counts(row) == (2, 0, 0, 0)
    (wish,) = standing("+32470123456")
    assert (wish.kind, wish.origin, wish.proof) == (
        "dnc_company",
        "import",
        f"import:{row.pk}, line 2",
    )
    assert wish.text.words == "lettre 12 (04/03/2021)"
    assert GateChange.objects.filter(customer=wish.customer, cause="dnc_company_added").exists()


def test_a_number_of_nobody_is_kept_and_shared_by_who_gets_it_later(
    chosen: dict[str, object],
) -> None:
    imported(LIST, **chosen)  # type: ignore[arg-type]
    (wish,) = standing("+3225550011")
    assert wish.customer.team.slug == "gent" and wish.customer.external_id is None
    imported(HEAD + "K3;Nieuw;nl;02 555 00 11;;;;;gent\n")
    sharing = customers.of_number("+3225550011")
    assert sharing.count() == 2, "the gate refuses a number when anybody who shares it is blocked"


def test_a_number_of_nobody_needs_a_team(chosen: dict[str, object]) -> None:
    assert counts(checked(LIST, kind="do_not_call")) == (1, 0, 0, 1)


def test_the_same_list_again_changes_nothing(chosen: dict[str, object]) -> None:
    imported(LIST, **chosen)  # type: ignore[arg-type]
    assert counts(imported(LIST, **chosen)) == (0, 0, 2, 0)  # type: ignore[arg-type]
    assert Suppression.objects.count() == 2


def test_everybody_who_shares_the_number_is_meant(cast: Cast) -> None:
    imported(HEAD + DUPONT + PEETERS.replace("09 222 33 44", "0470 12 34 56"))
    imported(LIST.splitlines()[0] + "\n0470123456;;\n", kind="do_not_call")
    assert len(standing("+32470123456")) == 2


def test_an_undo_asks_for_a_reason_and_ends_only_what_this_import_wrote(
    chosen: dict[str, object], cast: Cast
) -> None:
    dupont = Customer.objects.get(external_id="K1")
    suppressions.add(customer=dupont, kind="dnc_company", origin="call", by=SYSTEM, at=START)
    row = imported(LIST, **chosen)  # type: ignore[arg-type]
    assert counts(row) == (1, 0, 1, 0)
    with pytest.raises(jobs.Refused, match="15 characters"):
        jobs.undo(row=row, ground="oops", by=SYSTEM, at=START)
    row.refresh_from_db()
    assert row.status == "done" and len(standing("+3225550011")) == 1
    assert jobs.undo(row=row, ground=GROUND, by=person(cast.dirk), at=START + DAY)
    swept(row, at=START + DAY)
    assert standing("+3225550011") == [] and len(standing("+32470123456")) == 1
    ended = Suppression.objects.select_related("text").get(lifted_at__isnull=False)
    assert (ended.lift_ground, ended.lifted_by) == ("mistake", f"user:{cast.dirk.pk}")
    assert ended.text.lift_words == GROUND


def test_a_wish_that_was_ended_and_given_anew_since_is_left(chosen: dict[str, object]) -> None:
    row = imported(LIST, **chosen)  # type: ignore[arg-type]
    (wish,) = standing("+32470123456")
    suppressions.lift(suppression=wish, by=SYSTEM, at=START)
    suppressions.add(customer=wish.customer, kind="dnc_company", origin="call", by=SYSTEM, at=START)
    row = undone(row, ground=GROUND)
    assert row.lines_left == 1 and len(standing("+32470123456")) == 1
