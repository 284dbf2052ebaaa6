"""Template words of every storey: instants, days, money, numbers, as people read them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm import access, instants, phone, wording

register = template.Library()


@register.simple_tag(takes_context=True)
def instant(
    context: dict[str, Any], at: datetime | None, now: datetime | None = None
) -> SafeString | str:
    """A short instant with the exact one on hover; nothing for None. Seen from `now`, which is
    the page's own instant unless it stands under a heading that names the day already."""
    if at is None:
        return ""
    return _hovering(at, instants.brief(at, now=now or context.get("page_at")))


@register.simple_tag
def instant_day(at: datetime | None) -> SafeString | str:
    """The day of an instant on the clock of the house, with the exact one on hover."""
    return _hovering(at, instants.day(instants.house(at).date())) if at else ""


@register.simple_tag
def instant_age(at: datetime | None, age: timedelta) -> SafeString | str:
    """How long ago, with the exact instant on hover."""
    return _hovering(at, instants.lasting(age)) if at else ""


def _hovering(at: datetime, words: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), instants.exact(at), words
    )


@register.simple_tag(takes_context=True)
def due(context: dict[str, Any], at: datetime) -> SafeString:
    """When something is due, as one says it on the phone, with the exact instant on hover."""
    now = context.get("page_at") or at
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        instants.exact(at),
        instants.due(at, now=now),
    )


@register.filter
def plainly(value: Any) -> str:
    """What stands in an entry of the audit, without a programmer's brackets."""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@register.filter
def day(on: date | None) -> str:
    return instants.day(on) if on else ""


@register.filter
def weekday_and_day(on: date) -> str:
    return instants.weekday_and_day(on)


@register.filter
def lasting(span: timedelta | None) -> str:
    """ "45 sec", "3 min" """
    return instants.lasting(span) if span is not None else ""


@register.filter
def money(amount: Decimal | None) -> str:
    return instants.money(amount) if amount is not None else ""


@register.filter
def grouped(e164: str) -> str:
    """+32 470 12 34 56"""
    return phone.international(e164)


@register.filter
def disposition(code: str | None) -> str:
    return wording.disposition(code) if code else ""


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], action: str) -> bool:
    """Whether the reader's role allows the action (crm/access.py)."""
    user = context.get("user")
    return bool(user and user.is_authenticated and access.may(user, action))


@register.inclusion_tag("partials/demo.html", takes_context=True)
def demo(context: dict[str, Any]) -> dict[str, Any]:
    """The demo's strip: that it is one, its tour, its mails, and the control of its clock."""
    return {
        "on": settings.KEPT_DEMO,
        "mail": _address("demo_mail"),
        "clock": _address("demo_clock"),
        "tour": _address("demo_tour"),
        "csrf_token": context.get("csrf_token"),
        "page_at": context.get("page_at"),
        "request": context.get("request"),
    }


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
