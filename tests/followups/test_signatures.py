"""Where a second signature is wanted, whoever can give it is told at once; nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest

from crm import absences
from crm.models import Attempt, AuditEntry, User
from followups import amending, notices, overrides, signatures
from followups.models import Notice, Promise
from followups.terms import NotOpen, Refused
from tests.cast import DAY, HOUR, MINUTE, SYSTEM, Cast, Clock, Relay, brussels, person, sweeps_alive
from tests.followups.post import Post, text
from tests.followups.scenes import accepted, fresh, promised
from tests.followups.test_amending import DIALER, LATER, spoken

NOW = LATER + HOUR
EVENING = brussels("2026-03-02 21:00")


def heard(cast: Cast, **more: Any) -> Attempt:
    """Amina says that she spoke with Mme Dupont; no telephone system says so."""
    return spoken(cast, **{"by": person(cast.amina), **more})


def ask(promise: Promise, attempt: Attempt, user: User, **more: Any) -> list[User]:
    facts: dict[str, Any] = {"verb": "withdraw", "reason": "moved", "at": NOW, **more}
    return amending.ask_to_sign(promise=promise, attempt=attempt, by=person(user), **facts)


def told(kind: str) -> list[str]:
    rows = Notice.objects.filter(kind=kind).order_by("pk")
    return list(rows.values_list("user__username", flat=True))


def supervisor(cast: Cast, name: str) -> User:
    role = User.Role.SUPERVISOR
    return User.objects.create(
        username=name, role=role, team=cast.liege, email=f"{name}@kept.example"
    )


def test_the_supervisor_is_told_on_the_bell_and_by_mail_at_any_hour(cast: Cast, post: Post) -> None:
    promise = promised(cast)
    assert ask(promise, heard(cast), cast.amina, at=EVENING) == [cast.chloe]
    assert fresh(promise).status == "open"
    assert told("withdrawal_to_sign") == ["chloe"]
    assert notices.send_due(clock=Clock(EVENING)) >= 1
    (mail,) = post.to("chloe")
    assert mail["Subject"].startswith("Your signature is wanted")
    assert promise.reference in text(mail) and "Dupont" not in text(mail)
    assert AuditEntry.objects.get(action="signature_asked").subject == f"promise:{promise.pk}"


def test_asking_twice_is_asking_once(cast: Cast) -> None:
    promise, call = promised(cast), heard(cast)
    for _again in range(2):
        ask(promise, call, cast.amina)
    assert told("withdrawal_to_sign") == ["chloe"]
    assert AuditEntry.objects.filter(action="signature_asked").count() == 1
    (found,) = signatures.wanted(promise)
    assert (found.by, found.attempt, found.reason, found.verb) == (
        cast.amina,
        call.pk,
        "moved",
        "withdraw",
    )


def test_who_asked_hears_that_it_was_signed(cast: Cast) -> None:
    promise, call = promised(cast), heard(cast)
    ask(promise, call, cast.amina)
    amending.withdraw(
        promise=promise, attempt=call, reason="moved", by=person(cast.chloe), at=NOW, signed=True
    )
    assert told("signature_given") == ["amina"]


def test_what_the_customer_says_has_come_is_signed_likewise(cast: Cast, relay: Relay) -> None:
    promise = accepted(cast, relay)
    call = heard(cast)
    assert ask(promise, call, cast.amina, verb="came", reason="") == [cast.chloe]
    amending.came(promise=promise, attempt=call, by=person(cast.chloe), at=NOW, signed=True)
    assert (told("arrival_to_sign"), told("signature_given")) == (["chloe"], ["amina"])
    assert fresh(promise).status == "kept"


def test_the_one_whose_own_call_it_was_is_not_asked(cast: Cast) -> None:
    denis = supervisor(cast, "denis")
    call = heard(cast, agent=cast.chloe, by=person(cast.chloe))
    assert ask(promised(cast), call, cast.chloe) == [denis]


def test_of_two_supervisors_the_one_who_is_here_is_told(cast: Cast) -> None:
    denis = supervisor(cast, "denis")
    absences.record(
        user=cast.chloe, deputy=None, from_at=NOW - HOUR, until_at=NOW + DAY, by=SYSTEM, at=NOW
    )
    assert ask(promised(cast), heard(cast), cast.amina) == [denis]


def test_with_all_of_them_away_it_waits_for_them(cast: Cast) -> None:
    absences.record(
        user=cast.chloe, deputy=None, from_at=NOW - HOUR, until_at=NOW + DAY, by=SYSTEM, at=NOW
    )
    assert ask(promised(cast), heard(cast), cast.amina) == [cast.chloe]


def test_nobody_is_asked_for_what_needs_no_signature_or_cannot_be_signed(cast: Cast) -> None:
    promise = promised(cast)
    for call, field in (
        (heard(cast, by=DIALER), "call"),
        (promise.attempt, "call"),
        (heard(cast, customer=cast.peeters), "call"),
        (heard(cast, result="no_answer", answered_at=None), "call"),
    ):
        with pytest.raises(Refused) as refusal:
            ask(promise, call, cast.amina)
        assert refusal.value.field == field
    with pytest.raises(Refused):  # nothing has left that could have come
        ask(promise, heard(cast), cast.amina, verb="came")
    with pytest.raises(Refused):
        ask(promise, heard(cast), cast.bram)
    assert not Notice.objects.filter(kind__endswith="to_sign").exists()


def test_without_a_supervisor_who_could_sign_it_is_said_so(cast: Cast) -> None:
    User.objects.filter(pk=cast.chloe.pk).update(is_active=False)
    with pytest.raises(Refused, match="no supervisor"):
        ask(promised(cast), heard(cast), cast.amina)
    assert not AuditEntry.objects.filter(action="signature_asked").exists()


def test_of_what_is_owed_no_more_nobody_is_asked(cast: Cast) -> None:
    promise = promised(cast)
    call = heard(cast, by=DIALER)
    amending.withdraw(promise=promise, attempt=call, reason="moved", by=SYSTEM, at=NOW)
    with pytest.raises(NotOpen):
        ask(promise, heard(cast), cast.amina)


def test_over_the_quota_operations_are_told_and_without_them_nothing_is_granted(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise = promised(cast)
    sweeps_alive(NOW + MINUTE)
    monkeypatch.setattr(overrides, "QUOTA", 0)
    facts = {
        "customer": promise.customer,
        "agent": cast.amina,
        "reason": "She asked for this call.",
    }
    from_chloe = {"by": person(cast.chloe), "at": NOW + MINUTE}
    User.objects.filter(pk=cast.dirk.pk).update(is_active=False)
    with pytest.raises(Refused, match="nobody is here to sign"):
        overrides.let_through(**facts, **from_chloe)
    assert not overrides.granted(at=NOW + MINUTE).exists()
    User.objects.filter(pk=cast.dirk.pk).update(is_active=True)
    overrides.let_through(**facts, **from_chloe)
    assert told("override_to_sign") == ["dirk"]
