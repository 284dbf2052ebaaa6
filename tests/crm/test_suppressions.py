"""A wish not to be called stands until it is lifted, and is lifted once."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from crm import calls, suppressions
from crm.models import AuditEntry, Disposition, GateChange, Suppression
from tests.cast import DAY, START, SYSTEM, Cast, call_of, person


def wish(cast: Cast, **more: object) -> Suppression:
    facts: dict[str, object] = {"kind": "dnc_company", "origin": "call", "words": "never again"}
    return suppressions.add(
        customer=cast.dupont, by=person(cast.amina), at=START, **{**facts, **more}
    )


def test_the_same_wish_is_not_doubled(cast: Cast) -> None:
    assert wish(cast) == wish(cast)
    assert Suppression.objects.count() == 1


def test_a_later_disposition_does_not_overwrite_it(cast: Cast) -> None:
    first = wish(cast)
    for code in ("undecided", "wants_in_writing"):
        disposition = Disposition.objects.get(code=code)
        call = call_of(cast.amina, cast.dupont, disposition=disposition)
        calls.log(call=call, by=SYSTEM, at=START + DAY)
    first.refresh_from_db()
    assert (first.lifted_at, first.until_at) == (None, None)


def test_it_is_lifted_once_and_the_lifting_is_a_new_fact(cast: Cast) -> None:
    first = wish(cast)
    eva, dirk = person(cast.eva), person(cast.dirk)
    assert suppressions.lift(suppression=first, by=eva, at=START + DAY)
    assert not suppressions.lift(suppression=first, by=dirk, at=START + 2 * DAY)
    first.refresh_from_db()
    assert (first.lifted_at, first.lifted_by) == (START + DAY, eva.code)
    assert first.text.words == "never again"
    causes = GateChange.objects.filter(customer=cast.dupont).values_list("cause", flat=True)
    assert {"dnc_company_added", "dnc_company_lifted"} <= set(causes)
    actions = AuditEntry.objects.order_by("pk").values_list("action", "by")
    assert list(actions) == [
        ("suppression_added", f"user:{cast.amina.pk}"),
        ("suppression_lifted", eva.code),
    ]


def test_after_lifting_the_same_wish_is_a_new_row(cast: Cast) -> None:
    first = wish(cast)
    suppressions.lift(suppression=first, by=SYSTEM, at=START)
    assert wish(cast).pk != first.pk


def test_a_complaint_ends_by_itself_and_a_new_one_is_not_lost_in_the_old(cast: Cast) -> None:
    first = wish(cast, kind="complaint", origin="mail")
    assert first.until_at == START + suppressions.LASTS["complaint"]
    later = suppressions.add(
        customer=cast.dupont,
        kind="complaint",
        origin="mail",
        by=SYSTEM,
        at=START + suppressions.LASTS["complaint"],
    )
    assert later.pk != first.pk


def test_a_complaint_without_an_end_is_refused_by_the_database(cast: Cast) -> None:
    first = wish(cast, kind="complaint", origin="mail")
    with pytest.raises(IntegrityError), transaction.atomic():
        Suppression.objects.filter(pk=first.pk).update(until_at=None)


def test_nobody_lifts_without_a_name(cast: Cast) -> None:
    first = wish(cast)
    with pytest.raises(IntegrityError), transaction.atomic():
        Suppression.objects.filter(pk=first.pk).update(lifted_at=START)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("complaint", "complaint"), ("deceased", "deceased"), ("refused_contact", "dnc_company")],
)
def test_what_is_heard_in_a_call_shuts_the_gate_with_the_call(
    cast: Cast, code: str, kind: str
) -> None:
    disposition = Disposition.objects.get(code=code)
    attempt = calls.log(
        call=call_of(cast.amina, cast.dupont, disposition=disposition), by=SYSTEM, at=START
    ).attempt
    row = Suppression.objects.get()
    assert (row.kind, row.origin, row.proof) == (kind, "call", f"attempt:{attempt.pk}")
    assert (row.until_at is None) == (kind != "complaint")


def test_a_wish_about_a_campaign_names_it_and_no_other_wish_does(cast: Cast) -> None:
    assert cast.dupont and cast.sales
    for more in ({"kind": "dnc_campaign"}, {"kind": "dnc_company", "campaign": cast.sales}):
        with pytest.raises(IntegrityError), transaction.atomic():
            wish(cast, **more)
    wish(cast, kind="dnc_campaign", campaign=cast.sales)
    wish(cast)
    assert Suppression.objects.count() == 2


def test_an_end_of_its_own_counts_and_never_shortens_what_stands(cast: Cast) -> None:
    short = wish(cast, kind="refusal_cooloff", until=START + DAY)
    assert short.until_at == START + DAY
    long = wish(cast, kind="refusal_cooloff", until=START + 3 * DAY)
    assert long != short
    assert wish(cast, kind="refusal_cooloff", until=START + 2 * DAY) == long
    assert Suppression.objects.filter(lifted_at=None).count() == 2
