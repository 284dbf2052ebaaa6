"""Promised calls in the calendar of whoever makes them, read back from the mails."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.conf import settings

from followups import amending, callbacks, invitations, notices
from followups.models import Notice, Promise
from followups.terms import Terms
from tests.cast import DAY, HOUR, START, Cast, Clock, brussels, person
from tests.followups.post import DOWN, TAKEN, Post, calendar_part, entries, text
from tests.followups.scenes import promised
from tests.followups.test_amending import spoken
from tests.followups.test_callbacks import SLOT, asked, rings

LATER = SLOT + DAY


def sent(post: Post, at: datetime = START) -> list[Any]:
    """The entries that leave now, one a mail."""
    before = len(post.mails)
    notices.send_due(clock=Clock(at))
    found = [entries(mail) for mail in post.mails[before:]]
    assert all(len(each) == 1 for each in found)
    return [each[0] for each in found]


def method(post: Post, number: int = -1) -> str:
    part = calendar_part(post.mails[number])
    assert part
    return str(part.get_param("method"))


def moved(cast: Cast, promise: Promise, *, slot: datetime, at: datetime) -> Promise:
    """They agree on another hour."""
    terms = Terms(kind="callback", words="I call you back.", plan=(), due_at=slot)
    attempt = spoken(cast, at=at)
    return amending.renegotiate(
        promise=promise,
        terms=terms,
        attempt=attempt,
        reason="later",
        by=person(cast.amina),
        at=at,
    )


def test_an_agreed_call_comes_with_its_hour_for_the_calendar(cast: Cast, post: Post) -> None:
    promise = asked(cast)
    (entry,) = sent(post)
    assert method(post) == "REQUEST"
    assert entry["DTSTART"].dt == SLOT and entry["DTSTART"].to_ical() == b"20260303T130000Z"
    assert entry["DTEND"].dt - entry["DTSTART"].dt == callbacks.LENGTH
    assert entry["UID"] == invitations.uid(promise) and entry["SEQUENCE"] == 0
    assert entry["DTSTAMP"].dt == START
    assert entry["STATUS"] == "CONFIRMED"
    assert str(entry["ORGANIZER"]) == f"mailto:{settings.MAIL_FROM}"
    assert str(entry["ATTENDEE"]) == "mailto:amina@kept.example"
    assert entry["URL"] == f"{settings.BASE_URL}/customers/{cast.dupont.reference}/"


def test_it_reminds_ten_minutes_before(cast: Cast, post: Post) -> None:
    asked(cast)
    (entry,) = sent(post)
    (alarm,) = entry.walk("VALARM")
    assert (alarm["ACTION"], alarm["TRIGGER"].dt) == ("DISPLAY", -invitations.WARNING)


def test_a_calendar_reads_no_more_of_the_customer_than_the_mail_says(
    cast: Cast, post: Post
) -> None:
    promise = asked(cast)
    (entry,) = sent(post)
    assert entry["SUMMARY"] == f"Call {cast.dupont.reference} back ({promise.reference})"
    part = calendar_part(post.mails[0])
    assert part
    whole = part.get_content()
    assert "Dupont" not in whole and "+32" not in whole and "mail.example" not in whole


def test_the_part_is_what_calendars_look_for(cast: Cast, post: Post) -> None:
    asked(cast)
    sent(post)
    mail = post.mails[0]
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    part = calendar_part(mail)
    assert part and part.get_content_charset() == "utf-8"
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes) and raw.count(b"\n") == raw.count(b"\r\n")
    assert mail["Subject"] in text(mail)


def test_it_is_written_in_the_language_of_who_calls(cast: Cast, post: Post) -> None:
    cast.amina.language = "nl"
    cast.amina.save()
    asked(cast)
    (entry,) = sent(post)
    assert entry["SUMMARY"]
    assert "di 3 mrt" in text(post.mails[0])


def test_an_hour_agreed_in_the_evening_does_not_wait_for_the_morning(
    cast: Cast, post: Post
) -> None:
    old = asked(cast)
    sent(post)
    evening = brussels("2026-03-02 22:00")
    moved(cast, old, slot=brussels("2026-03-03 08:00"), at=evening)
    assert len(sent(post, evening)) == 2


def test_a_moved_call_leaves_its_old_hour(cast: Cast, post: Post) -> None:
    old = asked(cast)
    sent(post)
    new = moved(cast, old, slot=LATER, at=START + HOUR)
    cancelled, agreed = sent(post, START + HOUR)
    assert (method(post, -2), method(post, -1)) == ("CANCEL", "REQUEST")
    assert cancelled["UID"] == invitations.uid(old) and cancelled["SEQUENCE"] == 1
    assert cancelled["STATUS"] == "CANCELLED" and not cancelled.walk("VALARM")
    assert agreed["UID"] == invitations.uid(new) and agreed["SEQUENCE"] == 0
    assert agreed["DTSTART"].dt == LATER


def test_a_withdrawn_call_is_cancelled(cast: Cast, post: Post) -> None:
    promise = asked(cast)
    sent(post)
    at = START + HOUR
    amending.withdraw(
        promise=promise,
        attempt=spoken(cast, at=at),
        reason="not_wanted",
        by=person(cast.amina),
        at=at,
    )
    (cancelled,) = sent(post, at)
    assert method(post) == "CANCEL"
    assert (cancelled["UID"], cancelled["SEQUENCE"]) == (invitations.uid(promise), 1)


def test_a_call_handed_over_changes_calendars(cast: Cast, post: Post) -> None:
    promise = asked(cast)
    sent(post)
    amending.reassign(
        promise=promise, owner=cast.bram, reason="absent", by=person(cast.chloe), at=START + HOUR
    )
    notices.send_due(clock=Clock(START + HOUR))
    (given_up,), (taken,) = (entries(mail) for mail in (post.to("amina")[-1], post.to("bram")[0]))
    assert {given_up["UID"], taken["UID"]} == {invitations.uid(promise)}
    assert (given_up["SEQUENCE"], taken["SEQUENCE"]) == (1, 2)
    assert (given_up["STATUS"], taken["STATUS"]) == ("CANCELLED", "CONFIRMED")
    # One mail says both: it is yours now, and when.
    assert len(post.to("bram")) == 1 and "is yours from now on" in text(post.to("bram")[0])


def test_a_call_that_was_made_stays_in_the_calendar(cast: Cast, post: Post) -> None:
    asked(cast)
    sent(post)
    rings(cast, cast.amina, at=SLOT, result="answered")
    assert not Notice.objects.filter(kind=invitations.CANCELLED).exists()


def test_a_document_has_no_hour(cast: Cast, post: Post) -> None:
    promise = promised(cast)
    notices.tell(user=cast.amina, kind="lateness_owner", promise=promise, at=START)
    notices.send_due(clock=Clock())
    assert [calendar_part(mail) for mail in post.mails] == [None]


def test_who_agreed_to_it_finds_nothing_new_on_the_bell(cast: Cast) -> None:
    promise = asked(cast)
    assert Notice.objects.get().read_at == START
    amending.reassign(
        promise=promise, owner=cast.bram, reason="absent", by=person(cast.chloe), at=START
    )
    assert Notice.objects.filter(user=cast.bram, read_at=None).count() == 2


def test_an_hour_that_came_and_went_during_an_outage_is_only_called_off(
    cast: Cast, post: Post
) -> None:
    post.outcome = DOWN
    promise = asked(cast)
    sent(post)
    amending.reassign(
        promise=promise, owner=cast.bram, reason="absent", by=person(cast.chloe), at=START
    )
    post.outcome = TAKEN
    notices.send_due(clock=Clock(START + HOUR))
    (mail,) = post.to("amina")
    (entry,) = entries(mail)
    assert (entry["STATUS"], entry["SEQUENCE"]) == ("CANCELLED", 1)


def test_many_hours_after_an_outage_are_one_mail_with_a_list(cast: Cast, post: Post) -> None:
    slots = [SLOT + number * HOUR for number in range(-4, 3)]
    for slot in slots:
        asked(cast, slot=slot, campaign=f"c{slot:%H}")
    notices.send_due(clock=Clock())
    (mail,) = post.mails
    assert method(post) == "PUBLISH"
    assert sorted(entry["DTSTART"].dt for entry in entries(mail)) == slots
    assert not any("ATTENDEE" in entry for entry in entries(mail))


@pytest.mark.parametrize("number", range(3))
def test_up_to_three_hours_come_one_a_mail(cast: Cast, post: Post, number: int) -> None:
    for hour in range(number + 1):
        asked(cast, slot=SLOT + hour * HOUR, campaign=f"c{hour}")
    assert len(sent(post)) == number + 1


def test_the_name_of_an_entry_outlives_the_address_from_which_it_came(
    cast: Cast, settings: Any
) -> None:
    promise = asked(cast)
    before = invitations.uid(promise)
    settings.MAIL_FROM = "kept@elsewhere.example"
    assert invitations.uid(Promise.objects.get(pk=promise.pk)) == before
