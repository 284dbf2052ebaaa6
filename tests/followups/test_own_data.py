"""What is known of a person is told whole, in their language, and is nothing once forgotten."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from crm import forgetting, own_data, suppressions
from crm.models import AuditEntry, Suppression
from followups import own_data_paper
from tests import cast as people
from tests.cast import DUPONT_HOME, DUPONT_MAIL, START, SYSTEM, Cast, Relay, sweeps_alive
from tests.followups import scenes

pytestmark = pytest.mark.django_db
AT = START + people.HOUR


def known(cast: Cast, relay: Relay) -> dict[str, list[dict[str, object]]]:
    scenes.proven(cast, relay)
    suppressions.add(
        customer=cast.dupont,
        kind=Suppression.Kind.DNC_COMPANY,
        origin=Suppression.Origin.CALL,
        words="Plus jamais.",
        by=SYSTEM,
        at=START,
    )
    sections: dict[str, list[dict[str, object]]] = own_data.of(cast.dupont, at=AT)["sections"]
    return sections


def test_every_storey_tells_its_part(cast: Cast, relay: Relay) -> None:
    told = known(cast, relay)
    assert told["person"][0]["name"] == "Mme Éléonore Dupont"
    assert DUPONT_HOME in [row["e164"] for row in told["numbers"]]
    assert told["wishes"][0]["words"] == "Plus jamais."
    assert told["promises"][0]["status"] == "kept"
    assert told["deliveries"][0]["address"] == DUPONT_MAIL
    assert told["documents"][0]["pdf_base64"]
    assert len(told["calls"]) == 1


def test_codes_are_told_in_words_of_the_customers_language(cast: Cast, relay: Relay) -> None:
    promise = known(cast, relay)["promises"][0]
    assert promise["status_words"] == "tenue"


def test_every_section_and_field_has_a_name_in_four_languages(cast: Cast, relay: Relay) -> None:
    told = known(cast, relay)
    names = own_data_paper.labels()
    fields = {
        f"f_{name}"
        for rows in told.values()
        for row in rows
        for name in row
        if not name.endswith(("_words", "_base64"))
    }
    assert {f"s_{name}" for name in told} <= names
    assert fields <= names
    for name in names:
        assert set(own_data_paper.read(own_data_paper.TEXTS)[name]) == {"en", "fr", "nl", "de"}


def test_the_paper_can_be_read(cast: Cast, relay: Relay, tmp_path: Path) -> None:
    known(cast, relay)
    file = tmp_path / "dossier.pdf"
    file.write_bytes(own_data_paper.export(customer=cast.dupont, kind="pdf", by=SYSTEM, at=AT))
    text = subprocess.run(
        ["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True
    ).stdout
    for words in ("Ce que nous savons de vous", "Éléonore Dupont", DUPONT_MAIL, "Plus jamais."):
        assert words in text
    assert AuditEntry.objects.get(action="dossier_taken").data == {"kind": "pdf"}


def test_of_somebody_forgotten_nothing_is_left_to_tell(cast: Cast, relay: Relay) -> None:
    sweeps_alive(AT)
    known(cast, relay)
    forgetting.forget(customer=cast.dupont, ground="asked", case="GDPR-1", by=SYSTEM, at=AT)
    text = own_data_paper.as_json(own_data.of(cast.dupont, at=AT)).decode()
    for words in ("Dupont", "Éléonore", "dupont@", "+3242223344", "+32470123456", "Plus jamais"):
        assert words not in text


def test_the_command_writes_a_file_that_only_its_owner_reads(
    cast: Cast, relay: Relay, tmp_path: Path
) -> None:
    known(cast, relay)
    file = tmp_path / "d.json"
    call_command("export_customer", cast.dupont.reference, str(file), "--by", "chloe")
    assert json.loads(file.read_text())["customer"] == cast.dupont.reference
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError):
        call_command("export_customer", cast.dupont.reference, str(file), "--by", "chloe")
    with pytest.raises(CommandError):
        call_command("export_customer", "C-999999", str(tmp_path / "e.json"), "--by", "chloe")
    assert datetime.fromisoformat(json.loads(file.read_text())["made_at"]).tzinfo
