"""Who shall be called for a campaign: a file."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext_lazy as _

# A hundred thousand references; more goes by the command.
MOST_BYTES = 2 * 1024 * 1024


class ListForm(forms.Form):
    """A file of references or telephone numbers, one a line."""

    file = forms.FileField(
        label=_("File (CSV or text)"),
        help_text=_(
            "One customer a line: a reference or a telephone number. A column “priority” may stand"
            " beside it: 1 is called first, 3 last."
        ),
    )
    leave_bad = forms.BooleanField(
        label=_("Take the good lines when others are bad"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs["accept"] = ".csv,.tsv,.txt"
        self.helper = FormHelper()
        self.helper.add_input(Submit("add", _("Put them on the list")))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            words = _("The file is larger than 2 MB: use “./kept campaign” for it.")
            raise forms.ValidationError(words)
        return file
