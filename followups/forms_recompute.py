"""Working out open promises anew: by which version, and why."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from followups import recomputing


class RecomputeForm(forms.Form):
    """`seen` is the number of the version whose moves were shown."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
    words = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=recomputing.LONGEST,
        widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("15 characters or more. It stays with your name."),
    )

    def __init__(self, *args: Any, seen: int, total: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = seen
        self.helper = FormHelper()
        label = ngettext("Move %(n)s promise", "Move %(n)s promises", total) % {"n": total}
        self.helper.add_input(Submit("move", label if total else _("Move them")))
