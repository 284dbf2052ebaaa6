"""Template words of this storey: the bell, the tour."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings

from followups import channels, queries
from followups import tour as tours
from followups.unfinished import Unfinished

register = template.Library()


@register.simple_tag(takes_context=True)
def unread(context: dict[str, Any]) -> int:
    """How many notices the reader has not read."""
    user = context.get("user")
    return queries.unread(user) if user and user.is_authenticated else 0


@register.inclusion_tag("partials/tour.html", takes_context=True)
def tour(context: dict[str, Any]) -> dict[str, Any]:
    """The strip of the demo's tour, for who is on one. Asks nothing of the database."""
    request, user = context.get("request"), context.get("user")
    if not (settings.KEPT_DEMO and request and user and user.is_authenticated):
        return {}
    if not hasattr(request, "session"):  # a page of an error, before anybody was looked up
        return {}
    number, steps = request.session.get(tours.PLACE), tours.steps(user)
    if not isinstance(number, int) or not 1 <= number <= len(steps):
        return {}
    return {
        "number": number,
        "step": steps[number - 1],
        "count": len(steps),
        "csrf_token": context.get("csrf_token"),
    }


@register.filter
def of(found: dict[Any, Any], key: object) -> Any:
    """The value under a key, or nothing."""
    return found.get(key)


@register.filter
def one_line(address: str) -> str:
    """A postal address as one line."""
    return channels.one_line(address)


@register.filter
def sentence_at(before: Unfinished, at: datetime) -> str:
    """Why no other call is given out, seen from the page's instant."""
    return before.sentence(at=at)
