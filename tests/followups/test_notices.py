"""Notices: one message to one person with everything that waits for them."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest

from crm.models import User
from followups import notices
from followups.models import Notice
from offers.channels import smtp
from offers.channels.smtp import Outcome
from tests.cast import DAY, MINUTE, START, Cast, Clock
from tests.followups.scenes import promised


class Post:
    """Stands in for the mail server of the staff."""

    def __init__(self) -> None:
        self.outcome = Outcome("sent", 250, None, "", "verdict")
        self.sent: list[tuple[str, str, str]] = []

    def transmit(self, **facts: Any) -> Outcome:
        mail = email.message_from_bytes(facts["message"], policy=email.policy.default)
        body = mail.get_body(("plain",))
        assert body
        self.sent.append((facts["recipient"], str(mail["Subject"]), body.get_content()))
        return self.outcome


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    office = Post()
    monkeypatch.setattr(smtp, "transmit", office.transmit)
    return office


def tell(cast: Cast, *users: User, kind: str = "lateness_owner") -> None:
    promise = promised(cast)
    for user in users:
        notices.tell(user=user, kind=kind, promise=promise, at=START)


def states() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("status", flat=True))


def test_everything_that_waits_for_a_person_is_one_message(cast: Cast, post: Post) -> None:
    for _ in range(3):
        tell(cast, cast.amina)
    tell(cast, cast.chloe)
    assert notices.send_due(clock=Clock()) == 4
    told = {to: (subject, body) for to, subject, body in post.sent}
    assert len(post.sent) == 2 and set(told) == {"amina@kept.example", "chloe@kept.example"}
    assert told["amina@kept.example"][0] == "3 promises need you"
    assert told["amina@kept.example"][1].count("P-") == 3
    assert states() == ["sent"] * 4
    assert notices.send_due(clock=Clock(START + DAY)) == 0


def test_a_notice_names_no_customer_but_by_reference(cast: Cast, post: Post) -> None:
    tell(cast, cast.amina)
    notices.send_due(clock=Clock())
    _to, subject, body = post.sent[0]
    assert cast.dupont.reference in body
    assert "Dupont" not in subject + body and "mail.example" not in subject + body


def test_each_reads_in_their_own_language(cast: Cast, post: Post) -> None:
    User.objects.filter(pk=cast.amina.pk).update(language="fr")
    tell(cast, User.objects.get(pk=cast.amina.pk))
    assert notices.send_due(clock=Clock()) == 1


def test_somebody_without_an_address_is_told_on_screen(cast: Cast, post: Post) -> None:
    cast.amina.email = ""
    cast.amina.save()
    tell(cast, cast.amina)
    assert notices.send_due(clock=Clock()) == 0
    assert states() == ["sent"] and post.sent == []
    assert notices.read(user=cast.amina, at=START) == 1
    assert notices.read(user=cast.amina, at=START) == 0


def test_a_busy_server_is_asked_again_and_the_notice_waits(cast: Cast, post: Post) -> None:
    post.outcome = Outcome("retry", 451, None, "", "rcpt")
    tell(cast, cast.amina)
    clock = Clock()
    assert notices.send_due(clock=clock) == 0
    assert states() == ["queued"]
    assert notices.send_due(clock=clock) == 0
    post.outcome = Outcome("sent", 250, None, "", "verdict")
    clock.turn(MINUTE)
    assert notices.send_due(clock=clock) == 1


def test_a_refusal_is_final(cast: Cast, post: Post) -> None:
    post.outcome = Outcome("failed", 550, None, "", "rcpt")
    tell(cast, cast.amina)
    notices.send_due(clock=Clock())
    assert states() == ["failed"]


def test_told_perhaps_is_better_than_told_twice(cast: Cast, post: Post) -> None:
    post.outcome = Outcome("unknown", None, None, "", "verdict")
    tell(cast, cast.amina)
    assert notices.send_due(clock=Clock()) == 1
    assert notices.send_due(clock=Clock(START + DAY)) == 0


def test_an_address_that_is_none_does_not_silence_the_others(cast: Cast, post: Post) -> None:
    User.objects.filter(pk=cast.amina.pk).update(email="no address at all")
    tell(cast, User.objects.get(pk=cast.amina.pk), cast.chloe)
    assert notices.send_due(clock=Clock()) == 1
    assert [to for to, _s, _b in post.sent] == ["chloe@kept.example"]
    assert states() == ["queued", "sent"]


def test_a_worker_that_died_leaves_its_notices_to_the_next(cast: Cast, post: Post) -> None:
    tell(cast, cast.amina)
    notices._claim(START)
    assert notices.send_due(clock=Clock(START + MINUTE)) == 0
    assert notices.send_due(clock=Clock(START + notices.LEASE)) == 1


@pytest.mark.parametrize("kind", [*notices.SENTENCES, "poison", "something new"])
def test_every_notice_has_a_sentence(cast: Cast, kind: str) -> None:
    tell(cast, cast.amina, kind=kind.replace(" ", "_"))
    words = notices.sentence(Notice.objects.select_related("promise").get())
    assert "%(" not in words and words.endswith(".")
