"""Template words of paper: marks of sheets, names of channels, what happened to a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from offers.models import PrintLine, PrintRunEvent

register = template.Library()
CHANNELS: dict[str, str | Lazy] = {
    "email": _("e-mail"),
    "portal": _("page on the web"),
    "post": _("letter"),
    "bill_insert": _("with the bill"),
}
CAUSES: dict[str, str | Lazy] = {
    "opened": _("opened"),
    "cut_off": _("closed at the cut-off"),
    "closed_early": _("closed before the cut-off"),
    "numbered": _("the list has its order"),
    "ready": _("the print file is ready"),
    "printed": _("printed"),
    "mailed": _("mailed, line by line"),
    "mailed_whole": _("mailed as a whole"),
    "return_file": _("a return file came in"),
    "unconfirmed": _("sheets that nobody confirmed became an alarm"),
    "customer_erased": _("print files were emptied: somebody in them was forgotten"),
    "empty": _("over: nothing was in it"),
}


@register.filter
def at(table: Mapping[str, Any], key: str) -> Any:
    return table.get(key)


@register.filter
def mark(delivery_id: int) -> str:
    """The mark on the sheet of a delivery."""
    return PrintLine(delivery_id=delivery_id).code


@register.filter
def channel(code: str) -> str:
    return str(CHANNELS.get(code, code))


@register.filter
def told(event: PrintRunEvent) -> str:
    return str(CAUSES.get(event.cause, event.cause))
