"""Forms of this storey: the mail room's return file, and a sheet that came back by post."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext_lazy as _

MOST_BYTES = 64 * 1024 * 1024


class ReturnForm(forms.Form):
    """The manifest as it comes back, with a status and a time on each line."""

    file = forms.FileField(label=_("Return file (CSV)"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs["accept"] = ".csv,.tsv,.txt"
        self.helper = FormHelper()
        self.helper.add_input(Submit("take", _("Take it in")))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 64 MB."))
        return file


class CameBackForm(forms.Form):
    """The mark on a sheet that the post brought back."""

    code = forms.CharField(label=_("Mark on the sheet"), max_length=20)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.add_input(Submit("back", _("It came back by post")))
