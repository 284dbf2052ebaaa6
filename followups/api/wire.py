"""The gate on the wire: what a dialer may send, and the three forms in which it is answered."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from pydantic import Field, ValidationError
from pydantic_core import to_json

from config.problems import Fault, Problem, faults_of, invalid
from crm.api import Strict, Text

FORM = "application/x-www-form-urlencoded"
TEXT = "text/plain"
Answer = dict[str, Any]


class Asked(Strict):
    """The question. Either `number`, as it was typed, or `customer`, a reference."""

    number: Annotated[Text, Field(max_length=250)] | None = None
    customer: Annotated[Text, Field(max_length=64)] | None = None
    purpose: Literal["sales", "survey", "service", "callback"] = "sales"
    campaign: Annotated[Text, Field(max_length=50)] | None = None
    agent: Annotated[Text, Field(max_length=150)] | None = None
    reserve: bool | None = None
    request_id: Annotated[Text, Field(max_length=80)] = ""
    reference: Annotated[Text, Field(max_length=80)] = ""
    lang: Literal["en", "fr", "nl", "de"] = "en"
    format: Literal["json", "text", "form"] = "json"


class Barrier(Strict):
    """One block: why not, since when, until when."""

    code: str
    since: datetime | None
    until: datetime | None
    promise: str | None


class Answered(Strict):
    """The answer. A deny is a 200 like an allow; only `decision` says which."""

    decision: Literal["allow", "deny"]
    code: str
    reason: str
    blocks: list[Barrier]
    number: str | None
    customer: str | None
    not_before: datetime | None
    decision_id: str | None
    valid_until: datetime | None
    checked_at: datetime | None


def question_in(request: HttpRequest) -> Asked:
    """Reads the question from query, form or JSON. Raises Problem."""
    given = _once(request.GET)
    if request.method == "POST":
        given |= _body(request)
    # Dialers send the fields that they have nothing for. An empty number stays: it is denied.
    given = {k: v for k, v in given.items() if v != "" or k == "number"}
    if given.get("number") == "" and given.get("customer"):
        del given["number"]
    try:
        asked = Asked.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        raise Problem("invalid", faults=faults_of(found)) from None
    if (asked.number is None) == (asked.customer is None):
        words = _("Give a number or a customer, and not both.")
        raise Problem("invalid", faults=[Fault("number", words), Fault("customer", words)])
    return asked


def _once(given: QueryDict) -> dict[str, Any]:
    """A field that comes twice could be read one way here and the other way elsewhere."""
    values = {}
    for name, listed in given.lists():
        if len(listed) != 1:
            raise invalid(name, _("This field was given more than once."))
        values[name] = listed[0]
    return values


def _body(request: HttpRequest) -> dict[str, Any]:
    if request.content_type == "application/json":
        return json_object(request.body or b"{}")
    if request.content_type == FORM or not request.body:
        return _once(request.POST)
    raise Problem("unsupported_media_type", _("Send JSON, a form or a query."))


def json_object(body: bytes) -> dict[str, Any]:
    """What a JSON body says. Raises Problem for what is none, or no object."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Problem("bad_request", _("The body is not JSON.")) from error
    if not isinstance(found, dict):
        raise Problem("bad_request", _("The body is not a JSON object."))
    return found


def written(answer: Answer, *, form: str) -> HttpResponse:
    """The answer as JSON, as one line of text, or as form pairs."""
    if form == "json":
        return HttpResponse(to_json(answer), content_type="application/json")
    short = {
        name: answer[name] or ""
        for name in ("decision", "code", "number", "not_before", "decision_id")
    }
    if form == "text":
        line = ";".join([short.pop("decision").upper(), *short.values()])
        return HttpResponse(line, content_type=f"{TEXT}; charset=utf-8")
    return HttpResponse(urlencode(short), content_type=FORM)


PARAMETERS = [
    {"in": "query", "name": name, "required": False, "schema": schema}
    for name, schema in Asked.model_json_schema()["properties"].items()
]
BODY = {
    "content": {kind: {"schema": Asked.model_json_schema()} for kind in ("application/json", FORM)}
}
