"""The consent ledger: nothing without proof, nothing twice, nothing that comes back by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm import consents, suppressions
from crm.consents import Given, Refused
from crm.models import AuditEntry, Consent, Customer, GateChange
from tests.cast import DAY, HOUR, START, SYSTEM, Cast

SAID = Given(origin="call", proof="recording 4711", given_at=START - DAY, words="Call me, yes.")


def given(customer: Customer, **more: object) -> Consent:
    return consents.record(customer=customer, given=replace(SAID, **more), by=SYSTEM, at=START)  # type: ignore[arg-type]


def causes(customer: Customer) -> list[str]:
    return list(GateChange.objects.filter(customer=customer).values_list("cause", flat=True))


def test_a_consent_is_written_with_its_proof_its_words_and_its_author(cast: Cast) -> None:
    row = given(cast.dupont)
    assert (row.proof, row.basis, row.recorded_by) == (
        "recording 4711",
        "consent",
        SYSTEM.code,
    )
    assert row.text.words == "Call me, yes."
    assert causes(cast.dupont)[-1] == "consent_given"
    assert AuditEntry.objects.filter(action="consent_recorded").count() == 1
    assert given(cast.dupont) == row
    assert AuditEntry.objects.filter(action="consent_recorded").count() == 1


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("proof", {"proof": "  "}),
        ("proof", {"proof": "x" * 201}),
        ("given_at", {"given_at": START + HOUR}),
        ("until_at", {"until_at": START - 2 * DAY}),
        ("basis", {"basis": "hearsay"}),
        ("origin", {"origin": "dream"}),
    ],
)
def test_what_cannot_be_a_consent_is_refused_in_words(
    cast: Cast, field: str, more: dict[str, object]
) -> None:
    with pytest.raises(Refused) as refusal:
        given(cast.dupont, **more)
    assert refusal.value.field == field
    assert str(refusal.value).endswith(("?", "."))
    assert not Consent.objects.exists()


def test_withdrawing_is_a_new_fact_and_happens_once(cast: Cast) -> None:
    row = given(cast.dupont)
    assert consents.withdraw(consent=row, by=SYSTEM, at=START + HOUR)
    assert not consents.withdraw(consent=row, by=SYSTEM, at=START + DAY)
    row.refresh_from_db()
    assert (row.withdrawn_at, row.withdrawn_by) == (START + HOUR, SYSTEM.code)
    assert causes(cast.dupont)[-1] == "consent_withdrawn"


def test_never_call_me_withdraws_every_consent(cast: Cast) -> None:
    given(cast.dupont)
    given(cast.dupont, proof="form 12")
    suppressions.add(
        customer=cast.dupont, kind="dnc_company", origin="page", by=SYSTEM, at=START + HOUR
    )
    assert not Consent.objects.filter(withdrawn_at=None).exists()


def test_what_ran_out_is_closed_at_its_own_end_and_told_to_the_feed(cast: Cast) -> None:
    row = given(cast.dupont, until_at=START + DAY)
    lasting = given(cast.dupont, proof="form 12")
    assert consents.close_ended(at=START + DAY - HOUR) == 0
    assert consents.close_ended(at=START + 2 * DAY) == 1
    row.refresh_from_db()
    assert (row.withdrawn_at, row.withdrawn_by) == (START + DAY, "sweep:consents")
    assert causes(cast.dupont)[-1] == "consent_ended"
    lasting.refresh_from_db()
    assert lasting.withdrawn_at is None


FILE = """external_id;given;proof;until;basis
{id};2026-02-01;form 1;;
{id};2026-02-01T10:00:00+01:00;form 2;2027-02-01;relation
nobody;2026-02-01;form 3;;
{id};yesterday;form 4;;
{id};2026-02-01;;;
"""


def test_a_file_of_consents_is_taken_row_by_row_and_only_once(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = cast.dupont
    Customer.objects.filter(pk=who.pk).update(external_id="E-1")
    file = tmp_path / "consents.csv"
    file.write_text(FILE.format(id="E-1"))
    call_command("import_consents", str(file), "--dry-run")
    assert "2 would be new" in capsys.readouterr().out
    assert not Consent.objects.exists()
    call_command("import_consents", str(file))
    assert "5 rows: 2 new, 0 on file already, 3 refused" in capsys.readouterr().out
    refused = (tmp_path / "consents.errors.csv").read_text()
    assert [line.split(",")[0] for line in refused.splitlines()[1:]] == ["4", "5", "6"]
    rows = {row.proof: row for row in Consent.objects.all()}
    assert rows["form 2"].basis == "relation"
    assert rows["form 2"].until_at is not None
    # Once withdrawn, the same file does not bring it back.
    consents.withdraw(consent=rows["form 1"], by=SYSTEM, at=START)
    call_command("import_consents", str(file))
    assert "0 new, 2 on file already" in capsys.readouterr().out


def test_a_file_without_its_columns_is_refused_as_a_whole(cast: Cast, tmp_path: Path) -> None:
    file = tmp_path / "consents.csv"
    file.write_text("external_id;proof\nE-1;x\n")
    with pytest.raises(CommandError, match="given"):
        call_command("import_consents", str(file))
