"""Customers from a file: new, changed, the same; told in any language of this country."""

from __future__ import annotations

from typing import Any

import pytest

from crm import customers, suppressions
from crm.importing import previews
from crm.models import Customer, GateChange, Import, ImportLine, Suppression
from tests.cast import DAY, START, SYSTEM, Cast
from tests.crm.importing.files import DUPONT, HEAD, PEETERS, checked, counts, imported, undone

ALL = HEAD + DUPONT + PEETERS


def told(reference: str) -> dict[str, Any]:
    """Everything that an import can change of a customer."""
    row = Customer.objects.get(external_id=reference)
    return {
        "name": row.text.name,
        "language": row.language,
        "team": row.team.slug,
        "medium": row.bill_medium,
        "phones": [n.e164 for n in row.numbers.all()],
        "emails": [n.address for n in row.emails.all()],
        "street": row.postal.street,
        "city": row.postal.city,
        "note": row.text.note,
    }


def bad(row: Import) -> list[tuple[int, str, str]]:
    rows = ImportLine.objects.filter(of=row, verdict="bad").order_by("line")
    return list(rows.values_list("line", "column", "reason"))


def test_a_check_writes_nothing_and_says_what_would_be(cast: Cast) -> None:
    row = checked(ALL)
    assert row.status == "checked"
    assert counts(row) == (2, 0, 0, 0)
    assert not Customer.objects.exists()
    first = previews.first_lines(row)[0]
    assert {one.label: one.value for one in first.told}["Telephone"] == "+32 470 12 34 56"


def test_a_file_comes_in_whole(cast: Cast) -> None:
    row = imported(ALL)
    assert row.status == "done" and counts(row) == (2, 0, 0, 0)
    assert told("K1") == {
        "name": "Mme Dupont",
        "language": "fr",
        "team": "liege",
        "medium": "paper",
        "phones": ["+32470123456"],
        "emails": ["dupont@mail.example"],
        "street": "rue Haute 1",
        "city": "Liège",
        "note": "",
    }
    dupont = Customer.objects.get(external_id="K1")
    assert dupont.reference == f"C-{dupont.pk:06d}"
    assert dupont.text.folded_name == "mme dupont"
    assert told("K2")["language"] == "nl"
    assert set(GateChange.objects.values_list("cause", flat=True)) == {"number_added"}


def test_the_same_file_again_changes_nothing_and_says_so(cast: Cast) -> None:
    imported(ALL)
    before = GateChange.objects.count()
    assert counts(imported(ALL)) == (0, 0, 2, 0)
    assert GateChange.objects.count() == before


def test_only_what_the_file_tells_is_changed(cast: Cast) -> None:
    imported(ALL)
    row = imported("Klantnummer;GSM;Naam\nK1;0471 22 33 44;\nK2;;Dhr. P. Peeters\n")
    assert counts(row) == (0, 2, 0, 0)
    assert told("K1")["phones"] == ["+32471223344"]
    assert told("K1")["name"] == "Mme Dupont"
    assert told("K1")["city"] == "Liège"
    assert told("K2")["phones"] == ["+3292223344"], "an empty cell leaves what is there"
    assert told("K2")["name"] == "Dhr. P. Peeters"
    caused = GateChange.objects.filter(customer__external_id="K1").values_list("cause", flat=True)
    assert list(caused) == ["number_added", "numbers_changed"]


def test_a_mended_address_stays_behind_the_one_that_the_file_brings(cast: Cast) -> None:
    imported(ALL)
    dupont = Customer.objects.get(external_id="K1")
    customers.mark_bad(customer=dupont, address="dupont@mail.example", at=START)
    customers.add_email(customer=dupont, address="mended@mail.example")
    assert counts(imported(ALL)) == (0, 0, 2, 0)
    imported(HEAD + DUPONT.replace("dupont@mail", "new@mail"))
    assert told("K1")["emails"] == [
        "new@mail.example",
        "mended@mail.example",
        "dupont@mail.example",
    ]
    assert dupont.emails.get(address="dupont@mail.example").bad_at == START


def test_bad_lines_are_told_by_line_column_and_words(cast: Cast) -> None:
    lines = [
        "K3;Name;Klingon;;;;;;liege",
        "K4;Name;fr;12;;;;;liege",
        "K5;Name;fr;;no-address;;;;liege",
        "K6;Name;fr;;;;;;nowhere",
        "K1;Again;fr;;;;;;liege",
        ";Nobody;fr;;;;;;liege",
        "K7;;fr;;;;;;liege",
        "K8;Too;few",
        "K10;Name;fr;4,70E+08;;;;;liege",
        "K11;Name;fr;2026-11-20;;;;;liege",
    ]
    row = checked(ALL + "\n".join(lines))
    assert [(line, column) for line, column, _why in bad(row)] == [
        (4, "language"),
        (5, "phone"),
        (6, "email"),
        (7, "team"),
        (8, "external_id"),
        (9, "external_id"),
        (10, "name"),
        (11, ""),
        (12, "phone"),
        (13, "phone"),
    ]
    why = {line: reason for line, _column, reason in bad(row)}
    assert "line 2" in why[8]
    assert "power of ten" in why[12]
    assert "date" in why[13]
    assert counts(row) == (2, 0, 0, 10)


def test_a_number_without_the_zero_that_a_spreadsheet_took_is_read_and_said(cast: Cast) -> None:
    row = imported(HEAD + DUPONT.replace("0470 12 34 56", "470123456"))
    assert told("K1")["phones"] == ["+32470123456"]
    assert previews.lost_zero(row) == ("470123456", "+32 470 12 34 56")
    assert previews.lost_zero(imported(ALL)) is None


def test_where_the_lost_zero_counts_the_line_is_bad_in_words(cast: Cast) -> None:
    row = checked("id;naam;taal;gsm;land;team\nK1;Rossi;en;612345678;IT;liege\n")
    assert "leading zero" in bad(row)[0][2]


def test_team_and_language_of_new_customers_are_given_once_for_all(cast: Cast) -> None:
    short = "id,nom,prénom\nK1,Dupont,Éléonore\n"
    assert bad(checked(short))[0][1] == "language"
    imported(short, team=cast.gent.pk, language="fr")
    assert told("K1")["name"] == "Éléonore Dupont"
    assert told("K1")["team"] == "gent"
    imported("id,nom\nK1,D.\n", team=cast.liege.pk, language="nl")
    assert (told("K1")["team"], told("K1")["language"]) == ("gent", "fr"), "for new ones only"


def test_who_asked_to_be_forgotten_is_left_alone(cast: Cast) -> None:
    imported(ALL)
    Customer.objects.filter(external_id="K1").update(erased_at=START, erased_by="user:1")
    row = imported(ALL.replace("Mme", "Madame"))
    assert counts(row) == (0, 0, 1, 1)
    assert "forgotten" in bad(row)[0][2]
    assert told("K1")["name"] == "Mme Dupont"


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "<script>x</script>", "'); DROP TABLE x; --"])
def test_a_hostile_cell_is_kept_as_the_text_it_is(cast: Cast, cell: str) -> None:
    imported(HEAD + f'K1;"{cell}";fr;;;;;;liege\n')
    assert told("K1")["name"] == cell


def test_what_stood_there_before_is_shown_masked(cast: Cast) -> None:
    imported(ALL)
    row = checked(HEAD + DUPONT.replace("0470 12 34 56", "0471 22 33 44").replace("Mme", "Madame"))
    was = {one.label: one.was for one in previews.first_lines(row)[0].told}
    assert was == {"Telephone": "+32*******56", "Name, or family name": "M…"}


# --- and back ---------------------------------------------------------------------------------


def test_an_undo_brings_back_what_was_before(cast: Cast) -> None:
    imported(HEAD + DUPONT)
    before = told("K1")
    changed = DUPONT.replace("0470 12 34 56", "0471 22 33 44").replace("Haute", "Basse")
    row = undone(imported(HEAD + changed.replace("dupont@", "other@") + PEETERS), at=START + DAY)
    assert row.status == "undone" and row.lines_left == 0
    assert told("K1") == before
    assert not Customer.objects.filter(external_id="K2").exists()
    assert not customers.of_number("+3292223344").exists()
    caused = GateChange.objects.filter(customer__external_id="K1").values_list("cause", flat=True)
    assert list(caused) == ["number_added", "numbers_changed", "numbers_changed"]


def test_after_an_undo_the_same_file_comes_in_again(cast: Cast) -> None:
    undone(imported(ALL))
    assert counts(imported(ALL)) == (2, 0, 0, 0)
    assert told("K2")["phones"] == ["+3292223344"]


def test_who_was_changed_since_is_left_and_listed(cast: Cast) -> None:
    row = imported(ALL)
    dupont = Customer.objects.get(external_id="K1")
    customers.add_email(customer=dupont, address="mended@mail.example")
    row = undone(row)
    assert row.lines_left == 1
    assert [one.customer for one in previews.left(row)] == [dupont]
    assert told("K1")["emails"] == ["mended@mail.example", "dupont@mail.example"]
    assert not Customer.objects.filter(external_id="K2").exists()


def test_who_is_known_for_something_else_is_left_and_a_wish_not_to_be_called_stays(
    cast: Cast,
) -> None:
    row = imported(ALL)
    dupont = Customer.objects.get(external_id="K1")
    suppressions.add(
        customer=dupont, kind="dnc_company", origin=Suppression.Origin.CALL, by=SYSTEM, at=START
    )
    assert undone(row).lines_left == 1
    assert Suppression.objects.get(customer=dupont).lifted_at is None
    assert told("K1")["phones"] == ["+32470123456"]
