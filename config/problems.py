"""Problems: what a machine is told when its request is refused (RFC 9457)."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import errors as ninja

log = logging.getLogger("kept.api")
MEDIA = "application/problem+json"
TYPE = "urn:kept:problem:"
HOUSE = Path(__file__).resolve().parent.parent

# code -> status and title. A code is a promise to those who programmed against it: it stays.
KINDS: dict[str, tuple[int, Any]] = {
    "bad_request": (400, gettext_lazy("The request cannot be read")),
    "unauthorized": (401, gettext_lazy("A valid key is needed")),
    "missing_scope": (403, gettext_lazy("The key may not do this")),
    "forbidden": (403, gettext_lazy("This is not allowed")),
    "not_found": (404, gettext_lazy("There is nothing here")),
    "method_not_allowed": (405, gettext_lazy("This cannot be done here")),
    "contradiction": (409, gettext_lazy("This was said differently before")),
    "not_open": (409, gettext_lazy("This promise is not open any more")),
    "erased": (409, gettext_lazy("This customer asked to be forgotten")),
    "still_running": (409, gettext_lazy("The first request is still running")),
    "length_required": (411, gettext_lazy("The request does not say how long it is")),
    "too_large": (413, gettext_lazy("The request is too large")),
    "unsupported_media_type": (415, gettext_lazy("The request is in an unknown format")),
    "invalid": (422, gettext_lazy("Something in the request is wrong")),
    "idempotency_key_reused": (422, gettext_lazy("The idempotency key belongs to another request")),
    "too_many_requests": (429, gettext_lazy("The key asks too often")),
    "internal": (500, gettext_lazy("Something went wrong")),
    "unavailable": (503, gettext_lazy("Kept cannot look just now")),
    "gate_unavailable": (503, gettext_lazy("Do not call: the gate cannot look just now")),
}
# Raw driver errors too: what runs in a pipeline does not pass through Django's cursor.
UNAVAILABLE = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
UNREADABLE = (BadRequest, SuspiciousOperation, UnreadablePostError, MultiPartParserError)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Exception):
    """A refusal. `code` is one of KINDS; `more` are further members of the answer."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        faults: Iterable[Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.code = code
        self.status, self.title = KINDS[code]
        self.detail = detail
        self.faults = list(faults)
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        super().__init__(code)

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": TYPE + self.code,
            "title": str(self.title),
            "status": self.status,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.faults:
            body["errors"] = [{"field": f.field, "message": f.message} for f in self.faults]
        return body | self.more


def invalid(field: str, message: str) -> Problem:
    """One field is wrong."""
    return Problem("invalid", faults=[Fault(field, message)])


def respond(problem: Problem) -> HttpResponse:
    """The answer. Django's own log line would hold the request's address, so it is left out."""
    response = HttpResponse(
        json.dumps(problem.body),
        content_type=MEDIA,
        status=problem.status,
        headers=problem.headers,
    )
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def of(error: Exception) -> Problem:
    """Whatever was raised, as a problem; what nobody expected is logged without its message."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ninja.ValidationError):
        return Problem("invalid", faults=[_fault(e) for e in error.errors])
    if isinstance(error, UNAVAILABLE):
        _note(error, logging.WARNING)
        return Problem("unavailable", headers={"Retry-After": "5"})
    code = _code(error)
    if code == "internal":
        _note(error, logging.ERROR)
    return Problem(code)


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, RequestDataTooBig):
        return "too_large"
    if isinstance(error, PermissionDenied):
        return "forbidden"
    unreadable = isinstance(error, ninja.HttpError) and error.status_code == 400
    return "bad_request" if unreadable or isinstance(error, UNREADABLE) else "internal"


def _fault(error: Mapping[str, Any]) -> Fault:
    """pydantic's finding: the place below `body` or `query`, and its words."""
    place = [str(part) for part in error["loc"]]
    if len(place) > 1 and place[0] == "body":
        place = place[2:]
    elif place and place[0] in {"query", "path"}:
        place = place[1:]
    if error["type"] == "extra_forbidden":
        return Fault(".".join(place), _("This field is not known."))
    return Fault(".".join(place) or "body", str(error["msg"]).removeprefix("Value error, "))


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """The findings of a pydantic model that was asked directly."""
    return [_fault(error) for error in errors]


def _note(error: Exception, level: int) -> None:
    """Which error and where. Its message stays out: it may quote what a customer is called."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if _place(f.filename)]
    where = [f"{_place(f.filename)}:{f.lineno} {f.name}" for f in ours[-8:]]
    state = getattr(error.__cause__, "sqlstate", None)  # PostgreSQL's code, which quotes nobody
    what = {"error": type(error).__name__, "where": where, "sqlstate": state}
    log.log(level, "request failed", extra=what)


def _place(filename: str) -> str:
    """The file inside this house, or nothing: libraries live elsewhere, or in `.venv`."""
    path = Path(filename)
    inside = path.is_relative_to(HOUSE) and ".venv" not in path.parts
    return str(path.relative_to(HOUSE)) if inside else ""


# For the OpenAPI document: what every operation may answer instead.
DOCUMENTED = {
    "responses": {
        "default": {
            "description": "A problem (RFC 9457); `type` is stable, `errors` names the fields.",
            "content": {
                MEDIA: {
                    "schema": {
                        "type": "object",
                        "required": ["type", "title", "status"],
                        "properties": {
                            "type": {"type": "string", "enum": [TYPE + code for code in KINDS]},
                            "title": {"type": "string"},
                            "status": {"type": "integer"},
                            "detail": {"type": "string"},
                            "errors": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "field": {"type": "string"},
                                        "message": {"type": "string"},
                                    },
                                },
                            },
                        },
                    }
                }
            },
        }
    }
}


def documented(*others: str) -> dict[str, Any]:
    """The same for an operation that also answers in other media types than JSON."""
    content = {media: {"schema": {"type": "string"}} for media in others}
    return {"responses": {200: {"content": content}, **DOCUMENTED["responses"]}}
