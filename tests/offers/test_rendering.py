"""The document: the same bytes every time, whole in four languages, deaf to hostile text."""

from __future__ import annotations

import hashlib
import html
import io
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pikepdf
import pytest

from offers.comparison import Line, Terms
from offers.rendering import HOUSE, TEMPLATE, render_html, render_pdf
from offers.sheet import Content, plain
from offers.summary import SECTIONS
from offers.wording import LANGUAGES, read
from tests.offers.sample import ON, TODAY, document

HOSTILE = (
    "#let x = 1 $a$ \\ <b>&amp; {{ x }} {% now %} \"q\" 'p' *b* _i_ @ref // c /* d */ `r` [x] ~ "
    "\u202eRTL\u202c שלום 中文 😀 \ue000\x00\ud800\r\nnew\nline " + "W" * 300
)
PROCESS = (
    "import hashlib, sys; from tests.offers.sample import document; "
    "from offers.rendering import render_pdf; "
    "sys.stdout.write(hashlib.sha256(render_pdf(document('de'))).hexdigest())"
)
needs_pdftotext = pytest.mark.skipif(not shutil.which("pdftotext"), reason="no poppler-utils")


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


def words(text: str) -> str:
    """The text without the spaces, marks and breaks that setting adds or moves."""
    return re.sub(r"[\s\u200b\u00ad]+", "", text)


def read_pdf(pdf: bytes, path: Path) -> str:
    path.write_bytes(pdf)
    command = ["pdftotext", "-enc", "UTF-8", str(path), "-"]
    return words(subprocess.run(command, capture_output=True, check=True).stdout.decode())


def read_html(page: str) -> str:
    return words(html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.S)))


def headings(content: Content) -> list[str]:
    return [
        content.title,
        *(section.heading for section in content.sections),
        content.compared.heading,
        content.compared.chart_title,
    ]


def cells(content: Content) -> list[str]:
    tables = [section.table for section in content.sections] + [content.compared.table]
    return [cell for table in tables if table for row in table.rows for cell in row]


def test_the_same_content_gives_the_same_bytes() -> None:
    assert render_pdf(document("de")) == render_pdf(document("de"))


def test_another_process_makes_the_same_bytes() -> None:
    here = hashlib.sha256(render_pdf(document("de"))).hexdigest()
    there = subprocess.run(
        [sys.executable, "-c", PROCESS], cwd=HOUSE, capture_output=True, check=True
    )
    assert there.stdout.decode() == here


def test_another_version_gives_other_bytes() -> None:
    assert render_pdf(document()) != render_pdf(document(version=3))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_single_offer_is_one_page_and_its_comparison_another(language: str) -> None:
    pdf = opened(render_pdf(document(language)))
    assert len(pdf.pages) == 2
    box = [round(float(side)) for side in pdf.pages[0].MediaBox]
    assert box == [0, 0, 595, 842]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_tagged_titled_and_says_its_language(language: str) -> None:
    pdf = opened(render_pdf(document(language)))
    assert pdf.Root.MarkInfo.Marked
    assert str(pdf.Root.Lang).startswith(language)
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    with pdf.open_metadata() as meta:
        assert document(language).title in str(meta["dc:title"])
        assert str(meta["pdfuaid:part"]) == "1"
        assert (str(meta["pdfaid:part"]), str(meta["pdfaid:conformance"])) == ("2", "A")
        assert str(meta["xmp:CreateDate"]).startswith(ON.isoformat())


def test_only_the_shipped_font_is_in_the_pdf() -> None:
    names = {
        str(font.BaseFont)
        for page in opened(render_pdf(document())).pages
        for font in page.Resources.Font.values()
    }
    assert names
    assert all("SourceSans3" in name for name in names)


def test_no_text_is_smaller_than_ten_points() -> None:
    sizes = re.findall(r"size: ([\d.]+)pt", TEMPLATE.read_text())
    assert sizes
    assert min(float(size) for size in sizes) >= 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_six_headings_stand_in_their_order_with_something_below_each(language: str) -> None:
    content = document(language)
    frame = [section[language]["text"] for section in read("contract_summary")["sections"]]
    assert [section.heading for section in content.sections] == frame
    assert tuple(section.id for section in content.sections) == SECTIONS
    assert all(s.paragraphs or s.items or s.table for s in content.sections)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_every_heading_and_figure_in_the_same_order(language: str) -> None:
    content = document(language)
    page = read_html(render_html(content))
    # The title also stands in the head of the page.
    at = page.index(words(content.introduction))
    for piece in [*headings(content)[1:7], content.compared.heading, content.compared.sentence]:
        at = page.index(words(piece), at)
    for piece in [*cells(content), content.compared.chart_title, content.compared.bars[1].amount]:
        assert words(piece) in page


@needs_pdftotext
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_has_every_heading_and_figure_in_the_same_order(
    language: str, tmp_path: Path
) -> None:
    content = document(language)
    text = read_pdf(render_pdf(content), tmp_path / "offer.pdf")
    at = 0
    for piece in headings(content):
        at = text.index(words(piece), at)
    for piece in [*cells(content), content.compared.sentence, content.compared.bars[1].amount]:
        assert words(piece) in text


@needs_pdftotext
def test_hostile_text_is_set_as_text(tmp_path: Path) -> None:
    line = Line(HOSTILE, Decimal(1), speed_down_mbps=3, volume=HOSTILE)
    content = document(
        proposed=Terms(HOSTILE, (line, line)),
        company=HOSTILE,
        contact=HOSTILE,
        reference=HOSTILE,
        extra={"other": (HOSTILE,)},
    )
    text = read_pdf(render_pdf(content), tmp_path / "offer.pdf")
    shown = "#let x = 1 $a$ \\ <b>&amp; {{ x }} {% now %} \"q\" 'p' *b* _i_ @ref // c /* d */ `r`"
    assert text.count(words(shown)) >= 8
    assert "\u202e" not in text
    assert words(plain(HOSTILE)) in read_html(render_html(content))


def test_hostile_text_is_escaped_on_the_page() -> None:
    evil = "<script>alert(1)</script>\" onload='x'"
    offer = Terms(evil, (Line(evil, Decimal(1), volume=evil, speed_up_mbps=1),))
    extra = {name: (evil,) for name in SECTIONS}
    page = render_html(
        document(proposed=offer, company=evil, contact=evil, reference=evil, extra=extra)
    )
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > len(SECTIONS)


def test_letters_without_a_shape_become_a_box_and_the_others_stay() -> None:
    assert len(opened(render_pdf(document(company="中文 Télécom 😀"))).pages) == 2


def test_all_that_counts_as_drawable_is_drawn() -> None:
    spans = [(0x21, 0x7F), (0xA0, 0x180), (0x391, 0x3CF), (0x410, 0x450), (0x2010, 0x2027)]
    letters = "".join(chr(code) for start, end in spans for code in range(start, end))
    assert render_pdf(document(company=f"中 {letters} €"))


def test_plain_text_is_one_line_without_hidden_characters() -> None:
    assert plain(" a\r\nb\t\u202ec\u2066\x00d\ue000 ") == "a b cd"
    assert plain("\u202e a \x00") == "a"
    assert plain("e\u0301") == "é"
    assert plain("\ud800") == ""


def test_the_page_has_no_script_no_inline_style_and_nothing_from_elsewhere() -> None:
    page = render_html(document("nl"))
    assert '<html lang="nl">' in page
    assert not re.search(r"<script|<link|<img|\sstyle=|\son\w+=|src=|url\(", page)


def test_what_names_the_customer_or_the_promise_has_no_place_in_the_document() -> None:
    fields = set(Content.__dataclass_fields__)
    assert not {name for name in fields if re.search("customer|address|promise|link", name)}


def test_validity_counts_from_the_day_the_customer_can_read_it() -> None:
    other = document("en", valid_days=45).sections[-1]
    assert "valid for 45 days, counted from the day you can read it" in other.paragraphs[0]


def test_an_offer_without_internet_says_so() -> None:
    content = document("en", proposed=Terms("Phone", (Line("Fixed phone", Decimal(5)),)))
    assert content.sections[1].table is None
    assert "no internet service" in content.sections[1].paragraphs[0]


def test_the_bars_start_at_zero_and_keep_their_proportion() -> None:
    bars = document().compared.bars
    assert bars[1].share == 1000
    assert bars[0].share == int(Decimal("1462.80") * 1000 / Decimal("1586.00"))


def test_an_offer_that_costs_nothing_can_be_drawn() -> None:
    free = Terms("Nothing", ())
    assert render_pdf(document(today=free, proposed=free))


def test_an_unknown_heading_is_refused() -> None:
    with pytest.raises(ValueError, match="no such heading"):
        document(extra={"prices": ("x",)})


def test_the_companys_own_words_stand_below_their_heading() -> None:
    section = document(extra={"services": ("The modem stays ours.",)}).sections[0]
    assert section.paragraphs == ("The modem stays ours.",)


def test_ten_lines_of_a_bundle_stay_within_three_pages_and_the_comparison() -> None:
    many = tuple(Line(f"Service {n}", Decimal(n), speed_down_mbps=n) for n in range(1, 11))
    assert len(opened(render_pdf(document("de", TODAY, Terms("Bundle", many)))).pages) <= 4
