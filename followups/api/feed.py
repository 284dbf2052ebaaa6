"""GET /suppressions: the blocked numbers, and what has changed since, for lists kept elsewhere."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import Field

from config.problems import documented, invalid
from crm import exports
from crm.api import Key, Strict, Text, caller_of, refuse_unknown
from followups import feed
from followups.feed import Entry, Page, UnknownCursor

router = Router(tags=["gate"])
CSV, LINES = "text/csv", "application/x-ndjson"


class Wanted(Strict):
    """From where, how much, and in which form."""

    since: Annotated[Text, Field(max_length=200)] = ""
    limit: Annotated[int, Field(ge=1, le=feed.MOST)] = 1000
    format: Literal["json", "ndjson", "csv"] = "json"


class NumberState(Strict):
    """How a number stands now."""

    number: str
    state: Literal["blocked", "clear"]
    code: str
    not_before: datetime | None
    expires_at: datetime | None


class Lines(Strict):
    """`next` is the `since` of the next request, also when there is nothing new."""

    items: list[NumberState]
    next: str
    more: bool
    safe: bool
    as_of: datetime


@router.get(
    "/suppressions",
    auth=Key("feed:read"),
    response=Lines,
    summary="Which numbers are blocked, and what has changed since",
    openapi_extra=documented(CSV, LINES),
)
def suppressions(request: HttpRequest, wanted: Query[Wanted]) -> HttpResponse:
    """Without `since` all blocked numbers, page by page; then each that may have changed."""
    caller = caller_of(request)
    refuse_unknown(request, Wanted)
    try:
        page = feed.page(since=wanted.since, limit=wanted.limit, by=caller.by, at=caller.at)
    except UnknownCursor as error:
        said = _("This cursor was not made here, or before a restore: begin with an empty one.")
        raise invalid("since", said) from error
    return _written(page, wanted.format, caller.at)


def _written(page: Page, form: str, at: datetime) -> HttpResponse:
    lines = [_line(entry) for entry in page.entries]
    if form == "json":
        told = {"next": str(page.next), "more": page.more, "safe": page.safe}
        body = json.dumps({"items": lines, **told, "as_of": at.isoformat()})
        return HttpResponse(body, content_type="application/json")
    headers = {
        "Kept-Next": str(page.next),
        "Kept-More": str(int(page.more)),
        "Kept-Safe": str(int(page.safe)),
    }
    if form == "csv":
        return HttpResponse(_table(lines), content_type=CSV, headers=headers)
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    return HttpResponse(text, content_type=LINES, headers=headers)


def _line(entry: Entry) -> dict[str, Any]:
    ends = entry.not_before.isoformat() if entry.not_before else None
    return {
        "number": entry.number,
        "state": "blocked" if entry.blocked else "clear",
        "code": entry.code,
        "not_before": ends,
        "expires_at": ends,
    }


def _table(lines: list[dict[str, Any]]) -> str:
    names = list(NumberState.model_fields)
    return exports.csv_lines([names, *([line[name] for name in names] for line in lines)])
