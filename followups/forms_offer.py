"""Forms of the offers page: a plan to offer, and a document to put on file."""

from __future__ import annotations

from typing import Any

from crispy_forms.bootstrap import StrictButton
from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Layout, Submit
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups.forms_promise import MarkedSelect
from followups.menu import Menu
from offers.documents import MOST_BYTES
from offers.models import OfferVersion, Plan


class PlanForm(forms.Form):
    """The plan of a new offer, or of the next version of one."""

    plan = forms.ChoiceField(label=gettext_lazy("Plan"), widget=MarkedSelect)

    def __init__(
        self,
        *args: Any,
        menu: Menu,
        language: str,
        before: OfferVersion | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.menu = menu
        field: Any = self.fields["plan"]
        field.choices = [(one.value, one.label) for one in menu.plans]
        field.widget.marks = {one.value: {"data-sentence": one.sentence} for one in menu.plans}
        known = {one.plan.name: one.value for one in menu.plans if one.plan}
        field.initial = known.get(before.plan) if before else None
        word = _("Make the new version") if before else _("Draft this offer")
        self.helper = FormHelper()
        said = f'<p class="sentence" lang="{language}" hidden></p>'
        self.helper.layout = Layout("plan", HTML(said))
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.add_input(Submit("draft", word))

    def chosen(self) -> Plan:
        """The plan that was chosen; the field has refused everything else."""
        choice = self.menu.choice(self.cleaned_data["plan"])
        if choice is None or choice.plan is None:
            raise ValueError("a plan that is not on the menu")
        return choice.plan


class UploadForm(forms.Form):
    """A PDF for this customer, to promise it in a call."""

    title = forms.CharField(label=gettext_lazy("What it is"), max_length=160)
    pdf = forms.FileField(
        label=gettext_lazy("Document (PDF)"),
        widget=forms.ClearableFileInput({"accept": "application/pdf"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        button = StrictButton(_("Put it on file"), type="submit", css_class="btn-outline-primary")
        self.helper.layout = Layout("title", "pdf", button)

    def clean_pdf(self) -> Any:
        pdf = self.cleaned_data["pdf"]
        if pdf.size > MOST_BYTES:
            raise forms.ValidationError(_("The file is larger than 4 MB."))
        return pdf
