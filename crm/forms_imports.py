"""Forms of imports: the file, which column is which, leaving bad lines out, taking it back."""

from __future__ import annotations

from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Submit
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.importing import files, headings, kinds
from crm.importing.kinds import Kind
from crm.models import Campaign, Customer, Import, Team

OUT = ""


class UploadForm(forms.Form):
    """What kind of file, and the file."""

    kind = forms.ChoiceField(label=gettext_lazy("What is in it"), choices=Import.Kind.choices)
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("CSV or XLSX; its first line names the columns. At most 256 MB."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        accepted = ",".join((*files.TEXTS, *files.SHEETS))
        self.fields["file"].widget.attrs["accept"] = accepted
        self.helper = FormHelper()
        self.helper.add_input(Submit("upload", _("Read it")))

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > files.MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 256 MB: cut it in two."))
        return file


class ColumnsForm(forms.Form):
    """For each column of the file which of ours it is, and what holds for every line."""

    def __init__(self, data: Any = None, *, row: Import) -> None:
        self.row, self.kind = row, kinds.of(row)
        super().__init__(data, initial=_initial(row, self.kind))
        wanted = [(OUT, _("leave out"))]
        wanted += [(one.name, str(one.label)) for one in self.kind.fields]
        for place, heading in enumerate(row.headings):
            label = heading or _("(no heading)")
            self.fields[f"column_{place}"] = forms.ChoiceField(
                label=label, choices=wanted, required=False
            )
        options = _options()
        for name in self.kind.options:
            self.fields[name] = options[name]

    def places(self) -> list[Any]:
        return [self[f"column_{place}"] for place in range(len(self.row.headings))]

    def options(self) -> list[Any]:
        return [self[name] for name in self.kind.options]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        taken: dict[str, int] = {}
        for place in range(len(self.row.headings)):
            name = data.get(f"column_{place}")
            if name and name in taken:
                first = self.row.headings[taken[name]]
                words = _("“%(heading)s” is that already.") % {"heading": first}
                self.add_error(f"column_{place}", words)
            elif name:
                taken[name] = place
        self.columns = taken
        return data

    def chosen(self) -> dict[str, Any]:
        """What holds for every line, as the import keeps it."""
        data = self.cleaned_data
        return {
            name: data[name].pk if isinstance(data[name], Team) else data[name]
            for name in self.kind.options
        }


def _initial(row: Import, kind: Kind) -> dict[str, Any]:
    """As it was chosen; else as the last time; else as the headings say."""
    known = headings.remembered(row.kind, row.headings)
    if row.columns:
        places, options = row.columns, row.options
    elif known:
        places = headings.places(known.columns, row.headings)
        options = known.options
    else:
        places, options = headings.guess(row.headings, kind.fields), {}
    return {**{f"column_{place}": name for name, place in places.items()}, **options}


def _options() -> dict[str, forms.Field]:
    languages = [("", _("none"))] + [
        (code, str(words)) for code, words in Customer.Language.choices
    ]
    return {
        "team": forms.ModelChoiceField(
            label=_("Team of new customers"),
            help_text=_("For lines that name no team."),
            queryset=Team.objects.order_by("name"),
            required=False,
            empty_label=_("none"),
        ),
        "language": forms.ChoiceField(
            label=_("Language of new customers"),
            help_text=_("For lines that name no language."),
            choices=languages,
            required=False,
        ),
        "system": forms.SlugField(
            label=_("Name of the former system"),
            help_text=_(
                "Letters, digits and dashes. Its calls are known by it: use the same again."
            ),
            max_length=30,
        ),
        "purpose": forms.ChoiceField(
            label=_("Purpose of calls that name none"), choices=Campaign.Purpose.choices
        ),
    }


class StartForm(forms.Form):
    """Bad lines are left out only when somebody says so."""

    leave_bad = forms.BooleanField(
        label=gettext_lazy("Leave the bad lines out and import the others"), required=False
    )

    def __init__(self, *args: Any, row: Import, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not row.lines_bad:
            del self.fields["leave_bad"]
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True


class UndoForm(forms.Form):
    """Why it is taken back."""

    ground = forms.CharField(
        label=gettext_lazy("Why, in your words"),
        widget=forms.Textarea({"rows": 2}),
        max_length=400,
        required=False,
    )

    def __init__(self, *args: Any, row: Import, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ground"].required = row.kind == Import.Kind.DO_NOT_CALL
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
