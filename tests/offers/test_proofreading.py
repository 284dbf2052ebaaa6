"""The checker: right documents pass in every language, and each planted fault is found."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.core.management import CommandError, call_command

from offers.comparison import Line, Terms
from offers.painted import contrast, painted
from offers.proofreading import CHECKS, proofread
from offers.rendering import render_pdf
from offers.wording import LANGUAGES
from tests.offers.sample import document

ONE_SERVICE = Terms("Internet", (Line("Internet", Decimal("39.00"), speed_down_mbps=100),))
NOTHING = Terms("", ())


def planted(fault: Callable[[pikepdf.Pdf], Any], language: str = "fr") -> set[str]:
    """The checks that find something after this was done to a right document."""
    target = io.BytesIO()
    right = render_pdf(document(language, proposed=ONE_SERVICE))
    with pikepdf.open(io.BytesIO(right)) as pdf:
        fault(pdf)
        pdf.save(target)
    return {finding.check for finding in proofread(target.getvalue())}


def structure(pdf: pikepdf.Pdf, kind: str) -> list[Any]:
    return [
        found
        for found in pdf.objects
        if isinstance(found, pikepdf.Dictionary) and found.get("/S") == f"/{kind}"
    ]


def repainted(pdf: pikepdf.Pdf, operator: str, values: list[float | str], page: int = 0) -> None:
    """Every use of an operator on a page gets other operands."""
    wanted = [pikepdf.Name(v) if isinstance(v, str) else v for v in values]
    stream = [
        (wanted if str(name) == operator else operands, name)
        for operands, name in pikepdf.parse_content_stream(pdf.pages[page])
    ]
    pdf.pages[page].Contents = pdf.make_stream(pikepdf.unparse_content_stream(stream))


def written(pdf: pikepdf.Pdf, stream: bytes, *, first: bool = False) -> None:
    pdf.pages[0].contents_add(stream, prepend=first)


def a_page_too_many(pdf: pikepdf.Pdf) -> None:
    pdf.add_blank_page(page_size=(595.28, 841.89))
    pdf.pages.insert(1, pdf.pages[-1])
    del pdf.pages[-1]


def a_page_on_its_side(pdf: pikepdf.Pdf) -> None:
    pdf.pages[1].MediaBox = [0, 0, 842, 595]


def a_page_turned(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].Rotate = 90


def smaller_letters(pdf: pikepdf.Pdf) -> None:
    repainted(pdf, "Tf", ["/f1", 9.5])


def letters_made_small_by_their_matrix(pdf: pikepdf.Pdf) -> None:
    repainted(pdf, "Tm", [0.5, 0, 0, 0.5, 0, 0])


def a_page_scaled_down(pdf: pikepdf.Pdf) -> None:
    written(pdf, b"0.9 0 0 0.9 0 0 cm", first=True)


def small_letters_in_a_drawing(pdf: pikepdf.Pdf) -> None:
    form = pdf.make_stream(b"BT /f1 20 Tf 1 0 0 1 0 0 Tm <0001> Tj ET")
    form.Type, form.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
    form.BBox, form.Matrix = [0, 0, 99, 99], [0.2, 0, 0, 0.2, 0, 0]
    pdf.pages[0].Resources.XObject = pikepdf.Dictionary(Drawn=form)
    written(pdf, b"/Span <</MCID 999>> BDC /Drawn Do EMC")


def two_headings_swapped(pdf: pikepdf.Pdf) -> None:
    first, second = structure(pdf, "H2")[:2]
    first.T, second.T = second.T, first.T


def no_comparison(pdf: pikepdf.Pdf) -> None:
    structure(pdf, "H1")[1].T = pikepdf.String("Autre chose")


def pale_letters(pdf: pikepdf.Pdf) -> None:
    repainted(pdf, "scn", [0.6, 0.6, 0.6])


def a_pale_bar(pdf: pikepdf.Pdf) -> None:
    written(pdf, b"0.8 g 10 10 100 10 re f")


def faint_letters(pdf: pikepdf.Pdf) -> None:
    pdf.pages[0].Resources.ExtGState = pikepdf.Dictionary(Faint=pikepdf.Dictionary(ca=0.4))
    written(pdf, b"/Faint gs", first=True)


def no_tree(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.StructTreeRoot


def not_marked(pdf: pikepdf.Pdf) -> None:
    pdf.Root.MarkInfo.Marked = False


def letters_without_a_tag(pdf: pikepdf.Pdf) -> None:
    written(pdf, b"0 g BT /f1 12 Tf 1 0 0 1 9 9 Tm <0001> Tj ET")


def a_picture_without_words(pdf: pikepdf.Pdf) -> None:
    del structure(pdf, "Figure")[0].Alt


def headings_as_paragraphs(pdf: pikepdf.Pdf) -> None:
    for found in [*structure(pdf, "H1"), *structure(pdf, "H2")]:
        found.S = pikepdf.Name.P


def an_unknown_language(pdf: pikepdf.Pdf) -> None:
    pdf.Root.Lang = pikepdf.String("es")


def no_language(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.Lang


def a_font_left_out(pdf: pikepdf.Pdf) -> None:
    for font in pdf.pages[0].Resources.Font.values():
        del font.DescendantFonts[0].FontDescriptor.FontFile2


def another_archive_level(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as meta:
        meta["pdfaid:conformance"] = "B"


def no_colour_profile(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.OutputIntents


def not_for_everybody(pdf: pikepdf.Pdf) -> None:
    with pdf.open_metadata() as meta:
        del meta["pdfuaid:part"]


def its_file_name_for_a_title(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.ViewerPreferences


FAULTS = [
    (a_page_too_many, {"pages"}),
    (a_page_on_its_side, {"portrait"}),
    (a_page_turned, {"portrait"}),
    (smaller_letters, {"letters"}),
    (letters_made_small_by_their_matrix, {"letters"}),
    (a_page_scaled_down, {"letters"}),
    (small_letters_in_a_drawing, {"letters"}),
    (two_headings_swapped, {"headings"}),
    (no_comparison, {"headings"}),
    (pale_letters, {"contrast"}),
    (a_pale_bar, {"contrast"}),
    (faint_letters, {"contrast"}),
    (no_tree, {"headings", "pages", "tags"}),
    (not_marked, {"tags"}),
    (letters_without_a_tag, {"tags"}),
    (a_picture_without_words, {"tags"}),
    (headings_as_paragraphs, {"headings", "pages", "tags"}),
    (an_unknown_language, {"headings", "language"}),
    (no_language, {"headings", "language"}),
    (a_font_left_out, {"fonts"}),
    (another_archive_level, {"archive"}),
    (no_colour_profile, {"archive"}),
    (not_for_everybody, {"accessible"}),
    (its_file_name_for_a_title, {"accessible"}),
]


@pytest.mark.parametrize(("fault", "checks"), FAULTS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_planted_fault_is_found_by_its_check(
    fault: Callable[[pikepdf.Pdf], Any], checks: set[str]
) -> None:
    assert planted(fault) == checks


def test_every_check_has_a_planted_fault() -> None:
    assert set(CHECKS) == set().union(*(checks for _fault, checks in FAULTS))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("proposed", [None, ONE_SERVICE], ids=["bundle", "one service"])
def test_a_right_document_passes_in_every_language(language: str, proposed: Terms | None) -> None:
    made = document(language, **({"proposed": proposed} if proposed else {}))
    assert proofread(render_pdf(made)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_contract_passes_too(language: str) -> None:
    assert proofread(render_pdf(document(language, today=NOTHING))) == []


def test_saving_a_document_again_plants_nothing() -> None:
    assert planted(lambda pdf: None) == set()


def test_what_is_no_pdf_is_said_to_be_none() -> None:
    assert [finding.check for finding in proofread(b"<html>")] == ["file"]


def test_contrast_is_counted_as_wcag_does() -> None:
    assert contrast((0, 0, 0)) == pytest.approx(21)
    assert contrast((1, 1, 1)) == pytest.approx(1)
    grey = 0x76 / 255  # the palest grey that WCAG allows for text on white
    assert contrast((grey, grey, grey)) == pytest.approx(4.54, abs=0.01)


def test_the_smallest_letters_are_those_of_the_footer() -> None:
    with pikepdf.open(io.BytesIO(render_pdf(document("fr")))) as pdf:
        sizes = {round(found.size, 2) for found in painted(pdf) if found.size}
    assert min(sizes) == 10.0
    assert max(sizes) == 20.0


def test_the_command_passes_a_right_file_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "offer.pdf"
    path.write_bytes(render_pdf(document("nl")))
    call_command("check_document", str(path))
    assert "all right" in capsys.readouterr().out


def test_the_command_fails_and_names_every_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "offer.pdf"
    with pikepdf.open(io.BytesIO(render_pdf(document("nl")))) as pdf:
        a_page_on_its_side(pdf)
        no_language(pdf)
        pdf.save(path)
    with pytest.raises(CommandError, match="3 not right"):
        call_command("check_document", str(path))
    said = capsys.readouterr().out
    assert "page 2 is 842 × 595 points" in said
    assert "the language is" in said
    with pytest.raises(CommandError, match="No such file"):
        call_command("check_document", str(tmp_path / "none.pdf"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sample_of_the_docs_passes(language: str, tmp_path: Path) -> None:
    path = tmp_path / "sample.pdf"
    call_command("sample_document", language, str(path))
    assert proofread(path.read_bytes()) == []
