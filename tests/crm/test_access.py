"""Who may do what, and whose customers each person opens."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied

from crm import access, queries
from crm.models import AuditEntry, Customer, User
from tests.cast import DUPONT_HOME, MINUTE, PEETERS_MOBILE, START, Cast


def seen(user: User, at: object = START) -> set[Customer]:
    return set(access.customers(user, at=at))  # type: ignore[arg-type]


def test_the_table_is_all_there_is(cast: Cast) -> None:
    assert access.may(cast.amina, "log_calls")
    assert not access.may(cast.dirk, "log_calls")
    assert not access.may(cast.eva, "see_customers")
    assert not access.may(cast.eva, "an action that nobody wrote down")
    assert not access.may(AnonymousUser(), "log_calls")  # type: ignore[arg-type]


def test_who_has_left_may_nothing(cast: Cast) -> None:
    cast.amina.is_active = False
    assert not access.may(cast.amina, "log_calls")


def test_a_superuser_flag_opens_nothing(cast: Cast) -> None:
    cast.eva.is_superuser = cast.eva.is_staff = True
    assert not access.may(cast.eva, "see_customers")


def test_require_refuses_with_the_action(cast: Cast) -> None:
    access.require(cast.chloe, "see_board")
    with pytest.raises(PermissionDenied, match="see_board"):
        access.require(cast.amina, "see_board")


def test_each_team_sees_its_own_customers(cast: Cast) -> None:
    dupont, peeters = cast.dupont, cast.peeters
    assert seen(cast.amina) == seen(cast.chloe) == {dupont}
    assert seen(cast.bram) == {peeters}
    assert seen(cast.dirk) == seen(cast.eva) == set()


def test_a_glance_at_another_teams_customer_is_written_down_and_ends(cast: Cast) -> None:
    peeters = cast.peeters
    access.glance(user=cast.amina, customer=peeters, at=START)
    assert seen(cast.amina, START + 29 * MINUTE) == {peeters}
    assert seen(cast.amina, START + 30 * MINUTE) == set()
    assert seen(cast.chloe, START) == set()
    entry = AuditEntry.objects.get(action="other_team_opened")
    assert (entry.by, entry.subject) == (f"user:{cast.amina.pk}", f"customer:{peeters.pk}")


def test_ones_own_customer_needs_no_glance(cast: Cast) -> None:
    access.glance(user=cast.amina, customer=cast.dupont, at=START)
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("text", ["dupont", "DUPÓNT", "eleonore dup", "Éléonore"])
def test_a_name_is_found_whatever_its_accents(cast: Cast, text: str) -> None:
    dupont = cast.dupont
    assert queries.search(text, user=cast.amina, at=START) == [dupont]


def test_a_name_does_not_open_another_team(cast: Cast) -> None:
    assert cast.peeters
    assert queries.search("peeters", user=cast.amina, at=START) == []
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("text", ["0475 99 88 77", "+32 475 998877", " 0475998877 "])
def test_an_exact_number_opens_another_team_audited(cast: Cast, text: str) -> None:
    peeters = cast.peeters
    assert queries.search(text, user=cast.amina, at=START) == [peeters]
    assert seen(cast.amina) == {peeters}
    assert AuditEntry.objects.filter(action="other_team_opened").count() == 1


def test_any_number_of_a_customer_finds_the_customer(cast: Cast) -> None:
    dupont = cast.dupont
    assert queries.exact(DUPONT_HOME, region="BE") == [dupont]
    assert queries.exact(dupont.reference.lower(), region="BE") == [dupont]


@pytest.mark.parametrize("text", ["", "   ", "%", "nobody at all", "0800 000"])
def test_nothing_finds_nobody(cast: Cast, text: str) -> None:
    assert cast.dupont
    assert queries.search(text, user=cast.amina, at=START) == []


def test_whoever_may_not_see_customers_finds_none(cast: Cast) -> None:
    assert cast.peeters
    assert queries.search(PEETERS_MOBILE, user=cast.dirk, at=START) == []
