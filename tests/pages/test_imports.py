"""The screens of imports: from the file to its result, for operations and nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import clock, uploads
from crm.importing import jobs, work
from crm.models import AuditEntry, Customer, Import, Suppression
from tests.cast import SYSTEM, Cast
from tests.crm.importing.files import DUPONT, HEAD, PEETERS, checked, imported
from tests.pages.conftest import Enter

GOOD = HEAD + DUPONT + PEETERS
BAD = "K3;Nobody;xx;;;;;;liege\n"


def bring(client: Client, text: str | bytes, kind: str = "customers", name: str = "k.csv") -> Any:
    content = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile(name, content)
    return client.post(reverse("imports"), {"kind": kind, "file": file})


def sweep() -> None:
    while work.run(clock=clock.now):
        pass


def shown(client: Client, row: Import) -> str:
    answer = client.get(reverse("import", args=[row.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def post(client: Client, name: str, row: Import, **data: Any) -> Any:
    return client.post(reverse(name, args=[row.pk]), data)


def columns_of(text: str) -> dict[str, str]:
    """What the form would send, as it was guessed for the Dutch headings of GOOD."""
    names = ("external_id", "name", "language", "phone", "email", "street", "postcode", "city")
    return {f"column_{place}": name for place, name in enumerate((*names, "team"))}


def test_the_whole_way_of_a_file(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    assert bring(dirk, GOOD + BAD).status_code == 302
    row = Import.objects.get()
    assert "hx-get" in shown(dirk, row), "while it is read, the page looks again by itself"
    sweep()
    text = shown(dirk, row)
    assert 'value="phone" selected' in text and "0470 12 34 56" in text
    assert post(dirk, "import_columns", row, **columns_of(GOOD)).status_code == 302
    sweep()
    text = shown(dirk, row)
    assert "Nothing is written yet" in text and "is none of" in text
    assert "+32 470 12 34 56" in text
    assert not Customer.objects.exists()
    assert post(dirk, "start_import", row, leave_bad="on").status_code == 302
    assert "It is being written" in shown(dirk, row)
    sweep()
    assert Customer.objects.count() == 2
    text = shown(dirk, row)
    assert "everything was written" in text and "Undo the import" in text
    assert "hx-get" not in text
    assert post(dirk, "undo_import", row).status_code == 302
    sweep()
    assert not Customer.objects.exclude(external_id=None).exists()
    assert "it was taken back" in shown(dirk, row)


def test_bad_lines_have_to_be_left_out_in_so_many_words(monday: Cast, enter: Enter) -> None:
    dirk, row = enter(monday.dirk), checked(GOOD + BAD, at=clock.now())
    answer = post(dirk, "start_import", row)
    assert answer.status_code == 422
    assert "Say that the bad lines are left out" in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "checked"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("k.csv", b"", "empty"),
        ("k.pdf", b"%PDF", "must end in"),
        ("k.csv", b"a;A\n", "same name"),
        ("k.xlsx", b"PK\x03\x04", "damaged"),
    ],
)
def test_a_file_that_is_none_is_refused_beside_the_field(
    monday: Cast, enter: Enter, name: str, content: bytes, words: str
) -> None:
    answer = bring(enter(monday.dirk), content, name=name)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Import.objects.exists()


def test_a_file_that_is_too_large_is_read_past_and_said(
    monday: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 1000)
    answer = bring(enter(monday.dirk), GOOD * 20)
    assert answer.status_code == 422
    assert "larger than 256 MB" in answer.content.decode()
    assert not Import.objects.exists()


def test_a_column_that_is_missing_or_named_twice_is_told(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    bring(dirk, GOOD)
    sweep()
    row = Import.objects.get()
    answer = post(dirk, "import_columns", row, column_1="name")
    assert answer.status_code == 422
    assert "One column has to be: Customer number." in answer.content.decode()
    answer = post(dirk, "import_columns", row, column_0="external_id", column_1="external_id")
    assert answer.status_code == 422
    assert "“klantnummer” is that already." in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "read"


def test_a_file_that_came_before_is_said_to_have(monday: Cast, enter: Enter) -> None:
    imported(GOOD, at=clock.now())
    dirk, row = enter(monday.dirk), checked(GOOD, at=clock.now())
    assert "This very file was imported before." in shown(dirk, row)
    assert "0</b> new" in shown(dirk, row)
    jobs.start(row=row, leave_bad=False, by=SYSTEM, at=clock.now())
    sweep()
    assert "Nothing changed: everything in the file was here already." in shown(dirk, row)


def test_the_bad_lines_are_taken_as_a_file_and_it_is_written_down(
    monday: Cast, enter: Enter
) -> None:
    dirk, row = enter(monday.dirk), checked(GOOD + BAD, at=clock.now())
    answer = dirk.get(reverse("import_bad_lines", args=[row.pk]))
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert text.count("\r\n") == 2 and ";4;Language;is none of" in text
    entry = AuditEntry.objects.get(action="bad_lines_taken")
    assert (entry.by, entry.subject) == (f"user:{monday.dirk.pk}", f"import:{row.pk}")
    assert dirk.get(reverse("import_bad_lines", args=[imported(GOOD).pk])).status_code == 404


def test_the_do_not_call_list_is_taken_back_for_a_reason_only(monday: Cast, enter: Enter) -> None:
    imported(GOOD, at=clock.now())
    dirk = enter(monday.dirk)
    row = imported("numéro\n0470123456\n", kind="do_not_call", at=clock.now())
    answer = post(dirk, "undo_import", row, ground="oops")
    assert answer.status_code == 422
    assert "at least 15 characters" in answer.content.decode()
    assert Suppression.objects.get().lifted_at is None
    post(dirk, "undo_import", row, ground="It was the list of another company.")
    sweep()
    assert Suppression.objects.get().lifted_at is not None


def test_what_moved_meanwhile_is_said_and_not_done_twice(monday: Cast, enter: Enter) -> None:
    dirk, row = enter(monday.dirk), checked(GOOD, at=clock.now())
    post(dirk, "start_import", row)
    for name in ("start_import", "drop_import", "undo_import"):
        answer = dirk.post(reverse(name, args=[row.pk]), follow=True)
        assert "stands elsewhere by now" in answer.content.decode(), name
    assert row.events.filter(cause="started").count() == 1


POSTS = ("import_columns", "start_import", "drop_import", "undo_import")


@pytest.mark.parametrize("who", ["amina", "chloe", "eva"])
def test_only_operations_import(monday: Cast, enter: Enter, who: str) -> None:
    row = checked(GOOD + BAD, at=clock.now())
    before = Import.objects.values().get()
    client = enter(getattr(monday, who))
    assert bring(client, GOOD).status_code == 403
    assert client.get(reverse("imports")).status_code == 403
    for name in ("import", "import_columns", "import_bad_lines"):
        assert client.get(reverse(name, args=[row.pk])).status_code == 403, name
    for name in POSTS:
        assert post(client, name, row, leave_bad="on", ground="x" * 20).status_code == 403, name
    assert Import.objects.values().get() == before
    assert "/imports/" not in client.get(reverse("notices")).content.decode()


def test_a_stranger_is_sent_to_the_log_in(monday: Cast) -> None:
    row = checked(GOOD, at=clock.now())
    for name in ("import", "import_bad_lines"):
        assert Client().get(reverse(name, args=[row.pk])).status_code == 302
    for name in POSTS:
        assert post(Client(), name, row).status_code == 302
    row.refresh_from_db()
    assert row.status == "checked"


def test_a_get_moves_nothing_and_what_is_not_there_is_a_404(monday: Cast, enter: Enter) -> None:
    dirk, row = enter(monday.dirk), checked(GOOD, at=clock.now())
    for name in ("start_import", "drop_import", "undo_import"):
        assert dirk.get(reverse(name, args=[row.pk])).status_code == 405
        assert dirk.post(reverse(name, args=[row.pk + 1])).status_code == 404
    assert dirk.get(reverse("import", args=[row.pk + 1])).status_code == 404


def test_what_a_cell_holds_is_shown_as_text(monday: Cast, enter: Enter) -> None:
    hostile = "<script>alert(1)</script>"
    row = checked(HEAD + f"K1;{hostile};fr;;;;;;liege\n", at=clock.now())
    text = shown(enter(monday.dirk), row)
    assert hostile not in text and "&lt;script&gt;" in text


def test_the_list_counts_its_rows_and_asks_the_same_for_one_and_for_many(
    monday: Cast, enter: Enter
) -> None:
    dirk = enter(monday.dirk)
    assert "Nothing came in yet." in dirk.get(reverse("imports")).content.decode()
    checked(GOOD, at=clock.now())
    dirk.get(reverse("imports"))
    with CaptureQueriesContext(connection) as one:
        dirk.get(reverse("imports"))
    for _ in range(29):
        checked(HEAD + DUPONT, at=clock.now())
    with CaptureQueriesContext(connection) as many:
        answer = dirk.get(reverse("imports"))
    assert len(one) == len(many)
    text = answer.content.decode()
    assert text.count("klanten.csv") == 30 and 'class="n">30<' in text


def test_one_import_asks_the_same_for_one_line_and_for_fifty(monday: Cast, enter: Enter) -> None:
    dirk = enter(monday.dirk)
    lines = "".join(f"K{n};Name {n};fr;0470 {n:06d};;;;;liege\n" for n in range(1, 51))
    few, many = (checked(HEAD + text, at=clock.now()) for text in (DUPONT, lines))
    shown(dirk, few)
    with CaptureQueriesContext(connection) as one:
        shown(dirk, few)
    with CaptureQueriesContext(connection) as fifty:
        shown(dirk, many)
    assert len(one) == len(fifty)
