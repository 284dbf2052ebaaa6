"""The page limit: kept by every offer in every language, without small letters or lost figures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pikepdf
import pytest

from offers import rendering
from offers.comparison import Line, Terms
from offers.fitting import CUTS, SIZES, Cut, shorten, ways
from offers.proofreading import proofread
from offers.rendering import TooLong, render_html, render_many, render_pdf
from offers.sheet import Content
from offers.summary import SECTIONS
from offers.typesetting import PAGE_WIDTH, set_table
from offers.wording import LANGUAGES, say
from tests.offers.sample import TODAY, document

LONG = "Option de télévision avec un nom très long, et même plus long que cela " * 2
HOSTILE = '#panic("x") $a$ <b> {{ x }} \u202eRTL שלום 中文 😀 \x00\ud800 ' + "W" * 200


def lines(count: int, label: str = "Option", speed: int | None = None) -> Terms:
    made = tuple(
        Line(
            f"{label} {n}",
            Decimal(n),
            promo_monthly=Decimal("0.50"),
            promo_until=date(2026 + n % 4, 5, 1 + n % 28),
            one_off=Decimal(n),
            speed_down_mbps=speed,
            volume=f"{n} GB",
            commitment_until=date(2027, 1, 1 + n % 28),
        )
        for n in range(1, count + 1)
    )
    return Terms("Paquet", made, date(2029, 1, 1), Decimal(100))


def pages_of_summary(pdf: bytes) -> int:
    """Pages before the second main entry of the outline."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        numbers = {page.obj.objgen: at for at, page in enumerate(opened.pages)}
        with opened.open_outline() as outline:
            return numbers[outline.root[1].destination[0].objgen]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("label", ["Option", LONG, HOSTILE], ids=["short", "long", "hostile"])
@pytest.mark.parametrize(("speed", "limit"), [(None, 1), (100, 3)], ids=["single", "bundle"])
def test_forty_lines_keep_the_page_limit_and_pass_the_checker(
    language: str, label: str, speed: int | None, limit: int
) -> None:
    content = document(language, proposed=lines(40, label, speed))
    assert content.page_limit == limit
    pdf = render_pdf(content)
    assert 1 <= pages_of_summary(pdf) <= limit
    assert proofread(pdf) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_offer_that_is_hostile_in_every_field_keeps_the_limit(language: str) -> None:
    content = document(
        language,
        proposed=replace(lines(40, HOSTILE), plan=HOSTILE * 3),
        company=HOSTILE * 3,
        contact=HOSTILE * 3,
        reference=HOSTILE * 3,
        extra=dict.fromkeys(SECTIONS, (HOSTILE * 3,) * 12),
    )
    pdf = render_pdf(content)
    assert pages_of_summary(pdf) == 1
    assert proofread(pdf) == []


def test_a_short_offer_is_set_in_the_largest_letters() -> None:
    first = next(ways(document("fr", proposed=Terms("Mobile", (Line("Mobile", Decimal(9)),)))))
    assert (first.size, first.pages) == (SIZES[0], 2)


def test_letters_shrink_before_words_go_and_never_below_ten_points() -> None:
    tried = list(ways(document("de", proposed=lines(20))))
    assert [way.size for way in tried] == sorted((way.size for way in tried), reverse=True)
    assert tried[-1].size == 10
    whole = [way for way in tried if way.content.annex is None]
    assert tried[: len(whole)] == whole


def test_what_is_cut_stands_whole_in_the_annex_and_the_total_stays() -> None:
    content = document("en", proposed=lines(40))
    short = shorten(content, Cut(lines=5, texts=2, letters=400))
    assert short.annex is not None
    full = {section.id: section for section in short.annex.sections}
    assert full["price"] == content.sections[2]
    table, whole = short.sections[2].table, content.sections[2].table
    assert table is not None and whole is not None
    assert len(table.rows) == 5 + 1 + 1
    assert table.rows[-1] == whole.rows[-1]
    assert table.rows[5][0] == "35 more: see the annex on the last pages"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cut", CUTS)
def test_the_fixed_sentences_are_never_cut(language: str, cut: Cut) -> None:
    content = document(language)
    short = shorten(content, cut)
    for before, after in zip(content.sections, short.sections, strict=True):
        assert after.paragraphs[: len(before.paragraphs)] == before.paragraphs
        assert after.heading == before.heading


def test_an_offer_that_fits_has_no_annex() -> None:
    assert shorten(document("fr"), CUTS[0]).annex is None


def test_the_page_on_the_web_is_never_shortened() -> None:
    page = render_html(document("en", proposed=lines(40)))
    assert "Option 40" in page
    assert say("document_texts", "annex", "en") not in page


def test_a_summary_that_cannot_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "_compile", lambda way: None)
    with pytest.raises(TooLong, match="more than 3 pages"):
        render_pdf(document())


def test_a_hostile_word_cannot_pass_for_the_engines_own(tmp_path: object) -> None:
    """The sentence with which the template refuses, as a customer's plan."""
    content = document("fr", proposed=Terms(f"{rendering.TOO_LONG} 😀", TODAY.lines))
    assert proofread(render_pdf(content)) == []


def test_a_run_gives_the_same_bytes_one_by_one_and_asks_no_sooner_than_it_needs() -> None:
    asked: list[str] = []

    def source() -> list[Content]:
        return [document(language) for language in LANGUAGES]

    def watched() -> Iterator[Content]:
        for content in source():
            asked.append(content.language)
            yield content

    run = render_many(watched())
    assert next(run) == render_pdf(source()[0])
    assert asked == [LANGUAGES[0]]
    assert list(run) == [render_pdf(content) for content in source()[1:]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_columns_fill_the_page_and_short_rows_have_their_height(language: str) -> None:
    for section in document(language).sections:
        if section.table:
            made = set_table(section.table, 10)
            assert sum(made["widths"]) == pytest.approx(PAGE_WIDTH, abs=0.3)
            assert made["heights"][-1] > 0


def test_a_long_name_gets_the_height_that_it_needs() -> None:
    table = document("fr", proposed=lines(1, LONG)).sections[2].table
    assert table is not None
    assert set_table(table, 10)["heights"][1] == 0
