"""The same way in from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from crm.models import Customer, Import
from tests.cast import Cast
from tests.crm.importing.files import DUPONT, HEAD

BAD = "K3;Nobody;xx;;;;;;liege\n"


def test_a_file_is_checked_and_with_start_imported(
    cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "klanten.csv"
    file.write_text(HEAD + DUPONT + BAD, encoding="utf-8")
    call_command("import_file", "customers", str(file))
    assert Import.objects.get().status == "checked" and not Customer.objects.exists()
    with pytest.raises(CommandError, match="left out"):
        call_command("import_file", "customers", str(file), "--start")
    assert not Customer.objects.exists()
    call_command("import_file", "customers", str(file), "--start", "--leave-bad")
    assert Customer.objects.get().external_id == "K1"
    assert "1 new, 0 changed, 0 the same, 1 bad" in capsys.readouterr().out
    assert "is none of fr" in file.with_suffix(".bad-lines.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.pdf", "x", "must end in"),
        ("a.csv", "naam;taal\nx;fr\n", "Customer number"),
        ("a.csv", "id;naam\n", "no line below"),
        ("b.csv", None, "No such file"),
    ],
)
def test_what_cannot_be_imported_is_said(
    cast: Cast, tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    file = tmp_path / name
    if content:
        file.write_text(content)
    with pytest.raises(CommandError, match=words):
        call_command("import_file", "customers", str(file))
    assert not Customer.objects.exists()
