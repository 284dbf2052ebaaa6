"""The password once more: the own one, few guesses, also when they come at once."""

from __future__ import annotations

import threading
import time

import pytest
from allauth.core.internal import ratelimit
from django.test import Client, RequestFactory

from crm import reauth
from crm.models import AuditEntry, User
from tests.cast import PASSWORD, Cast
from tests.races import Thread


def confirm(user: User, password: str = PASSWORD) -> bool:
    request = RequestFactory().post("/")
    request.user = user
    return reauth.confirm(request, user=user, password=password)


def later(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """The clock by which guesses are counted goes on."""
    at = time.time() + 60 * minutes
    monkeypatch.setattr(ratelimit.time, "time", lambda: at)


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


def test_five_wrong_ones_lock_that_person_for_a_quarter_of_an_hour(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        assert not confirm(cast.chloe, "guess")
    later(monkeypatch, 14)
    with pytest.raises(reauth.Locked):
        confirm(cast.chloe)
    assert confirm(cast.dirk)
    later(monkeypatch, 2)
    assert confirm(cast.chloe)


def test_right_ones_use_nothing_up(cast: Cast) -> None:
    assert all(confirm(cast.chloe) for _ in range(6))


def test_a_guess_at_the_log_in_counts_here_too(cast: Cast) -> None:
    for _ in range(5):
        Client().post("/login/", {"username": "chloe", "password": "guess"})
    with pytest.raises(reauth.Locked):
        confirm(cast.chloe)


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
    looked_at = AuditEntry.objects.filter(action="password_wrong").count()
    assert 1 <= answers.count(False) == looked_at <= 5
