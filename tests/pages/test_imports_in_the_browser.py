"""A file from the disk to the customers and back, in a real browser with the worker at work."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from crm.models import Customer, Import
from tests.cast import assemble
from tests.crm.importing.files import DUPONT, HEAD, PEETERS
from tests.live import LiveSystem
from tests.pages.test_in_the_browser import log_in, watched
from tests.pages.test_policies_in_the_browser import looks_well

__all__ = ["watched"]
SOON = 20_000  # ms


def test_a_file_is_brought_checked_imported_and_taken_back(
    live_system: LiveSystem, watched: Page, tmp_path: Path
) -> None:
    page, file = watched, tmp_path / "klanten.csv"
    assemble()
    file.write_text(HEAD + DUPONT + PEETERS + "K3;Nobody;xx;;;;;;liege\n", encoding="utf-8")
    log_in(page, "dirk")
    page.locator("summary", has_text="More").click()
    page.get_by_role("link", name="Imports").click()
    looks_well(page)
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_text("Which column is which?")).to_be_visible(timeout=SOON)
    expect(page.get_by_label("gsm")).to_have_value("phone")
    looks_well(page)
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_text("Nothing is written yet", exact=True)).to_be_visible(timeout=SOON)
    looks_well(page)
    page.get_by_role("button", name="Import it").click()
    expect(page.get_by_text("Say that the bad lines are left out")).to_be_visible()
    page.get_by_label("Leave the bad lines out").check()
    page.get_by_role("button", name="Import it").click()
    expect(page.get_by_text("everything was written")).to_be_visible(timeout=SOON)
    assert Customer.objects.filter(external_id__in=["K1", "K2"]).count() == 2
    looks_well(page)
    page.get_by_role("button", name="Undo the import").click()
    expect(page.get_by_text("it was taken back")).to_be_visible(timeout=SOON)
    assert not Customer.objects.filter(external_id__in=["K1", "K2"]).exists()
    assert Import.objects.get().status == "undone"
