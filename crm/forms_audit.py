"""What is looked for in the audit."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm import actors, audit_log, audit_words, instants
from crm.audit_log import Question
from crm.models import User

DAY = forms.DateInput({"type": "date", "class": "form-control form-control-sm"})
CHOICE = {"class": "form-select form-select-sm"}


class AuditForm(forms.Form):
    """A GET form: the address of a page says what is looked for."""

    who = forms.ChoiceField(label=_("Who"), required=False, widget=forms.Select(CHOICE))
    what = forms.ChoiceField(label=_("What"), required=False, widget=forms.Select(CHOICE))
    about = forms.CharField(
        label=_("About"),
        required=False,
        max_length=80,
        widget=forms.TextInput({"class": "form-control form-control-sm", "placeholder": "user:5"}),
    )
    first = forms.DateField(label=_("From"), required=False, widget=DAY)
    last = forms.DateField(label=_("Until the end of"), required=False, widget=DAY)
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.order_by("first_name", "username")
        who: Any = self.fields["who"]
        what: Any = self.fields["what"]
        who.choices = [
            ("", _("everybody")),
            *((f"user:{user.pk}", str(user)) for user in people),
            (actors.NOBODY.code, _("somebody unknown")),
        ]
        what.choices = [("", _("everything")), *_acts(audit_log.actions())]

    def question(self) -> Question:
        """What was asked; a day is one of the house's zone."""
        data = self.cleaned_data
        last = data["last"] + timedelta(days=1) if data["last"] else None
        return Question(
            by=data["who"],
            action=data["what"],
            subject=data["about"].strip(),
            from_at=_midnight(data["first"]),
            until_at=_midnight(last),
            before=data["before"],
        )


def _acts(there: list[str]) -> list[tuple[str, Any]]:
    """The groups, each with those of its acts that stand in the audit; last what has no words."""
    found: list[tuple[str, Any]] = []
    for group, (title, acts) in audit_words.GROUPS.items():
        mine = [(code, acts[code]) for code in acts if code in there]
        if mine:
            everything = _("all: %(group)s") % {"group": title}
            found.append((str(title), [(group, everything), *mine]))
    others = [(code, audit_words.act(code)) for code in there if code not in audit_words.ACTS]
    return [*found, *others]


def _midnight(day: date | None) -> datetime | None:
    return instants.begin_of(day) if day else None
