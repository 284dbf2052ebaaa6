"""Wishes that people write down and end: nothing without proof, nothing ended without a ground."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from crm import consents, suppressions, wishes
from crm.consents import Given
from crm.models import AuditEntry, Campaign, Consent, Suppression
from crm.wishes import Refused, Said
from tests.cast import DAY, HOUR, START, Cast, person

SAID = Said(kind="dnc_company", origin="letter", proof="letter 12/2026", words="Ne m'appelez plus.")
WHY = "She wrote that she wants to hear of us again."
LATER = START + DAY


def written(cast: Cast, **more: object) -> Suppression:
    said = replace(SAID, **more)  # type: ignore[arg-type]
    return wishes.record(customer=cast.dupont, said=said, by=person(cast.amina), at=START)


def ended(cast: Cast, wish: Suppression, ground: str, proof: str = "", words: str = WHY) -> bool:
    return wishes.end(
        suppression=wish, ground=ground, proof=proof, words=words, by=person(cast.chloe), at=LATER
    )


def test_a_letter_is_a_wish_with_its_proof_and_its_author_and_ends_consents(cast: Cast) -> None:
    given = Given(origin="call", proof="recording 4711", given_at=START - DAY)
    consents.record(customer=cast.dupont, given=given, by=person(cast.amina), at=START)
    wish = written(cast)
    assert (wish.origin, wish.proof, wish.created_by) == (
        "letter",
        "letter 12/2026",
        person(cast.amina).code,
    )
    assert wish.text.words == "Ne m'appelez plus."
    assert wish.until_at is None
    assert Consent.objects.get().withdrawn_at == START
    assert written(cast) == wish


def test_a_passing_matter_ends_when_it_is_said_or_by_itself(cast: Cast) -> None:
    until = START + 20 * DAY
    assert written(cast, kind="bereavement", until=until).until_at == until
    assert written(cast, kind="complaint").until_at == START + suppressions.LASTS["complaint"]


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("kind", {"kind": "customer_pause"}),
        ("kind", {"kind": "whatever"}),
        ("origin", {"origin": "page"}),
        ("proof", {"proof": "  "}),
        ("proof", {"proof": "x" * 81}),
        ("campaign", {"kind": "dnc_campaign"}),
        ("until", {"until": START + DAY}),
        ("until", {"kind": "complaint", "until": START}),
        ("until", {"kind": "complaint", "until": START + timedelta(days=367)}),
    ],
)
def test_what_cannot_be_a_wish_is_refused_in_words(
    cast: Cast, field: str, more: dict[str, object]
) -> None:
    with pytest.raises(Refused) as refusal:
        written(cast, **more)
    assert refusal.value.field == field
    assert str(refusal.value).endswith(".")
    assert not Suppression.objects.exists()


def test_a_campaign_is_named_only_where_the_wish_is_about_one(cast: Cast) -> None:
    fibre = Campaign.objects.create(slug="fibre", name="Fibre", team=cast.liege)
    with pytest.raises(Refused):
        written(cast, campaign=fibre)
    assert written(cast, kind="dnc_campaign", campaign=fibre).campaign == fibre


def test_a_never_ends_when_the_customer_asks_and_that_can_be_shown(cast: Cast) -> None:
    wish = written(cast)
    with pytest.raises(Refused) as refusal:
        ended(cast, wish, "asked", proof=" ")
    assert refusal.value.field == "proof"
    assert ended(cast, wish, "asked", proof="letter 13/2026")
    wish.refresh_from_db()
    assert (wish.lifted_at, wish.lifted_by) == (LATER, person(cast.chloe).code)
    assert (wish.lift_ground, wish.lift_proof) == ("asked", "letter 13/2026")
    wish.text.refresh_from_db()
    assert (wish.text.words, wish.text.lift_words) == ("Ne m'appelez plus.", WHY)
    assert AuditEntry.objects.filter(action="suppression_lifted").count() == 1
    assert not ended(cast, wish, "asked", proof="letter 14/2026"), "it had ended"


@pytest.mark.parametrize(
    ("kind", "origin", "ground"),
    [
        ("dnc_company", "letter", "settled"),
        ("dnc_company", "page", "mistake"),
        ("customer_pause", "page", "mistake"),
        ("complaint", "mail", "mistake"),
        ("deceased", "call", "asked"),
        ("deceased", "call", "settled"),
        ("separated", "merge", "asked"),
        ("dnc_company", "letter", "because"),
    ],
)
def test_nobody_ends_a_wish_on_a_ground_that_it_does_not_know(
    cast: Cast, kind: str, origin: str, ground: str
) -> None:
    wish = suppressions.add(
        customer=cast.dupont, kind=kind, origin=origin, by=person(cast.amina), at=START
    )
    with pytest.raises(Refused) as refusal:
        ended(cast, wish, ground, proof="letter 13/2026")
    assert refusal.value.field == "ground"
    wish.refresh_from_db()
    assert wish.lifted_at is None


def test_every_kind_may_end_and_a_reason_is_always_given(cast: Cast) -> None:
    assert set(wishes.GROUNDS) == set(Suppression.Kind)
    assert all(wishes.GROUNDS.values())
    wish = written(cast, kind="deceased")
    with pytest.raises(Refused) as refusal:
        ended(cast, wish, "mistake", words="oops")
    assert refusal.value.field == "words"
    assert ended(cast, wish, "mistake")


def test_what_stands_comes_first_and_what_ended_says_when(cast: Cast) -> None:
    old = written(cast, kind="complaint", until=START + HOUR)
    gone = written(cast, kind="bereavement")
    assert ended(cast, gone, "settled")
    never = written(cast)
    found = wishes.lines([cast.dupont.pk], at=START + 2 * DAY)
    assert (found[0].row, found[0].ended_at) == (never, None)
    assert {line.row: line.ended_at for line in found[1:]} == {old: START + HOUR, gone: LATER}
