"""Wishes on the sheet: written down by whoever read the letter, ended by a supervisor."""

from __future__ import annotations

from typing import Any

from crm import customers, merges, suppressions
from crm.models import AuditEntry, Suppression
from followups import reconcile
from followups.models import Item
from tests.cast import DAY, PASSWORD, START, SYSTEM, Cast, person
from tests.followups.lists import owed_a_call
from tests.pages.conftest import Enter, set_clock
from tests.pages.test_desk import neighbour
from tests.pages.test_sheet import address, page

FORM = {
    "wish-kind": "dnc_company",
    "wish-campaign": "",
    "wish-origin": "letter",
    "wish-until": "",
    "wish-proof": "letter 12/2026",
    "wish-words": "No more <calls>.",
}
END = {
    "ground": "asked",
    "proof": "letter 13/2026",
    "words": "She wants to hear of us again.",
    "password": PASSWORD,
}


def never(cast: Cast) -> Suppression:
    return suppressions.add(
        customer=cast.dupont,
        kind="dnc_company",
        origin="letter",
        proof="letter 12/2026",
        by=person(cast.amina),
        at=START,
    )


def test_a_letter_is_written_down_and_shuts_the_lamp_until_a_supervisor_ends_it(
    monday: Cast, enter: Enter
) -> None:
    amina, dupont = enter(monday.amina), monday.dupont
    assert "May be called" in page(amina, dupont)
    assert amina.post(address(dupont, "wishes/"), FORM).status_code == 302
    wish = Suppression.objects.get()
    assert (wish.origin, wish.proof) == ("letter", "letter 12/2026")
    shut = page(amina, dupont)
    assert "May be called" not in shut and "written to us" in shut
    assert "No more &lt;calls&gt;." in shut
    end = address(dupont, f"wishes/{wish.pk}/end/")
    assert end not in shut
    assert amina.post(end, END).status_code == 403
    chloe = enter(monday.chloe)
    assert end in page(chloe, dupont)
    assert "letter 12/2026" in chloe.get(end).content.decode()
    assert chloe.post(end, END).status_code == 302
    opened = page(chloe, dupont)
    assert "May be called" in opened
    assert "ended" in opened and "the customer asked for it" in opened


def test_what_is_wrong_is_said_beside_the_field_and_nothing_ends(
    monday: Cast, enter: Enter
) -> None:
    wish, client = never(monday), enter(monday.chloe)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"proof": ""}, "Say where its proof lies"),
        ({"words": "because"}, "Say why, in at least 15 characters."),
        ({"ground": "settled"}, "Select a valid choice."),
        ({"ground": ""}, "This field is required."),
        ({"password": "a guess"}, "This is not your password."),
        ({"password": ""}, "Type your password"),
    ]
    for more, words in wrong:
        answer = client.post(address(monday.dupont, f"wishes/{wish.pk}/end/"), END | more)
        assert answer.status_code == 422, more
        assert words in answer.content.decode(), more
    wish.refresh_from_db()
    assert wish.lifted_at is None
    for more, words in (({"wish-proof": ""}, "required"), ({"wish-kind": "x"}, "valid choice")):
        answer = client.post(address(monday.dupont, "wishes/"), FORM | more)
        assert answer.status_code == 422
        assert words in answer.content.decode()
    assert Suppression.objects.count() == 1


def test_another_teams_wish_is_not_found_and_neither_is_another_customers(
    monday: Cast, enter: Enter
) -> None:
    wish = never(monday)
    assert enter(monday.bram).post(address(monday.dupont, "wishes/"), FORM).status_code == 404
    other = neighbour(monday, 1)
    client = enter(monday.chloe)
    assert client.post(address(other, f"wishes/{wish.pk}/end/"), END).status_code == 404
    wish.refresh_from_db()
    assert wish.lifted_at is None
    assert not AuditEntry.objects.filter(action="suppression_lifted").exists()


def test_the_wish_of_a_merged_row_is_the_persons_and_ends_from_either_sheet(
    monday: Cast, enter: Enter
) -> None:
    wish, other = never(monday), neighbour(monday, 1)
    merges.merge(customer=monday.dupont, into=other, by=person(monday.chloe), at=START)
    client = enter(monday.chloe)
    end = address(other, f"wishes/{wish.pk}/end/")
    customers.hold([other.pk])
    assert client.post(end, END).status_code == 302
    wish.refresh_from_db()
    assert wish.lift_ground == "asked"


def test_a_promised_call_is_a_decision_while_the_wish_stands_and_owed_again_after_it(
    monday: Cast, enter: Enter
) -> None:
    owed_a_call(monday, monday.dupont)
    wish = never(monday)
    reconcile.run(at=START + DAY)
    item = Item.objects.get(kind=Item.Kind.CONFLICT, closed_at=None)
    set_clock(START + DAY)
    end = address(monday.dupont, f"wishes/{wish.pk}/end/")
    assert enter(monday.chloe).post(end, END).status_code == 302
    reconcile.run(at=START + 2 * DAY)
    item.refresh_from_db()
    assert (item.closed_cause, item.closed_at) == ("wish_ended", START + 2 * DAY)
    suppressions.add(
        customer=monday.dupont, kind="deceased", origin="import", by=SYSTEM, at=START + 3 * DAY
    )
    reconcile.run(at=START + 3 * DAY)
    assert Item.objects.filter(kind=Item.Kind.CONFLICT, closed_at=None).count() == 1
