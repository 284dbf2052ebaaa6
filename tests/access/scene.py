"""A house in which each address leads to something: all of it of the team of Liège."""

from __future__ import annotations

import uuid
from typing import Any

from config import clock
from crm import absences, calendars, consents, keys, merges, questions, wishes
from crm.consents import Given
from crm.models import Campaign, User
from crm.wishes import Said
from crm.workdays import DEFAULT
from followups import items, overrides
from followups.models import Lease
from followups.webhooks import endpoints, events, outbox
from offers import intake
from offers.models import OfferVersion, PrintRun
from tests.cast import (
    DAY,
    HOUR,
    START,
    SYSTEM,
    Cast,
    call_and_promise,
    delivery_of,
    pdf_for,
    person,
)
from tests.crm.drafts import draft_of
from tests.crm.importing.files import DUPONT, HEAD, checked
from tests.offers.paper import billed, built, queued
from tests.pages.conftest import set_clock
from tests.pages.test_desk import neighbour

WHY = "She asked for it on the telephone this morning."
Places = dict[str, Any]


def fatou(cast: Cast) -> User:
    """A supervisor of another team."""
    facts = {"role": User.Role.SUPERVISOR, "team": cast.gent, "email": "fatou@kept.example"}
    return User.objects.create(username="fatou", first_name="Fatou", **facts)


def places(cast: Cast) -> dict[str, Places]:
    """For the beginning of an address, what stands in its places; the longest beginning counts."""
    promise = call_and_promise(cast.amina, cast.dupont)
    version = OfferVersion.objects.latest("pk")
    delivery = delivery_of(promise)
    item = items.open_for(
        promise=promise, kind="unknown_send", delivery=delivery, by=SYSTEM, at=START
    )
    run: PrintRun = built(queued(billed(cast)))
    set_clock(START)
    return {
        "/customers/": {
            "reference": cast.dupont.reference,
            "offer": version.offer.reference,
            "number": version.number,
            "kind": "json",
        },
        # A call that may still be let through is asked for first.
        **_made(cast),
        **_filed(cast),
        **_set_up(cast),
        "/promises/": {"reference": promise.reference},
        "/call-backs/": {"reference": promise.reference},
        "/items/": {"pk": item.pk},
        "/documents/": {"pk": pdf_for(cast.dupont).pk},
        "/bill-runs/": {"pk": run.pk, "number": 1},
        "/api/v1/hooks/email/": {"esp": "postmark"},
        "/api/v1/unsubscribe/": {"token": "no-such-token"},
        "/o/": {"token": "no-such-token", "name": "pdf"},
        "/demo/mail/": {"number": 1, "place": 1},
        "/demo/tour/": {"number": 1},
        "/leases/": {"decision": _lease(cast)},
        "/login/sso/": {"provider_id": "house"},
        "/login/password/": {"uidb36": "1", "key": "no-such-key"},
    }


def _filed(cast: Cast) -> dict[str, Places]:
    """What the customer said, and who is the same person."""
    dupont, by = cast.dupont, person(cast.amina)
    given = Given(origin="call", proof="recording 1", given_at=START - DAY)
    consent = consents.record(customer=dupont, given=given, by=by, at=START)
    other = neighbour(cast, 1)
    merge = merges.merge(customer=other, into=dupont, by=SYSTEM, at=START)
    said = Said(kind="dnc_company", origin="letter", proof="letter 12", words="No more calls.")
    wish = wishes.record(customer=dupont, said=said, by=by, at=START)
    reference = dupont.reference
    return {
        "/customers/<reference>/consents/": {"reference": reference, "pk": consent.pk},
        "/customers/<reference>/merges/": {"reference": reference, "pk": merge.pk},
        "/customers/<reference>/wishes/": {"reference": reference, "pk": wish.pk},
    }


def _made(cast: Cast) -> dict[str, Places]:
    """What the house made for itself."""
    end = START + 3 * DAY
    facts: dict[str, Any] = {"from_at": START, "until_at": end, "by": SYSTEM, "at": START}
    away = absences.record(user=cast.amina, deputy=None, **facts)
    wanted = {"name": "crm", "url": "https://crm.example/h", "types": [*events.TYPES]}
    hook = endpoints.add(**wanted, by=SYSTEM, at=clock.now()).endpoint
    message = outbox.test(endpoint=hook, by=SYSTEM, at=clock.now())
    draft = draft_of(cast)
    asked = overrides.ask(customer=cast.dupont, reason=WHY, by=person(cast.amina), at=START)
    return {
        "/absences/": {"pk": away.pk},
        "/webhooks/": {"pk": hook.pk, "message": getattr(message, "pk", 1)},
        "/policies/": {"name": draft.name, "version": draft.version},
        "/overrides/": {"pk": asked.pk},
        "/people/": {"pk": cast.amina.pk},
        "/teams/": {"pk": cast.liege.pk},
        "/keys/": {"pk": keys.issue(name="k", scopes=["gate:read"], by=SYSTEM, at=START).key.pk},
    }


def _set_up(cast: Cast) -> dict[str, Places]:
    """What operations keep: a team's hours, a list to call, a file, a mail that says little."""
    hours = calendars.add(name="Liège", hours=DEFAULT, by=SYSTEM, at=START)
    calendars.give(calendar=hours, team=cast.liege, by=SYSTEM, at=START)
    Campaign.objects.filter(pk=cast.sales.pk).update(team=cast.liege)
    question = questions.add(
        campaign=cast.sales, words="Who decides?", choices=(), days=90, by=SYSTEM, at=START
    )
    report = intake.keep(raw=b"Subject: ?\r\n\r\nhello", by=SYSTEM, at=START)
    return {
        "/board/export.": {"form": "csv"},
        "/calendars/": {"pk": hours.pk},
        "/campaigns/": {"slug": cast.sales.slug, "pk": question.pk},
        "/dead-letters/reports/": {"pk": report.pk},
        "/imports/": {"pk": checked(HEAD + DUPONT).pk},
        "/ladders/": {"name": "default", "version": 1},
    }


def _lease(cast: Cast) -> uuid.UUID:
    """Amina has somebody on the telephone."""
    held = {"holder": f"user:{cast.amina.pk}", "taken_by": f"user:{cast.amina.pk}"}
    row = Lease.objects.create(
        decision_id=uuid.uuid4(),
        customer=cast.dupont,
        taken_at=START,
        until_at=START + HOUR,
        **held,
    )
    return row.decision_id
