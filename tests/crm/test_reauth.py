"""The password once more: the own one, few guesses, also when they come at once."""

from __future__ import annotations

import threading
from datetime import datetime

import pytest
from django.test import RequestFactory

from crm import reauth
from crm.models import AuditEntry, User
from tests.cast import MINUTE, PASSWORD, START, Cast
from tests.races import Thread


def confirm(user: User, password: str = PASSWORD, *, at: datetime = START) -> bool:
    request = RequestFactory().post("/")
    return reauth.confirm(request, user=user, password=password, at=at)


def test_the_own_password_confirms_and_leaves_nothing_behind(cast: Cast) -> None:
    assert confirm(cast.chloe)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("guess", ["", "guess", PASSWORD.upper(), f" {PASSWORD}", "x" * 5000])
def test_another_password_does_not_and_is_written_down(cast: Cast, guess: str) -> None:
    assert not confirm(cast.chloe, guess)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("password_wrong", f"user:{cast.chloe.pk}")
    assert entry.data == {}


def test_who_has_left_confirms_nothing(cast: Cast) -> None:
    User.objects.filter(pk=cast.chloe.pk).update(is_active=False)
    assert not confirm(cast.chloe)


def test_five_wrong_ones_lock_that_person_for_a_quarter_of_an_hour(cast: Cast) -> None:
    for _ in range(5):
        assert not confirm(cast.chloe, "guess")
    with pytest.raises(reauth.Locked):
        confirm(cast.chloe, at=START + 14 * MINUTE)
    assert confirm(cast.dirk)
    assert confirm(cast.chloe, at=START + 15 * MINUTE)


@pytest.mark.django_db(transaction=True)
def test_guesses_that_come_at_once_are_counted_one_by_one(cast: Cast) -> None:
    barrier = threading.Barrier(12)

    def guess() -> bool | None:
        barrier.wait(30)
        try:
            return confirm(cast.chloe, "guess")
        except reauth.Locked:
            return None

    answers = [thread.answer() for thread in [Thread(guess) for _ in range(12)]]
    assert answers.count(False) == 5
    assert AuditEntry.objects.filter(action="password_wrong").count() == 5
