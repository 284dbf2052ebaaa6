"""How notices read: grouped and counted, the worst first, in the reader's language."""

from __future__ import annotations

import pytest
from django.utils import translation

from crm.models import User
from followups import digests, ladder, notice_words, notices
from followups.models import Item, Notice, Promise
from tests.cast import MINUTE, START, Cast, Clock
from tests.followups.post import Post, text
from tests.followups.scenes import promised


def waiting(cast: Cast, user: User, *kinds: str) -> list[Notice]:
    for number, kind in enumerate(kinds):
        notices.tell(user=user, kind=kind, at=START + number * MINUTE)
    rows = Notice.objects.filter(user=user).select_related("user", "promise__customer")
    return list(rows.order_by("pk"))


def test_the_worst_stands_first_and_each_matter_has_its_number(cast: Cast) -> None:
    letter = waiting(cast, cast.chloe, "lateness_owner", "item_left", "override_asked", "item_left")
    titles = [group.title for group in digests.grouped(letter)]
    assert titles == ["Somebody waits for your word (1)", "Left undone (2)", "Due soon (1)"]


def test_nobody_reads_three_hundred_lines(cast: Cast) -> None:
    letter = waiting(cast, cast.chloe, *["lateness_supervisor"] * 222, "override_asked")
    mail = digests.compose(letter)
    assert mail.subject == "223 notices wait for you"
    assert mail.text.count("\n- ") == digests.MOST_LINES + 1
    assert "Broken promises (222)" in mail.text and "and 212 more" in mail.text
    assert "and 212 more" in mail.html


def test_one_notice_is_its_own_subject(cast: Cast) -> None:
    letter = waiting(cast, cast.amina, "item_address_to_fix")
    mail = digests.compose(letter)
    assert mail.subject == notice_words.sentence(letter[0])
    assert "(1)" not in mail.text and "Since" not in mail.text


def test_of_several_about_one_promise_the_worst_is_the_subject(cast: Cast) -> None:
    promise = promised(cast)
    for kind in ("item_answer", "lateness_owner_and_team"):
        notices.tell(user=cast.amina, kind=kind, promise=promise, at=promise.due_at)
    mail = digests.compose(list(Notice.objects.order_by("pk")))
    assert mail.subject.endswith("was due on Tue 3 Mar, 17:30, and nothing has arrived.")
    assert mail.text.count("\n- ") == 1 and "Since" not in mail.text


def test_what_a_later_rung_has_overtaken_is_not_told(cast: Cast) -> None:
    late, other = promised(cast), promised(cast)
    for promise, kind in (
        (late, "lateness_owner"),
        (other, "lateness_owner"),
        (late, "lateness_owner_and_team"),
        (late, "item_left"),
    ):
        at = START if kind == "lateness_owner" else late.due_at
        notices.tell(user=cast.amina, kind=kind, promise=promise, at=at)
    mail = digests.compose(list(Notice.objects.order_by("pk")))
    customer = cast.dupont.reference
    assert mail.subject == "3 notices wait for you"
    assert f"{late.reference} to {customer} is due soon" not in mail.text
    assert f"{other.reference} to {customer} is due soon" in mail.text


@pytest.mark.parametrize(("language", "word"), [("fr", "Ouvrir"), ("nl", "openen")])
def test_it_is_written_in_the_language_of_its_reader(
    cast: Cast, post: Post, language: str, word: str
) -> None:
    cast.amina.language = language
    cast.amina.save()
    waiting(cast, cast.amina, "lateness_owner", "item_left")
    notices.send_due(clock=Clock(START + MINUTE))
    assert word in text(post.mails[0])
    assert translation.get_language() == "en"


@pytest.mark.parametrize(
    ("kind", "late", "words"),
    [
        ("lateness_owner", False, "is due soon"),
        ("lateness_owner", True, "was due on Tue 3 Mar, 17:30"),
        ("lateness_owner_and_team", False, "is due soon"),
        ("lateness_operations", False, "of Amina is due on Tue 3 Mar, 17:30"),
        ("lateness_operations", True, "of Amina is broken: it was due on Tue 3 Mar, 17:30"),
    ],
)
def test_a_rung_is_told_as_it_is_at_its_moment_whatever_the_ladder(
    cast: Cast, kind: str, late: bool, words: str
) -> None:
    promise = promised(cast)
    at = promise.due_at + MINUTE if late else promise.due_at - MINUTE
    notice = notices.tell(user=cast.amina, kind=kind, promise=promise, at=at)
    assert notice and words in notice_words.sentence(notice)


def test_every_kind_stands_in_one_group_and_every_group_has_only_kinds() -> None:
    grouped = [kind for _title, kinds in digests.GROUPS for kind in kinds]
    assert len(grouped) == len(set(grouped))
    rungs = {f"{track}_{role}" for track in Promise.Track for role in ladder.Role}
    items = {f"item_{kind}" for kind in Item.Kind}
    assert set(notice_words.SENTENCES) | rungs | items <= digests.GROUPED
    assert set(notice_words.SENTENCES) | rungs | items >= digests.GROUPED


def test_a_kind_that_no_group_knows_is_mailed_all_the_same(cast: Cast) -> None:
    letter = waiting(cast, cast.amina, "something_new", "lateness_owner")
    assert [g.title for g in digests.grouped(letter)] == ["Due soon (1)", "Other (1)"]


def test_of_several_links_to_set_a_password_only_the_newest_is_mailed(cast: Cast) -> None:
    batch = waiting(cast, cast.amina, "password_asked", "lateness_owner", "password_asked")
    alone, rest = digests.letters(batch)
    assert [n.kind for n in alone] == ["password_asked"] * 2, "both are settled by one mail"
    assert [n.kind for n in rest] == ["lateness_owner"]
    assert digests.compose(alone).subject == "Your new password for Kept"
