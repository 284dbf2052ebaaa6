"""Forms of this storey: an endpoint for webhooks."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from followups.models import WebhookEndpoint
from followups.terms import Refused
from followups.webhooks import addresses, endpoints, events


class EndpointForm(forms.Form):
    """Where it goes and what it is told. The name stays as it was given."""

    name = forms.CharField(
        label=_("Name"), max_length=32, help_text=_("Small letters, digits, - and _.")
    )
    url = forms.CharField(
        label=_("Web address"),
        max_length=addresses.LONGEST,
        help_text=_("It begins with https:// and is on the public internet."),
    )
    types = forms.MultipleChoiceField(
        label=_("Events"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one event.")},
    )

    def __init__(self, *args: Any, endpoint: WebhookEndpoint | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if endpoint:
            del self.fields["name"]
            self.initial = {"url": endpoint.url, "types": endpoint.types}
        types: Any = self.fields["types"]
        types.choices = [
            (code, format_html("<code>{}</code> {}", code, told))
            for code, told in events.TYPES.items()
        ]
        self.fields["url"].widget.attrs |= {"inputmode": "url", "autocomplete": "off"}
        self.helper = FormHelper()
        self.helper.layout = Layout(*self.fields)
        self.helper.add_input(Submit("save", _("Save") if endpoint else _("Add")))

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        try:
            endpoints.check_name(name)
        except Refused as refused:
            raise forms.ValidationError(str(refused)) from refused
        return name

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            addresses.check(url)
        except addresses.BadAddress as error:
            raise forms.ValidationError(str(error)) from error
        return url
