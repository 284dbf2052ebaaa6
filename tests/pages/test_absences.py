"""The page of absences: planned, stood in for on the desk, and ended."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from crm.models import Absence, User
from tests.cast import DAY, START, Cast, brussels
from tests.crm.test_absences import away, colleague
from tests.followups.test_callbacks import SLOT, asked
from tests.pages.conftest import Enter, set_clock

DAYS = {"absence-first": "2026-03-03", "absence-last": "2026-03-06"}


def text(client: Client, path: str) -> str:
    return client.get(path).content.decode()


def test_a_supervisor_plans_for_an_agent_and_ends_it(monday: Cast, enter: Enter) -> None:
    noor = colleague(monday, "noor")
    client = enter(monday.chloe)
    assert "Nobody is away" in text(client, "/absences/")
    form = DAYS | {"absence-user": monday.amina.pk, "absence-deputy": noor.pk}
    assert client.post("/absences/", form).status_code == 302
    row = Absence.objects.get()
    assert (row.user, row.deputy, row.created_by) == (
        monday.amina,
        noor,
        f"user:{monday.chloe.pk}",
    )
    assert (row.from_at, row.until_at) == (
        brussels("2026-03-03 00:00"),
        brussels("2026-03-07 00:00"),
    )
    page = text(client, "/absences/")
    assert "3 Mar 2026 – 6 Mar 2026" in page and "Noor stands in" in page
    assert "away now" not in page
    set_clock(START + DAY)
    assert "away now" in text(client, "/absences/")
    answer = client.post(f"/absences/{row.pk}/end/", follow=True)
    assert "Amina is here again" in answer.content.decode()
    again = client.post(f"/absences/{row.pk}/end/", follow=True)
    assert "It had ended already." in again.content.decode()
    assert "Noor stands in" not in text(client, "/absences/")


def test_an_agent_plans_for_themselves_and_is_not_asked_for_whom(
    monday: Cast, enter: Enter
) -> None:
    client = enter(monday.amina)
    assert "Who is away" not in text(client, "/absences/")
    sly = DAYS | {"absence-user": monday.chloe.pk, "absence-deputy": ""}
    client.post("/absences/", sly)
    row = Absence.objects.get()
    assert (row.user, row.deputy) == (monday.amina, None)
    assert "nobody stands in" in text(client, "/absences/")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"absence-last": "2026-03-01"}, "It would end before it began."),
        ({"absence-first": "2026-02-02", "absence-last": "2026-03-01"}, "passed already"),
        ({"absence-deputy": "amina"}, "Nobody stands in for themselves."),
        ({"absence-deputy": "bram"}, "Select a valid choice."),
        ({"absence-first": ""}, "This field is required."),
        ({"absence-user": "bram"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_is_said_beside_the_field(
    monday: Cast, enter: Enter, more: dict[str, str], words: str
) -> None:
    named = {key: getattr(getattr(monday, value, None), "pk", value) for key, value in more.items()}
    form: dict[str, Any] = DAYS | {"absence-user": monday.amina.pk} | named
    answer = enter(monday.chloe).post("/absences/", form)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Absence.objects.exists()


@pytest.mark.parametrize("who", ["bram", "eva", "dirk", "noor"])
def test_nobody_ends_what_is_not_theirs(monday: Cast, enter: Enter, who: str) -> None:
    noor = colleague(monday, "noor")
    row = away(monday.amina, noor)
    somebody: User = noor if who == "noor" else getattr(monday, who)
    assert enter(somebody).post(f"/absences/{row.pk}/end/").status_code == 404
    row.refresh_from_db()
    assert row.ended_at is None
    assert ("Amina" in text(enter(somebody), "/absences/")) == (who == "noor")


def test_the_deputys_desk_says_whose_it_is_and_the_call_is_let_through(
    monday: Cast, enter: Enter
) -> None:
    noor = colleague(monday, "noor")
    away(monday.amina, noor)
    promise = asked(monday)
    set_clock(SLOT)
    client = enter(noor)
    desk = text(client, "/desk/")
    assert f"{promise.reference}</span> · Amina" in desk
    taken = client.post(f"/customers/{monday.dupont.reference}/take/")
    assert "?decision=" in taken["Location"]
