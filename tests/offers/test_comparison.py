"""The figures of an offer, against a slow count by hand and against what must always hold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offers.comparison import Line, Step, Terms, compare, month_start, running_cost, sentence
from offers.wording import LANGUAGES, money, read
from tests.offers.sample import ON, PROPOSED, TODAY, document

amounts = st.decimals(min_value=0, max_value=500, places=2)
days = st.dates(min_value=date(2025, 1, 1), max_value=date(2030, 12, 31))
promotions = st.none() | st.tuples(amounts, days)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    promo = draw(promotions)
    return Line(
        draw(st.sampled_from(["Internet", "Mobile", "TV", "Phone"])),
        draw(amounts),
        promo_monthly=promo[0] if promo else None,
        promo_until=promo[1] if promo else None,
        one_off=draw(amounts),
        quantity=draw(st.integers(1, 4)),
        commitment_until=draw(st.none() | days),
    )


terms = st.builds(
    Terms,
    plan=st.sampled_from(["A", "B"]),
    lines=st.lists(lines(), max_size=4).map(tuple),
    commitment_until=st.none() | days,
    termination_fee=amounts,
)


@given(terms, days)
def test_a_contract_beside_itself_changes_nothing(same: Terms, on: date) -> None:
    seen = compare(same, same, on)
    assert (seen.saving12, seen.saving24, seen.difference, seen.difference_after) == (0, 0, 0, 0)
    assert seen.same
    assert not seen.dearer
    assert seen.gained == seen.lost == ()


@given(terms, terms, days)
def test_two_years_never_cost_less_than_one(today: Terms, proposed: Terms, on: date) -> None:
    seen = compare(today, proposed, on)
    assert seen.today.cost24 >= seen.today.cost12
    assert seen.proposed.cost24 >= seen.proposed.cost12


@given(terms, terms, lines(), days)
def test_one_more_line_never_makes_an_offer_cheaper(
    today: Terms, proposed: Terms, line: Line, on: date
) -> None:
    fuller = replace(proposed, lines=(*proposed.lines, line))
    if fuller != today:
        assert compare(today, fuller, on).proposed.cost24 >= running_cost(proposed, on, 24)
    if proposed != today and fuller != today:
        before, after = compare(today, proposed, on), compare(today, fuller, on)
        assert after.proposed.cost12 >= before.proposed.cost12
        assert after.saving24 <= before.saving24


@given(terms, terms, st.decimals(min_value="0.01", max_value=500, places=2), days)
def test_a_dearer_exit_never_makes_an_offer_cheaper(
    today: Terms, proposed: Terms, fee: Decimal, on: date
) -> None:
    if proposed.plan == today.plan:
        proposed = replace(proposed, plan="C")
    heavier = replace(today, termination_fee=today.termination_fee + fee)
    assert compare(heavier, proposed, on).saving24 <= compare(today, proposed, on).saving24


@given(terms, days, st.sampled_from([12, 24]))
def test_the_running_cost_is_the_months_counted_one_by_one(
    counted: Terms, on: date, months: int
) -> None:
    total = Decimal(0)
    for index in range(months):
        last_day = month_start(on, index + 1) - timedelta(days=1)
        for line in counted.lines:
            promoted = line.promo_until is not None and last_day <= line.promo_until
            price = line.promo_monthly if promoted else line.monthly
            total += (price or Decimal(0)) * line.quantity
    assert running_cost(counted, on, months) == total


@given(terms, terms, days)
def test_every_day_has_the_difference_of_its_prices(
    today: Terms, proposed: Terms, on: date
) -> None:
    seen = compare(today, proposed, on)
    for ahead in range(0, 800, 37):
        day = on + timedelta(days=ahead)
        step = [s for s in seen.differences if s.since <= day][-1]
        assert step.amount == proposed.monthly(day) - today.monthly(day)
        assert seen.proposed.monthly_on(day) == proposed.monthly(day)


@given(terms, terms, days, st.sampled_from(LANGUAGES))
def test_the_sentence_says_dearer_exactly_when_it_is(
    today: Terms, proposed: Terms, on: date, language: str
) -> None:
    seen = compare(today, proposed, on)
    opening = read("comparison_texts")["dearer"][language].split(" {")[0].split(" :")[0]
    said = sentence(seen, language)
    assert said.startswith(opening) == seen.dearer
    assert "{" not in said
    assert said.endswith(".")


@given(st.dates(date(2024, 1, 1), date(2031, 1, 1)), st.integers(0, 30))
def test_months_follow_each_other(on: date, months: int) -> None:
    start = month_start(on, months)
    assert month_start(on, months + 1) > start
    assert start.day <= on.day


def test_the_31st_becomes_the_last_day_of_a_shorter_month() -> None:
    assert month_start(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert month_start(date(2026, 12, 31), 2) == date(2027, 2, 28)
    assert month_start(date(2028, 1, 31), 1) == date(2028, 2, 29)


def test_the_example_adds_up() -> None:
    seen = compare(TODAY, PROPOSED, ON)
    assert seen.today.monthly == Decimal("60.95")
    assert seen.today.cost24 == Decimal("1462.80")
    assert seen.proposed.steps == (
        Step(ON, Decimal("51.00")),
        Step(date(2027, 4, 1), Decimal("70.00")),
    )
    assert seen.proposed.one_off == Decimal("59.00")
    assert seen.proposed.termination == Decimal("75.00")
    assert seen.proposed.cost12 == 12 * Decimal("51.00") + 59 + 75
    # 12 whole months of promotion: the month that begins on 2 March 2027 outlasts it.
    assert seen.proposed.cost24 == 12 * Decimal("51.00") + 12 * Decimal("70.00") + 59 + 75
    assert seen.dearer
    assert seen.gained == ("Fibre internet", "Mobile")
    assert seen.lost == ("Internet", "Fixed phone")


def test_a_month_has_its_promotional_price_only_when_covered_whole() -> None:
    whole = Line("TV", Decimal(10), promo_monthly=Decimal(4), promo_until=date(2027, 3, 1))
    short = replace(whole, promo_until=date(2027, 2, 28))
    assert running_cost(Terms("A", (whole,)), ON, 12) == 12 * 4
    assert running_cost(Terms("A", (short,)), ON, 12) == 11 * 4 + 10


def test_a_commitment_that_is_over_costs_nothing_to_leave() -> None:
    over = replace(TODAY, commitment_until=ON)
    assert compare(over, PROPOSED, ON).proposed.termination == 0


def test_a_line_that_stays_is_not_paid_for_again() -> None:
    router = Line("Router", Decimal("3.00"), one_off=Decimal("50.00"))
    today = Terms("A", (router,))
    proposed = Terms("B", (router, Line("TV", Decimal("5.00"), one_off=Decimal("10.00"))))
    assert compare(today, proposed, ON).proposed.one_off == Decimal("10.00")


def test_a_promotion_needs_its_last_day() -> None:
    with pytest.raises(ValueError, match="last day"):
        Line("TV", Decimal(5), promo_monthly=Decimal(1))
    with pytest.raises(ValueError, match="last day"):
        Line("TV", Decimal(5), promo_until=ON)
    with pytest.raises(ValueError, match="one piece"):
        Line("TV", Decimal(5), quantity=0)


SHORT = Terms("A", (Line("Internet", Decimal("40.00")),))


def cheaper(by: str, **other: date) -> Terms:
    return Terms("B", (Line("Internet", Decimal("40.00") - Decimal(by)),), **other)


CHEAPER = {
    "en": "You would pay €12.00 less a month, €288.00 less over 24 months; "
    "in return the commitment runs to 31 May 2028.",
    "fr": "Vous paieriez 12,00 € de moins par mois, soit 288,00 € de moins sur 24 mois ; "
    "en contrepartie, l’engagement court jusqu’au 31 mai 2028.",
    "nl": "U betaalt dan € 12,00 minder per maand, dat is € 288,00 minder over 24 maanden; "
    "in ruil daarvoor bent u gebonden tot 31 mei 2028.",
    "de": "Sie zahlen dann 12,00 € weniger im Monat, das sind 288,00 € weniger über 24 Monate; "
    "dafür läuft die Bindung bis zum 31. Mai 2028.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cheaper_offer_in_every_language(language: str) -> None:
    seen = compare(SHORT, cheaper("12.00", commitment_until=date(2028, 5, 31)), ON)
    assert sentence(seen, language).replace("\u00a0", " ") == CHEAPER[language]


def test_an_equal_offer_says_the_same() -> None:
    assert sentence(compare(SHORT, cheaper("0"), ON), "en") == (
        "You would pay the same as today: €40.00 a month, and the same over 24 months."
    )


def test_fewer_euros_a_month_that_cost_more_in_all_are_said_to_be_dearer() -> None:
    offer = Terms("B", (Line("Internet", Decimal("39.00"), one_off=Decimal("60.00")),))
    assert sentence(compare(SHORT, offer, ON), "en") == (
        "This offer is dearer than what you have today: you would pay €1.00 less a month, "
        "but in all €36.00 more over 24 months (€60.00 one-off included)."
    )


def test_a_promotion_that_ends_is_said_with_its_day() -> None:
    line = Line("Internet", Decimal("45.00"), Decimal("20.00"), date(2027, 9, 30))
    said = sentence(compare(SHORT, Terms("B", (line,)), ON), "en")
    assert "€20.00 less a month at first, then €5.00 more a month from 1 October 2027" in said


def test_leaving_a_commitment_for_none_is_said() -> None:
    held = replace(SHORT, commitment_until=date(2027, 1, 1))
    said = sentence(compare(held, cheaper("1.00"), ON), "en")
    assert said.endswith("; and you would no longer be committed.")


def test_every_text_exists_in_every_language() -> None:
    for room in ("comparison_texts", "document_texts", "letter_texts"):
        for key, texts in read(room).items():
            assert set(texts) == set(LANGUAGES), f"{room}: {key}"
            assert all(texts.values()), f"{room}: {key}"


NOTHING = Terms("", ())


@given(terms, days, st.sampled_from(LANGUAGES))
def test_without_a_contract_today_nothing_is_dearer_or_cheaper(
    proposed: Terms, on: date, language: str
) -> None:
    seen = compare(NOTHING, proposed, on)
    assert seen.alone and not seen.dearer
    assert seen.proposed.termination == 0 and seen.lost == ()
    said = sentence(seen, language)
    assert money(seen.proposed.cost24, language) in said
    compared_words = ("dearer", "plus chère", "duurder", "teurer", " less", "de moins", "minder")
    assert not any(word in said for word in compared_words)


@given(terms, terms, days)
def test_the_window_is_the_running_cost_and_what_is_paid_once(
    today: Terms, proposed: Terms, on: date
) -> None:
    seen = compare(today, proposed, on)
    once = seen.proposed.one_off + seen.proposed.termination
    assert seen.proposed.cost12 == running_cost(proposed, on, 12) + once
    assert seen.proposed.cost24 == running_cost(proposed, on, 24) + once
    assert seen.today.cost24 == running_cost(today, on, 24)
    assert seen.saving24 == seen.today.cost24 - seen.proposed.cost24


@given(terms, terms, days)
def test_amounts_are_decimals_to_the_cent(today: Terms, proposed: Terms, on: date) -> None:
    seen = compare(today, proposed, on)
    for side in (seen.today, seen.proposed):
        for amount in (side.monthly, side.monthly_after, side.one_off, side.cost12, side.cost24):
            assert isinstance(amount, Decimal)
            assert amount == amount.quantize(Decimal("0.01"))


@given(terms, terms, days)
def test_gained_and_lost_change_places_with_the_contracts(
    today: Terms, proposed: Terms, on: date
) -> None:
    there, back = compare(today, proposed, on), compare(proposed, today, on)
    assert (there.gained, there.lost) == (back.lost, back.gained)
    assert not set(there.gained) & set(there.lost)


@given(terms, terms, days)
def test_a_later_end_of_the_commitment_is_the_one_that_is_said(
    today: Terms, proposed: Terms, on: date
) -> None:
    ends = [line.commitment_until for line in proposed.lines] + [proposed.commitment_until]
    seen = compare(today, proposed, on).proposed.commitment_until
    assert seen == max((end for end in ends if end), default=None)


@given(amounts, amounts, st.integers(1, 40))
def test_a_promotion_counts_its_months_and_no_more(
    full: Decimal, reduced: Decimal, months: int
) -> None:
    last = month_start(ON, months) - timedelta(days=1)
    line = Line("TV", full, promo_monthly=reduced, promo_until=last)
    inside = min(months, 24)
    assert running_cost(Terms("A", (line,)), ON, 24) == inside * reduced + (24 - inside) * full


def test_dearer_a_month_can_be_cheaper_over_two_years() -> None:
    line = Line("Internet", Decimal("45.00"), Decimal("20.00"), date(2027, 9, 1))
    seen = compare(SHORT, Terms("B", (line,)), ON)
    assert seen.difference_after > 0 and not seen.dearer
    assert sentence(seen, "en") == (
        "You would pay €20.00 less a month at first, then €5.00 more a month from "
        "2 September 2027, but in all €330.00 less over 24 months."
    )


def test_cheaper_at_once_after_a_dear_start_is_said_in_that_order() -> None:
    dear = Line("Internet", Decimal("30.00"), Decimal("42.00"), date(2026, 6, 1))
    assert sentence(compare(SHORT, Terms("B", (dear,)), ON), "en").startswith(
        "You would pay €2.00 more a month at first, then €10.00 less a month from 2 June 2026, and"
    )


def test_a_promotion_that_outlasts_the_window_covers_all_of_it() -> None:
    line = Line("Internet", Decimal("45.00"), Decimal("20.00"), date(2029, 1, 31))
    seen = compare(SHORT, Terms("B", (line,)), ON)
    assert seen.proposed.cost24 == 24 * Decimal("20.00")
    assert "€480.00 less over 24 months" in sentence(seen, "en")


def test_a_promotion_that_is_over_plays_no_part() -> None:
    line = Line("Internet", Decimal("45.00"), Decimal("20.00"), ON - timedelta(days=1))
    seen = compare(SHORT, Terms("B", (line,)), ON)
    assert seen.proposed.steps == (Step(ON, Decimal("45.00")),)


def test_many_changes_are_told_by_the_last() -> None:
    steps = tuple(
        Line(f"TV {n}", Decimal(10), Decimal(n), date(2026, 3 + n, 1)) for n in range(1, 7)
    )
    said = sentence(compare(SHORT, Terms("B", (*SHORT.lines, *steps)), ON), "en")
    assert "changing step by step to €60.00 more a month from 2 September 2026" in said
    assert said.count("from") == 1


FIRST_CONTRACT = {
    "en": "You would pay €51.00 a month at first, then €70.00 a month from 1 April 2027, and in "
    "all €1,511.00 over 24 months (€59.00 one-off included); the commitment runs to 31 May 2028.",
    "fr": "Vous paieriez d’abord 51,00 € par mois, puis 70,00 € par mois à partir du 1er avril "
    "2027, et au total 1 511,00 € sur 24 mois (y compris 59,00 € de frais uniques) ; "
    "l’engagement court jusqu’au 31 mai 2028.",
    "nl": "U betaalt dan eerst € 51,00 per maand, daarna € 70,00 per maand vanaf 1 april 2027, en "
    "in totaal € 1.511,00 over 24 maanden (inbegrepen: € 59,00 eenmalige kosten); u bent "
    "gebonden tot 31 mei 2028.",
    "de": "Sie zahlen dann zunächst 51,00 € im Monat, dann 70,00 € im Monat ab dem 1. April 2027, "
    "insgesamt 1.511,00 € über 24 Monate (einschließlich 59,00 € einmaliger Kosten); die Bindung "
    "läuft bis zum 31. Mai 2028.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_first_contract_is_told_by_what_it_costs(language: str) -> None:
    said = sentence(compare(NOTHING, PROPOSED, ON), language)
    assert re.sub(r"\s", " ", said) == FIRST_CONTRACT[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_beside_nothing_the_document_shows_no_column_for_today(language: str) -> None:
    compared = document(language, today=NOTHING).compared
    assert {len(row) for row in compared.table.rows} == {2}
    assert compared.heading == read("document_texts")["alone"][language]
    assert compared.changes == ()
    assert compared.bars[0].share < compared.bars[1].share == 1000
