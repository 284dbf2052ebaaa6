"""Whole lists over HTTP: a CSV in and out, or up to ten thousand numbers as JSON."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Literal
from uuid import UUID

from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import Field

from config.problems import DOCUMENTED, Problem, invalid
from crm.api import Caller, Key, Strict, Text, caller_of, refuse_unknown
from crm.models import Campaign
from crm.tables import Unreadable
from followups import listing, scrub, verdicts
from followups.api import words
from followups.scrub import Tally
from followups.verdicts import BY_THE_CLOCK, Terms, Verdict

router = Router(tags=["gate"])
KEY = Key("gate:read")
MOST = 10_000
PIECE = 1 << 20
PLAIN = {"", "text/csv", "text/plain", "text/tab-separated-values", "application/octet-stream"}
CSV = {"text/csv": {"schema": {"type": "string", "format": "binary"}}}
Purpose = Literal["sales", "survey", "service", "callback"]


class Rules(Strict):
    """Under which rules a list is judged."""

    purpose: Purpose = "sales"
    campaign: Annotated[Text, Field(max_length=50)] | None = None


class HowRead(Rules):
    """How a list is to be read; what is not said is found out."""

    column: Annotated[Text, Field(max_length=100)] = ""
    delimiter: Literal["", ",", ";", "|", "tab"] = ""
    header: bool | None = None
    drop: bool = False


class Batch(Rules):
    """The numbers as they were written."""

    numbers: Annotated[list[Annotated[Text, Field(max_length=250)]], Field(max_length=MOST)]


class Judged(Strict):
    """The answer about one number; `number` is E.164, or null for what is none."""

    number: str | None
    decision: Literal["allow", "deny"]
    code: str
    not_before: datetime | None


class Judgements(Strict):
    """The answers in the order of the question."""

    scrub_id: UUID
    checked_at: datetime
    answers: list[Judged]


@router.post(
    "/gate/batch",
    auth=KEY,
    response=Judgements,
    summary="May these people be called now?",
    openapi_extra=DOCUMENTED,
)
def batch(request: HttpRequest, asked: Batch) -> Judgements:
    """Advice: nobody is leased. Ask `/gate` before each call that is really made."""
    caller = caller_of(request)
    campaign, terms = _terms(asked, caller)
    kept_as, found = scrub.batch(asked.numbers, terms=terms, campaign=campaign, by=caller.by)
    return Judgements(
        scrub_id=kept_as, checked_at=terms.at, answers=[_judged(verdict) for verdict in found]
    )


def _judged(verdict: Verdict) -> Judged:
    return Judged(
        number=verdict.number or None,
        decision="allow" if verdict.allow else "deny",
        code=verdict.code,
        not_before=verdict.not_before,
    )


@router.post(
    "/scrub",
    auth=KEY,
    summary="Judge a whole list (CSV in, CSV out)",
    openapi_extra={
        "requestBody": {"required": True, "content": CSV},
        "responses": {"200": {"description": "The list, judged", "content": CSV}}
        | DOCUMENTED["responses"],
    },
)
def of_list(request: HttpRequest, how: Query[HowRead]) -> HttpResponseBase:
    """Rows in order and as they came; decision, code, not_before and scrub_id are added."""
    caller = caller_of(request)
    refuse_unknown(request, HowRead)
    if request.content_type not in PLAIN:
        raise Problem("unsupported_media_type", _("Send the list itself, as text/csv."))
    with scrub.alone() as free:
        if not free:
            said = _("Another list is being judged. Send this one again in a moment.")
            raise Problem("unavailable", said, headers={"Retry-After": "15"})
        return _scrubbed(request, how, caller)


def _scrubbed(request: HttpRequest, how: HowRead, caller: Caller) -> FileResponse:
    """The whole list is judged before the first byte goes out: a refusal is never half a list."""
    campaign, terms = _terms(how, caller, without=BY_THE_CLOCK)
    target = tempfile.TemporaryFile(prefix="kept-scrub-")  # noqa: SIM115 (the answer closes it)
    try:
        with _received(request) as path:
            rows = listing.look_at(
                path,
                column=how.column,
                delimiter="\t" if how.delimiter == "tab" else how.delimiter,
                heading=how.header,
            )
            tally = scrub.run(
                rows, target, terms=terms, drop=how.drop, campaign=campaign, by=caller.by
            )
    except Unreadable as error:
        target.close()
        raise invalid("body", str(error)) from error
    except BaseException:
        target.close()
        raise
    return _answered(target, tally)


def _terms(
    asked: Rules, caller: Caller, *, without: Collection[str] = ()
) -> tuple[Campaign | None, Terms]:
    campaign = words.campaign(asked.campaign, caller)
    terms = verdicts.terms(
        purpose=asked.purpose, campaign=campaign, without=without, by=caller.by, at=caller.at
    )
    return campaign, terms


@contextmanager
def _received(request: HttpRequest) -> Iterator[Path]:
    """The body as a file; a list that was cut off on its way is refused."""
    with tempfile.NamedTemporaryFile(prefix="kept-scrub-", suffix=".csv") as file:
        size = 0
        while piece := request.read(PIECE):
            size += file.write(piece)
        if size != int(request.META.get("CONTENT_LENGTH") or 0):
            raise Problem("bad_request", _("The list ended before its announced length."))
        file.flush()
        yield Path(file.name)


def _answered(target: IO[bytes], tally: Tally) -> FileResponse:
    target.seek(0)
    response = FileResponse(target, content_type="text/csv", filename="scrubbed.csv")
    response.headers["Kept-Scrub-Id"] = str(tally.id)
    response.headers["Kept-Rows"] = str(tally.rows)
    response.headers["Kept-Denied"] = str(tally.denied)
    response.headers["Kept-Unreadable"] = str(tally.unreadable)
    return response
