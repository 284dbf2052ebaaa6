"""Template words of imports: counts of lines with their thousands apart, what happened."""

from __future__ import annotations

from babel.numbers import format_decimal
from django import template
from django.utils.functional import Promise as Lazy
from django.utils.translation import get_language, gettext_lazy

from crm.models import ImportEvent

register = template.Library()
CAUSES: dict[str, str | Lazy] = {
    "uploaded": gettext_lazy("the file came"),
    "read": gettext_lazy("it was read"),
    "columns": gettext_lazy("its columns were chosen"),
    "checked": gettext_lazy("every line was checked"),
    "started": gettext_lazy("the import was started"),
    "done": gettext_lazy("everything was written"),
    "undo": gettext_lazy("somebody asked to take it back"),
    "undone": gettext_lazy("it was taken back"),
    "refused": gettext_lazy("it was refused"),
    "dropped": gettext_lazy("it was dropped"),
}


@register.filter
def lines(count: int) -> str:
    """1,000,000 as the reader writes it."""
    return str(format_decimal(count, locale=(get_language() or "en").replace("-", "_")))


@register.filter
def named(code: str, names: dict[str, str]) -> str:
    """What the author of that code is called."""
    return names.get(code, "")


@register.filter
def import_cause(event: ImportEvent) -> str:
    return str(CAUSES.get(event.cause, event.cause))
