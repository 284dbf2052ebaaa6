"""The page of absences: who is away or will be, and who stands in; one is written down or ended."""

from __future__ import annotations

from datetime import date, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config import clock
from crm import absences, access, instants
from crm.actors import Actor
from crm.forms_absences import AbsenceForm
from crm.models import Absence
from crm.views import reader

FIELDS = {"from_at": "first", "until_at": "last"}


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """A supervisor sees and plans the team's, everybody else their own."""
    user, at = reader(request), clock.now()
    access.require(user, "plan_absences")
    form = AbsenceForm(request.POST or None, reader=user)
    if request.method == "POST" and form.is_valid():
        try:
            absences.record(**form.facts(), by=Actor.person(user), at=at)
        except absences.Refused as refusal:
            form.add_error(FIELDS.get(refusal.field, refusal.field), str(refusal))
        else:
            messages.success(request, _("The absence is written down."))
            return redirect("absences")
    mine = set(absences.people(user).values_list("pk", flat=True))
    rows = [
        {
            "absence": row,
            "first": instants.house(row.from_at).date(),
            "last": _last(row),
            "now": row.from_at <= at,
            "ends": row.user_id in mine,
        }
        for row in absences.listed(user=user, at=at)
    ]
    status = 422 if request.method == "POST" else 200
    return render(request, "crm/absences.html", {"rows": rows, "form": form}, status=status)


def _last(row: Absence) -> date:
    """The last day on which they are away."""
    return instants.house(row.until_at - timedelta(microseconds=1)).date()


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """They are back, or do not go. Only for those whose absences the reader writes down."""
    user, at = reader(request), clock.now()
    access.require(user, "plan_absences")
    row = get_object_or_404(Absence, pk=pk, user__in=absences.people(user))
    if absences.end(absence=row, by=Actor.person(user), at=at):
        words = _("%(name)s is here again, and is told of everything themselves.")
        messages.success(request, words % {"name": row.user})
    else:
        messages.info(request, _("It had ended already."))
    return redirect("absences")
