"""Tokens and paper codes: what opens a page, and what never does."""

from __future__ import annotations

import secrets

import pytest

from offers import links
from offers.models import Delivery, PaperCode
from tests.cast import START, SYSTEM, Cast
from tests.offers.journeys import queued


def bumped(delivery: Delivery) -> Delivery:
    """Its links are revoked."""
    Delivery.objects.filter(pk=delivery.pk).update(link_generation=2)
    return Delivery.objects.get(pk=delivery.pk)


def test_a_token_names_its_delivery_and_is_the_same_each_time(cast: Cast) -> None:
    delivery = queued(cast)
    assert links.delivery_of(links.token(delivery)) == delivery
    assert links.token(delivery) == links.token(Delivery.objects.get(pk=delivery.pk))


def test_one_more_generation_revokes_the_older_links(cast: Cast) -> None:
    delivery = queued(cast)
    old = links.token(delivery)
    fresh = bumped(delivery)
    assert links.delivery_of(old) is None
    assert links.delivery_of(links.token(fresh)) == fresh


def test_no_other_text_opens_anything(cast: Cast) -> None:
    token = links.token(queued(cast))
    texts = [token[:-1], token + "A", token.swapcase(), "", "é" * links.LENGTH, "=" * links.LENGTH]
    # Every single letter changed, the last one too, whose low bits base64 does not read.
    texts += [
        token[:n] + letter + token[n + 1 :]
        for n in range(len(token))
        for letter in "AQgw_-"
        if letter != token[n]
    ]
    texts += [secrets.token_urlsafe(32) for _ in range(200)]
    assert [text for text in texts if links.delivery_of(text)] == []


@pytest.mark.parametrize("text", ["known", "unknown", "none at all", ""])
def test_the_same_work_is_done_for_every_text(
    cast: Cast, text: str, django_assert_num_queries: object
) -> None:
    token = {"known": links.token(queued(cast)), "unknown": secrets.token_urlsafe(32)}
    assert callable(django_assert_num_queries)
    with django_assert_num_queries(1):
        links.delivery_of(token.get(text, text))


def test_a_paper_code_opens_with_the_postcode_however_it_is_typed(cast: Cast) -> None:
    delivery = queued(cast)
    code = links.paper_code(delivery)
    assert (len(code), set(code) <= set(links.ALPHABET)) == (10, True)
    assert links.by_paper(code, "4000") is None  # not printed yet
    for _again in range(2):
        links.keep_codes([delivery], by=SYSTEM, at=START)
    typed = links.spaced(code).lower().replace(" ", " - ")
    assert links.by_paper(f" {typed} ", " 40 00") == delivery
    assert PaperCode.objects.count() == 1
    assert code.encode() not in bytes(PaperCode.objects.get().digest)


def test_five_wrong_postcodes_lock_the_code(cast: Cast) -> None:
    delivery = queued(cast)
    links.keep_codes([delivery], by=SYSTEM, at=START)
    code = links.paper_code(delivery)
    for _slip in range(4):
        assert links.by_paper(code, "9000") is None
    assert links.by_paper(code, "4000") == delivery  # and the count starts again
    for _slip in range(5):
        assert links.by_paper(code, "") is None
    assert links.by_paper(code, "4000") is None
    assert PaperCode.objects.get().tries == links.MOST_TRIES


def test_a_revoked_code_and_a_customer_without_postcode_open_nothing(cast: Cast) -> None:
    delivery = queued(cast)
    links.keep_codes([delivery], by=SYSTEM, at=START)
    old = links.paper_code(delivery)
    fresh = bumped(delivery)
    assert links.by_paper(old, "4000") is None
    links.keep_codes([fresh], by=SYSTEM, at=START)
    assert links.paper_code(fresh) != old
    assert links.by_paper(links.paper_code(fresh), "4000") == fresh
    fresh.customer.postal.delete()
    assert links.by_paper(links.paper_code(fresh), "") is None
