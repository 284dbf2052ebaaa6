"""Imports of customers: whatever the file looks like, what is right comes in, the rest is told."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import phonenumbers
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db.models import Count, F, Sum
from django.utils import timezone

from crm import customers, imports, mappings, rows, tables
from crm.actors import SYSTEM
from crm.models import ContractLine, Customer, EmailAddress, GateChange, ImportRun, Team
from crm.workdays import DEFAULT

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
TELCO = Path(__file__).resolve().parents[3] / "shared" / "data" / "telco_customers.csv"
MAPPING = Path(mappings.__file__).parent / "data" / "telco_mapping.json"
EXTRACT = MAPPING.with_name("telco_extract.csv")
HEAD = "external_id,name,language,phones,email,street,postcode,city,team\n"
DUPONT = "C1,Mme Dupont,fr,0470 12 34 56,dupont@mail.example,rue Haute 1,4000,Liège,liege\n"
PEETERS = "C2,Dhr. Peeters,nl,+32 9 222 33 44;0470123456,,Kouter 2,9000,Gent,gent\n"


@pytest.fixture
def teams(db: None) -> dict[str, Team]:
    return {
        slug: Team.objects.create(slug=slug, name=slug.title(), calendar=DEFAULT.to_dict())
        for slug in ("liege", "gent")
    }


class Heard:
    def __init__(self) -> None:
        self.refused: list[imports.Refusal] = []
        self.progress: list[int] = []

    @property
    def listener(self) -> imports.Listener:
        return imports.Listener(self.refused.append, lambda tally: self.progress.append(tally.read))

    @property
    def lines(self) -> list[tuple[int, str]]:
        return [(refusal.line, refusal.column) for refusal in self.refused]


def brought_in(path: Path, content: str | bytes, **options: object) -> tuple[imports.Tally, Heard]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    heard = Heard()
    arguments = {"by": SYSTEM, "at": AT, "listener": heard.listener, **options}
    return imports.import_customers(path, **arguments), heard  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "customers.csv"


def test_a_plain_file_comes_in_whole(teams: dict[str, Team], file: Path) -> None:
    tally, heard = brought_in(file, HEAD + DUPONT + PEETERS)
    assert (tally.read, tally.became["new"], tally.refused) == (2, 2, 0)
    dupont = Customer.objects.get(external_id="C1")
    assert dupont.text.name == "Mme Dupont"
    assert dupont.text.folded_name == "mme dupont"
    assert [row.e164 for row in dupont.numbers.all()] == ["+32470123456"]
    assert dupont.postal.city == "Liège"
    assert dupont.team == teams["liege"]
    assert not dupont.generated
    assert dupont.reference == f"C-{dupont.pk:06d}"
    shared = customers.of_number("+32470123456")
    assert {row.external_id for row in shared} == {"C1", "C2"}
    assert GateChange.objects.count() == 2
    assert heard.progress == [2]


def test_the_same_file_again_changes_nothing(teams: dict[str, Team], file: Path) -> None:
    brought_in(file, HEAD + DUPONT + PEETERS)
    tally, _ = brought_in(file, HEAD + DUPONT + PEETERS, at=AT + timedelta(days=70))
    assert (tally.became["same"], tally.became["new"], tally.became["changed"]) == (2, 0, 0)
    assert GateChange.objects.count() == 2


def test_a_changed_row_updates_and_keeps_a_mended_address(
    teams: dict[str, Team], file: Path
) -> None:
    brought_in(file, HEAD + DUPONT + PEETERS)
    dupont = Customer.objects.get(external_id="C1")
    customers.mark_bad(customer=dupont, address="dupont@mail.example", at=AT)
    customers.add_email(customer=dupont, address="mended@mail.example")
    tally, _ = brought_in(file, HEAD + DUPONT.replace("0470 12 34 56", "0471 22 33 44") + PEETERS)
    assert (tally.became["changed"], tally.became["same"]) == (1, 1)
    dupont = Customer.objects.get(external_id="C1")
    assert [row.e164 for row in dupont.numbers.all()] == ["+32471223344"]
    assert dupont.emails.all()[0].address == "mended@mail.example"
    assert dupont.emails.get(address="dupont@mail.example").bad_at == AT
    assert GateChange.objects.filter(customer=dupont, cause="numbers_changed").exists()


def test_who_asked_to_be_forgotten_does_not_come_back(teams: dict[str, Team], file: Path) -> None:
    brought_in(file, HEAD + DUPONT)
    Customer.objects.update(erased_at=AT, erased_by="user:1")
    tally, heard = brought_in(file, HEAD + DUPONT.replace("Mme", "Madame"))
    assert (tally.refused, tally.became["changed"]) == (1, 0)
    assert "forgotten" in heard.refused[0].reason


def test_bad_rows_are_told_by_line_and_column_and_the_others_come_in(
    teams: dict[str, Team], file: Path
) -> None:
    bad = [
        "C3,,fr,,,,,,liege\n",
        "C4,Name,xx,,,,,,liege\n",
        "C5,Name,fr,12,,,,,liege\n",
        "C6,Name,fr,,no-address,,,,liege\n",
        "C7,Name,fr,,,,,,nowhere\n",
        "C8,Name,fr\n",
        'C9,"Name,fr,,,,,,liege\n',
        "C2,Again,fr,,,,,,liege\n",
        ",Nobody,fr,,,,,,liege\n",
    ]
    tally, heard = brought_in(
        file, HEAD + DUPONT + PEETERS + "".join(bad) + "\n" + "C10" + DUPONT[2:]
    )
    assert heard.lines == [
        (4, "name"),
        (5, "language"),
        (6, "phones"),
        (7, "email"),
        (8, "team"),
        (9, ""),
        (10, ""),
        (11, "external_id"),
        (12, "external_id"),
    ]
    assert (tally.read, tally.refused, tally.became["new"]) == (12, 9, 3)
    assert all(refusal.reason for refusal in heard.refused)
    run = ImportRun.objects.get()
    assert (run.rows_read, run.rows_new, run.rows_refused) == (12, 3, 9)
    assert run.finished_at is not None


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_any_delimiter_any_order_and_windows_1252(
    teams: dict[str, Team], file: Path, delimiter: str
) -> None:
    lines = ["Name;LANGUAGE;Team;External_ID;unknown", "Zoë Lefèvre – „Ça“;fr;Liege;C1;x"]
    brought_in(file, "\r\n".join(lines).replace(";", delimiter).encode("cp1252"))
    assert Customer.objects.get().text.name == "Zoë Lefèvre – „Ça“"


def test_a_byte_order_mark_is_no_part_of_the_first_header(
    teams: dict[str, Team], file: Path
) -> None:
    brought_in(file, b"\xef\xbb\xbf" + (HEAD + DUPONT).encode())
    assert Customer.objects.get().external_id == "C1"


def test_one_damaged_line_does_not_spoil_the_accents_of_the_others(
    teams: dict[str, Team], file: Path
) -> None:
    damaged = DUPONT.replace("C1", "C3").encode("cp1252")
    right = (HEAD + DUPONT + DUPONT.replace("C1", "C2")).encode()
    _, heard = brought_in(file, right + damaged)
    assert heard.lines == [(4, "")]
    assert Customer.objects.get(external_id="C1").postal.city == "Liège"


def test_cells_with_line_breaks_keep_the_line_numbers_right(
    teams: dict[str, Team], file: Path
) -> None:
    head = "external_id,name,language,team,note\n"
    content = head + 'C1,A,fr,liege,"two\nlines"\nC2,"B\nB",fr,liege,\nC3,,fr,liege,\n'
    _, heard = brought_in(file, content)
    assert heard.lines == [(4, "name"), (6, "name")]
    assert Customer.objects.get(external_id="C1").text.note == "two\nlines"


@pytest.mark.parametrize(
    "cell",
    [
        "=HYPERLINK(1)",
        "@SUM(A1)",
        "<script>alert(1)</script>",
        "'); DROP TABLE crm_customer; --",
        "x\\.",
        "\\N",
    ],
)
def test_a_hostile_cell_is_kept_as_the_text_it_is(
    teams: dict[str, Team], file: Path, cell: str
) -> None:
    brought_in(file, HEAD + f'C1,"{cell}",fr,,,,,,liege\n')
    assert Customer.objects.get().text.name == cell


@pytest.mark.parametrize("cell", ["a\0b", "a\rb", "a\x1bb", "x" * 201, "x" * 300_000], ids=repr)
def test_a_cell_that_cannot_be_kept_refuses_its_row_alone(
    teams: dict[str, Team], file: Path, cell: str
) -> None:
    tally, heard = brought_in(file, HEAD + PEETERS + f"C3,{cell},fr,,,,,,liege\n" + DUPONT)
    assert (tally.refused, tally.became["new"]) == (1, 2)
    assert heard.refused[0].line == 3


def test_a_dry_run_writes_nothing(teams: dict[str, Team], file: Path, tmp_path: Path) -> None:
    file.write_text(HEAD + DUPONT + "C9,,fr,,,,,,liege\n")
    call_command("import_customers", str(file), "--dry-run")
    assert not Customer.objects.exists()
    assert not ImportRun.objects.exists()
    assert list(tmp_path.iterdir()) == [file]


def test_the_command_says_how_far_it_is_and_where_the_refused_rows_are(
    teams: dict[str, Team], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(HEAD + DUPONT + "C9,=1+1,zz,,,,,,liege\n")
    call_command("import_customers", str(file), "--team", "gent")
    said = capsys.readouterr().out
    assert "2 rows read, 1 refused" in said
    assert "1 new" in said
    errors = file.with_suffix(".errors.csv")
    assert str(errors) in said
    assert errors.read_text().splitlines()[1].startswith("3,language,")
    assert "=1+1" not in errors.read_text()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xlsx", b"PK\x03\x04", "Spreadsheets"),
        ("a.pdf", b"%PDF", "must end in"),
        ("a.csv", b"", "empty"),
        ("a.csv", b"PK\x03\x04", "not a text file"),
        ("a.csv", "external_id,name".encode("utf-16"), "UTF-16"),
        ("a.csv", b"external_id,name\n1,2\n", "language"),
        ("a.csv", b"name,Name\n", "same name"),
        ("a.csv", b"a," * 9000 + b"b\n", "columns"),
        ("a.csv", b"x" * 50_000, "longer"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_in_words(
    teams: dict[str, Team], tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CommandError, match=words):
        call_command("import_customers", str(path))
    assert not ImportRun.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    teams: dict[str, Team], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(HEAD + DUPONT)
    monkeypatch.setattr(tables, "MOST_BYTES", 10)
    with pytest.raises(tables.Unreadable, match="larger"):
        tables.read(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("29,85", "29.85"),
        ("29.85", "29.85"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("€ 1 234,5", "1234.50"),
        ("1'234.00", "1234.00"),
        ("7", "7.00"),
    ],
)
def test_an_amount_has_a_decimal_comma_or_point(text: str, value: str) -> None:
    assert str(rows.amount("monthly", text)) == value


@pytest.mark.parametrize(
    "text", ["1.234", "1,234", "-1", "abc", "", "1e3", "NaN", "1.2.3", "9999999"]
)
def test_an_amount_that_two_countries_read_differently_is_refused(text: str) -> None:
    with pytest.raises(mappings.BadCell):
        rows.amount("monthly", text)


def test_shares_sum_up_to_the_cent() -> None:
    for cents in range(1, 3000, 7):
        total = Decimal(cents) / 100
        assert sum(rows.shared_out(total, [50, 20, 5, 5, 10])) == total


def test_a_mapping_names_translates_and_fills_in(
    teams: dict[str, Team], file: Path, tmp_path: Path
) -> None:
    given = {
        "columns": {
            "external_id": {"from": "Klantnummer"},
            "name": {"from": "Naam"},
            "language": {"from": "Taal", "values": {"N": "nl", "F": "fr"}},
            "team": {"default": "gent"},
            "bill_medium": {"from": "Papier", "values": {"ja": "paper"}, "default": "electronic"},
        },
        "contract": {"plan": {"default": "Plan"}, "monthly": {"from": "Bedrag"}},
    }
    path = tmp_path / "m.json"
    path.write_text(json.dumps(given))
    content = "Klantnummer;Naam;Taal;Papier;Bedrag\n1;A;N;ja;29,85\n2;B;F;nee;30\n3;C;X;ja;1\n"
    _, heard = brought_in(file, content, mapping=mappings.load(path))
    assert heard.lines == [(4, "language")]
    first, second = Customer.objects.order_by("external_id")
    assert (first.language, first.bill_medium) == ("nl", "paper")
    assert (second.language, second.bill_medium) == ("fr", "electronic")
    assert first.contract.lines.get().monthly == Decimal("29.85")
    assert not first.generated


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"columns": {"nme": {}}}',
        '{"columns": {"name": {"form": "x"}}}',
        '{"columns": {"name": {"generate": "ghost"}}}',
        '{"columns": {"name": {"generate": "name"}}}',
        '{"columns": {}, "contract": {"plan": {}}}',
    ],
)
def test_a_broken_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text)
    with pytest.raises(mappings.BadMapping):
        mappings.load(path)


@pytest.mark.skipif(not TELCO.is_file(), reason="the shared telco file is not beside the project")
def test_the_whole_telco_file_comes_in_and_a_second_time_is_all_the_same(
    teams: dict[str, Team],
) -> None:
    mapping = mappings.load(MAPPING)
    tally = imports.import_customers(TELCO, mapping=mapping, by=SYSTEM, at=AT)
    assert (tally.read, tally.became["new"], tally.refused) == (7043, 7043, 0)
    assert Customer.objects.filter(generated=True).count() == 7043
    again = imports.import_customers(TELCO, mapping=mapping, by=SYSTEM, at=AT + timedelta(days=400))
    assert again.became["same"] == 7043
    first = Customer.objects.get(external_id="7590-VHVEG")
    assert first.contract.lines.aggregate(n=Sum("monthly"))["n"] == Decimal("29.85")
    assert first.contract.commitment_until_date is None
    assert first.contract.since_date == date(2026, 2, 1)
    assert {"fr", "nl", "de"} == set(Customer.objects.values_list("language", flat=True).distinct())
    sharing = Customer.objects.filter(numbers__e164__in=_shared()).distinct().count()
    assert 100 < sharing < 1000
    numbers = set(Customer.objects.values_list("numbers__e164", flat=True))
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers)
    assert not EmailAddress.objects.exclude(address__endswith=".example").exists()


def _shared() -> list[str]:
    numbers = Customer.objects.values("numbers__e164").annotate(n=Count("pk")).filter(n__gt=1)
    return [row["numbers__e164"] for row in numbers]


def test_the_extract_ships_with_the_project_and_its_sums_are_right(
    teams: dict[str, Team],
) -> None:
    tally = imports.import_customers(EXTRACT, mapping=mappings.load(MAPPING), by=SYSTEM, at=AT)
    assert tally.became["new"] >= 60
    assert tally.refused == 0
    table = {row.cells["customerid"]: row.cells for row in tables.read(EXTRACT).rows()}
    sums = ContractLine.objects.values_list(F("contract__customer__external_id")).annotate(
        n=Sum("monthly")
    )
    assert {key: str(total) for key, total in sums} == {
        key: str(rows.amount("monthly", cells["monthlycharges"])) for key, cells in table.items()
    }


def test_no_clock_is_read_by_the_subject_modules() -> None:
    for module in (imports, rows, tables, mappings):
        assert timezone not in vars(module).values()
