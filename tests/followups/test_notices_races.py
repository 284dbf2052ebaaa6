"""Two workers with the notices of one person, and somebody who tells them something meanwhile."""

from __future__ import annotations

import pytest
from django.db import transaction

from crm.models import User
from followups import notices
from followups.models import Notice
from tests.cast import START, Cast, Clock
from tests.followups.post import Post
from tests.races import Thread

pytestmark = pytest.mark.django_db(transaction=True)


def told(user: User) -> None:
    notices.tell(user=user, kind="item_left", at=START)


def test_what_another_worker_collects_is_not_made_into_a_second_mail(
    cast: Cast, post: Post
) -> None:
    for _ in range(20):
        told(cast.amina)
    told(cast.chloe)
    with transaction.atomic():
        assert len(notices._claim(cast.amina.pk, START)) == 20
        assert Thread(lambda: notices.send_due(clock=Clock())).answer() == 1
    assert post.to("chloe") == post.mails


def test_two_that_begin_at_once_do_not_share_a_person(cast: Cast, post: Post) -> None:
    told(cast.amina)
    with transaction.atomic():  # the other worker has the person, and no notice of theirs yet
        User.objects.select_for_update(no_key=True).get(pk=cast.amina.pk)
        assert Thread(lambda: notices.send_due(clock=Clock())).answer() == 0
    assert notices.send_due(clock=Clock()) == 1


def test_many_workers_at_once_send_each_person_one_mail(cast: Cast, post: Post) -> None:
    for _ in range(50):
        told(cast.amina)
        told(cast.bram)
    workers = [Thread(lambda: notices.send_due(clock=Clock())) for _ in range(6)]
    assert sum(worker.answer() for worker in workers) == 100
    assert sorted(mail["To"].addresses[0].username for mail in post.mails) == ["amina", "bram"]


def test_while_a_mail_is_collected_more_can_be_told(cast: Cast, post: Post) -> None:
    told(cast.amina)
    with transaction.atomic():
        notices._claim(cast.amina.pk, START)
        Thread(lambda: told(cast.amina)).answer()
    assert sorted(Notice.objects.values_list("status", flat=True)) == ["claimed", "queued"]
