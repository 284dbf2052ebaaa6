"""How a *We promise…* line is laid out: which fields stand beside which, and for which kinds."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Div, Layout
from django import forms

from followups.channels import MAIL, PAPER
from followups.models import Promise

Kind = Promise.Kind
SENDS = f"{Kind.SEND_OFFER} {Kind.SEND_DOCUMENT}"
DOCUMENTS = f"{SENDS} {Kind.WRITTEN_ANSWER}"


class MarkedSelect(forms.Select):
    """A select whose options carry words for the page: `marks` is value -> attribute -> text."""

    marks: dict[str, dict[str, str]] = {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"] |= self.marks.get(str(value), {})
        return option


def layout(language: str) -> FormHelper:
    """The order of the fields; `data-for` says for which kinds, `data-by` for which channels."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(
        Div("kind", Div("channel", data_for=DOCUMENTS), css_class="kept-row"),
        Div(
            "offer",
            HTML(f'<p class="sentence" lang="{language}" hidden></p>'),
            data_for=Kind.SEND_OFFER.value,
        ),
        Div("document", "pdf", css_class="kept-row", data_for=Kind.SEND_DOCUMENT.value),
        Div("question", data_for=Kind.WRITTEN_ANSWER.value),
        Div(
            Div("after", Div("after_days", data_when="after"), css_class="kept-row"),
            Div("day", "time", css_class="kept-row", data_when="agreed"),
            data_for=Kind.CALLBACK.value,
        ),
        Div("move", data_for=Kind.CALLBACK.value),
        Div("words", data_for=f"{SENDS} {Kind.CALLBACK}"),
        Div(
            Div("address", data_by=" ".join(MAIL)),
            Div("street", "postcode", "city", css_class="kept-row", data_by=" ".join(PAPER)),
            "read_back",
            data_for=DOCUMENTS,
        ),
        HTML('<p class="outcome" aria-live="polite" hidden></p>'),
    )
    return helper
