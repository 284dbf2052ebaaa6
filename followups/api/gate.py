"""The gate for dialers: GET and POST /gate, and whether a decision still stands."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Router

from config.problems import DOCUMENTED, Problem, documented, invalid, respond
from crm import keys, phone, queries
from crm.api import Caller, Key, Strict, caller_of
from crm.models import Customer
from followups import gate
from followups.api import wire, words
from followups.gate import Decision, Question
from followups.reasons import sentence
from followups.rulings import KeyChanged

router = Router(tags=["gate"])
KEY = Key("gate:read")
# The gate's own statement looks at the key: one exchange for everything.
QUICK = Key("gate:read", on_trust=True)
NAMES = "customers:read"
NAME = "gate"


@router.get(
    "/gate",
    auth=QUICK,
    response=wire.Answered,
    url_name=NAME,
    summary="May this person be called now?",
    openapi_extra={"parameters": wire.PARAMETERS, **documented(wire.TEXT, wire.FORM)},
)
def ask(request: HttpRequest) -> HttpResponse:
    """A deny is a 200. `reserve=1` (the default for sales) leases the person for two minutes."""
    return _ask(request)


@router.post(
    "/gate",
    auth=QUICK,
    response=wire.Answered,
    summary="May this person be called now? (form or JSON)",
    openapi_extra={"requestBody": wire.BODY, **documented(wire.TEXT, wire.FORM)},
)
def ask_by_post(request: HttpRequest) -> HttpResponse:
    """The same question for those who do not want a number in an address."""
    return _ask(request)


def _ask(request: HttpRequest) -> HttpResponse:
    asked = wire.question_in(request)
    try:
        return _answered(asked, caller_of(request))
    except KeyChanged:
        return _answered(asked, KEY(request))


def _answered(asked: wire.Asked, caller: Caller) -> HttpResponse:
    question = Question(
        purpose=asked.purpose,
        number=asked.number,
        customer=_customer(asked.customer),
        campaign=words.campaign(asked.campaign, caller),
        agent=words.agent(asked.agent, caller),
        reserve=asked.reserve,
        request_id=asked.request_id,
        reference=asked.reference,
    )
    try:
        decision = gate.decide(question, by=caller.by, mark=caller.mark)
    except gate.OtherQuestion as error:
        raise invalid("request_id", str(error)) from error
    keys.used(key=caller.key, at=decision.checked_at)
    with translation.override(asked.lang):
        answer = _answer(decision, caller)
    return wire.written(answer, form=asked.format)


def _customer(reference: str | None) -> Customer | None:
    if reference is None:
        return None
    customer = queries.named(reference)
    if customer is None:
        raise invalid("customer", _("There is no such customer."))
    return customer


def _answer(decision: Decision, caller: Caller) -> wire.Answer:
    """Who it is, is told to keys that may know, and of numbers that only one person has."""
    named = len(decision.people) == 1 and caller.may(NAMES)
    return {
        "decision": "allow" if decision.allow else "deny",
        "code": decision.code,
        "reason": decision.reason,
        "blocks": [
            {
                "code": block.code,
                "since": _iso(block.since),
                "until": _iso(block.until),
                "promise": block.promise if named else None,
            }
            for block in decision.blocks
        ],
        "number": decision.number or None,
        "customer": _reference(decision) if named else None,
        "not_before": _iso(decision.not_before),
        "decision_id": str(decision.id),
        "valid_until": _iso(decision.valid_until),
        "checked_at": _iso(decision.checked_at),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _reference(decision: Decision) -> str:
    """Of a decision that was taken earlier only the row's number is at hand."""
    if decision.references:
        return decision.references[0]
    return Customer.objects.values_list("reference", flat=True).get(pk=decision.people[0])


def in_doubt(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The gate itself failed: shut, unless GATE_ON_ERROR opens it, and then it says unchecked."""
    if settings.GATE_ON_ERROR != "allow":
        more = {"decision": "deny", "code": "unavailable"}
        return respond(Problem("gate_unavailable", headers={"Retry-After": "5"}, more=more))
    asked = wire.question_in(request)
    answer: dict[str, Any] = dict.fromkeys(wire.Answered.model_fields)
    answer |= {"decision": "allow", "code": "unchecked", "blocks": []}
    if asked.number is not None:
        # What is no number at all needs no database to be denied.
        try:
            answer["number"] = phone.normalise(asked.number, settings.DEFAULT_COUNTRY)
        except phone.NotANumber:
            answer |= {"decision": "deny", "code": "number_invalid"}
    with translation.override(asked.lang):
        answer["reason"] = sentence(answer["code"], denied=answer["decision"] == "deny")
    return wire.written(answer, form=asked.format)


class Stands(Strict):
    """Whether a decision may still be acted on."""

    decision_id: uuid.UUID
    stands: bool
    code: str
    reason: str
    decision: str
    valid_until: datetime
    checked_at: datetime


@router.get(
    "/gate/decisions/{uuid:decision_id}",
    auth=KEY,
    response=Stands,
    summary="Does this decision still stand?",
    openapi_extra=DOCUMENTED,
)
def decision(request: HttpRequest, decision_id: uuid.UUID) -> Stands:
    """An allow stands for 120 s, and while nothing new blocks. Only for the key that asked."""
    caller = caller_of(request)
    standing = gate.still_stands(decision_id, by=caller.by, at=caller.at)
    if standing is None:
        raise Problem("not_found")
    taken = standing.decision
    return Stands(
        decision_id=decision_id,
        stands=standing.stands,
        code=standing.code,
        reason=_why(standing),
        decision="allow" if taken.allow else "deny",
        valid_until=taken.valid_until,
        checked_at=taken.checked_at,
    )


def _why(standing: gate.Standing) -> str:
    if standing.code == "expired":
        return _("This permission has run out; ask again.")
    if not standing.decision.allow:
        return standing.decision.reason
    code = standing.decision.code if standing.stands else standing.code
    return sentence(code, denied=not standing.stands)
