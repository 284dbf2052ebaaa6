"""Promises for other systems: the list, and one promise with its whole story. Reads only."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic import BaseModel, Field

from config.problems import DOCUMENTED, invalid
from crm.api import (
    Caller,
    Instant,
    Key,
    Strict,
    Text,
    after,
    caller_of,
    cursor_of,
    refuse_unknown,
)
from crm.models import Team
from followups.api import story, words
from followups.api.story import Shown, Told
from followups.models.promises import Promises

router = Router(tags=["promises"])
KEY = Key("promises:read")
MOST = 200


class Wanted(Strict):
    """Which promises; everything that is given must hold."""

    status: Literal["open", "kept", "withdrawn", "replaced", "erased"] | None = None
    owner: Annotated[Text, Field(max_length=150)] | None = None
    team: Annotated[Text, Field(max_length=50)] | None = None
    due_before: Instant | None = None
    broken: bool = False
    cursor: Annotated[Text, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


class PromisePage(BaseModel):
    """`next` is the cursor of the following page, or null at the end."""

    items: list[Shown]
    next: str | None


@router.get(
    "/promises",
    auth=KEY,
    response=PromisePage,
    summary="List promises",
    openapi_extra=DOCUMENTED,
)
def listed(request: HttpRequest, wanted: Query[Wanted]) -> PromisePage:
    """Oldest first. A promise made while the pages are read comes after them, never twice."""
    caller = caller_of(request)
    refuse_unknown(request, Wanted)
    rows = _found(wanted, caller)
    if wanted.cursor:
        rows = rows.filter(pk__gt=after(wanted.cursor))
    page = list(story.with_names(rows).order_by("pk")[: wanted.limit + 1])
    more = len(page) > wanted.limit
    page = page[: wanted.limit]
    return PromisePage(
        items=[story.shown(promise, caller) for promise in page],
        next=cursor_of(page[-1].pk) if more else None,
    )


def _found(wanted: Wanted, caller: Caller) -> Promises:
    rows = story.mine(caller)
    if wanted.broken:
        rows = rows.broken(caller.at)
    exact: dict[str, Any] = {
        "status": wanted.status,
        "owner": words.agent(wanted.owner, caller, "owner"),
        "team": _team(wanted.team),
        "due_at__lt": wanted.due_before,
    }
    return rows.filter(**{name: value for name, value in exact.items() if value is not None})


def _team(slug: str | None) -> Team | None:
    if slug is None:
        return None
    found = Team.objects.filter(slug=slug).first()
    if found is None:
        raise invalid("team", _("There is no such team."))
    return found


@router.get(
    "/promises/{reference}",
    auth=KEY,
    response=Told,
    summary="One promise with its events, deliveries and evidence",
    openapi_extra=DOCUMENTED,
)
def one(request: HttpRequest, reference: str) -> Told:
    """Codes, instants and references; no name, no address, no words."""
    caller = caller_of(request)
    return story.told(story.one(reference, caller), caller)
