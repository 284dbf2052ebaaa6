"""Template words of this storey: the bell."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template

from followups import channels, queries
from followups.unfinished import Unfinished

register = template.Library()


@register.simple_tag(takes_context=True)
def unread(context: dict[str, Any]) -> int:
    """How many notices the reader has not read."""
    user = context.get("user")
    return queries.unread(user) if user and user.is_authenticated else 0


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
