"""What happened to somebody between the check of a file and its import: every line is applied once,
or is in the file of bad lines with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from crm import calls, customers, merges, suppressions
from crm.importing import bad_lines, jobs
from crm.models import Attempt, Contract, Customer, Import, ImportLine, Suppression
from tests.cast import START, SYSTEM, Cast
from tests.crm.importing.files import DUPONT, HEAD, PEETERS, checked, counts, imported, swept

ALL = HEAD + DUPONT + PEETERS
LATER = START + timedelta(hours=1)
CONTRACTS = "klantnummer;abonnement;omschrijving;maandbedrag\n"
CALLS = "uniqueid;klantnummer;number;call date;status;note\n"


def forgotten(external_id: str, *, name_stays: bool) -> Customer:
    """Blanked as an eraser or an undo leaves them; the other system's name may be gone too."""
    row = Customer.objects.get(external_id=external_id)
    row.numbers.all().delete()
    row.emails.all().delete()
    row.text.name = row.text.folded_name = ""
    row.text.save()
    row.erased_at, row.erased_by = START, "user:1"
    row.external_id = external_id if name_stays else None
    row.save()
    return row


def begun(row: Import) -> Import:
    """Started by somebody who read the preview, and worked to its end."""
    assert jobs.start(row=row, leave_bad=True, by=SYSTEM, at=LATER)
    row = swept(row, at=LATER)
    assert row.status == "done"
    assert sum(counts(row)) == row.lines, "every line is counted once"
    return row


def bad_file(row: Import) -> list[str]:
    text = "".join(bad_lines.write(row)).removeprefix("\ufeff").splitlines()[1:]
    assert len(text) == row.lines_bad, "every bad line is in the file"
    return text


@pytest.mark.parametrize("name_stays", [True, False])
def test_who_was_forgotten_while_customers_waited_is_not_brought_back(
    cast: Cast, name_stays: bool
) -> None:
    imported(ALL)
    row = checked(ALL.replace("0470 12 34 56", "0471 22 33 44").replace("Kouter 2", "Kouter 3"))
    dupont = forgotten("K1", name_stays=name_stays)
    row = begun(row)
    assert counts(row) == (0, 1, 0, 1)
    (line,) = bad_file(row)
    assert line.startswith("K1;Mme Dupont") and ";2;" in line
    assert ("forgotten" in line) == name_stays and ("nobody’s now" in line) != name_stays
    assert not dupont.numbers.exists() and Customer.objects.count() == 2
    assert not customers.of_number("+32471223344").exists()
    assert Customer.objects.get(external_id="K2").postal.street == "Kouter 3"


@pytest.mark.parametrize("name_stays", [True, False])
def test_who_was_forgotten_while_contracts_waited_gets_none(cast: Cast, name_stays: bool) -> None:
    imported(ALL)
    row = checked(
        CONTRACTS + "K1;Oud;Internet;30\nK2;Oud;Internet;30\nK1;Oud;TV;10\n", kind="contracts"
    )
    forgotten("K1", name_stays=name_stays)
    row = begun(row)
    assert counts(row) == (1, 0, 0, 2)
    assert [line[:2] for line in bad_file(row)] == ["K1", "K1"]
    assert Contract.objects.get().customer.external_id == "K2"


@pytest.mark.parametrize("name_stays", [True, False])
def test_a_call_of_somebody_forgotten_meanwhile_is_not_kept(cast: Cast, name_stays: bool) -> None:
    imported(ALL)
    text = CALLS + "c1;K1;0470 12 34 56;2026-02-01 10:00;answered;rue Haute\n"
    row = checked(text + "c2;K2;;2026-02-01 11:00;busy;\n", kind="attempts", system="old")
    assert counts(row) == (2, 0, 0, 0)
    forgotten("K1", name_stays=name_stays)
    row = begun(row)
    assert counts(row) == (1, 0, 0, 1)
    assert "nobody has this number" in bad_file(row)[0]
    assert Attempt.objects.get().external_id == "c2"


def test_a_wish_of_somebody_forgotten_meanwhile_is_bad_and_the_others_stand(cast: Cast) -> None:
    imported(ALL)
    row = checked("klantnummer\nK1\nK2\n", kind="do_not_call")
    forgotten("K1", name_stays=False)
    row = begun(row)
    assert counts(row) == (1, 0, 0, 1)
    assert "nobody has this number" in bad_file(row)[0]
    assert Suppression.objects.get().customer.external_id == "K2"


def test_a_call_that_was_told_differently_meanwhile_is_bad_with_its_reason(cast: Cast) -> None:
    imported(ALL)
    text = CALLS + "c1;K1;;2026-02-01 10:00;busy;\n"
    row = checked(text, kind="attempts", system="old", purpose="sales")
    other = calls.Call(
        source="import:old",
        external_id="c1",
        direction="outbound",
        started_at=START,
        purpose="sales",
        number="",
        customer=Customer.objects.get(external_id="K1"),
    )
    calls.log(call=other, by=SYSTEM, at=START)
    row = begun(row)
    assert counts(row) == (0, 0, 0, 1)
    assert "another started_at" in bad_file(row)[0]


def test_a_merge_and_a_wish_of_meanwhile_stand_after_the_import(cast: Cast) -> None:
    imported(ALL)
    row = checked(ALL.replace("0470 12 34 56", "0471 22 33 44"))
    dupont, peeters = (Customer.objects.get(external_id=one) for one in ("K1", "K2"))
    merges.merge(customer=dupont, into=peeters, by=SYSTEM, at=START)
    wish = suppressions.add(
        customer=dupont, kind="dnc_company", origin=Suppression.Origin.CALL, by=SYSTEM, at=START
    )
    assert counts(begun(row)) == (0, 1, 1, 0)
    dupont.refresh_from_db()
    wish.refresh_from_db()
    assert dupont.merged_into == peeters and wish.lifted_at is None
    assert wish.customer.numbers.get().e164 == "+32471223344"


def test_somebody_who_came_in_another_way_meanwhile_is_changed_and_not_doubled(cast: Cast) -> None:
    row = checked(ALL)
    imported(HEAD + DUPONT.replace("Haute", "Basse"))
    assert counts(begun(row)) == (1, 1, 0, 0)
    assert Customer.objects.get(external_id="K1").postal.street == "rue Haute 1"


# --- a line that the database refuses ---------------------------------------------------------


@pytest.fixture
def refusing(cast: Cast) -> Iterator[None]:
    """A database that will not have one name, one price, one wish."""
    refuses = {
        "crm_customertext": "name <> 'Poison'",
        "crm_contractline": "label <> 'Poison'",
        "crm_suppressiontext": "words <> 'Poison'",
        "crm_attempttext": "note <> 'Poison'",
    }
    with connection.cursor() as cursor:
        for table, rule in refuses.items():
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT poison CHECK ({rule})")
    yield


def test_a_customer_that_cannot_be_written_stops_nobody_else(refusing: None) -> None:
    lines = [f"K{n};Name {n};fr;;;;;;liege\n" for n in range(40)]
    lines[13] = "K13;Poison;fr;;;;;;liege\n"
    row = begun(checked(HEAD + "".join(lines)))
    assert counts(row) == (39, 0, 0, 1)
    (line,) = bad_file(row)
    assert line.startswith("K13;Poison") and "cannot be written" in line
    assert Customer.objects.count() == 39 and not Customer.objects.filter(external_id="K13")


def test_a_contract_that_cannot_be_written_is_bad_whole(refusing: None) -> None:
    imported(ALL)
    text = "K1;Oud;Internet;30\nK2;Oud;Internet;30\nK1;Oud;Poison;10\n"
    row = begun(checked(CONTRACTS + text, kind="contracts"))
    assert counts(row) == (1, 0, 0, 2)
    assert [line[:2] for line in bad_file(row)] == ["K1", "K1"]
    assert Contract.objects.get().lines.count() == 1


def test_a_call_and_a_wish_that_cannot_be_written_stop_nobody_else(refusing: None) -> None:
    imported(ALL)
    text = "c1;K1;;2026-02-01 10:00;busy;Poison\nc2;K2;;2026-02-01 11:00;busy;\n"
    row = begun(checked(CALLS + text, kind="attempts", system="old"))
    assert counts(row) == (1, 0, 0, 1) and Attempt.objects.get().external_id == "c2"
    bad_file(row)
    row = begun(checked("klantnummer;reden\nK1;Poison\nK2;x\n", kind="do_not_call"))
    assert counts(row) == (1, 0, 0, 1)
    assert Suppression.objects.get().customer.external_id == "K2"


def test_a_team_that_is_gone_is_told_by_line_and_does_not_hang(cast: Cast) -> None:
    """Its key leads nowhere, which the database finds only when a step is over."""
    row = checked(ALL)
    for line in ImportLine.objects.filter(of=row, key="K2"):
        line.facts["team"] = 987_654
        line.save()
    row = begun(row)
    assert counts(row) == (1, 0, 0, 1)
    assert bad_file(row)[0].startswith("K2;")
