"""People and teams, for administrators: who logs in, as what, and who does not any more."""

from __future__ import annotations

from collections.abc import Callable

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from config.second_factor import FACTORS
from crm import access, people
from crm.actors import Actor
from crm.models import Team, User
from crm.views import reader
from crm.views_confirmed import confirmed
from followups import newcomers
from followups.forms_people import PersonForm, TeamForm

ACT = "manage_people"
Act = Callable[..., bool]


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    """Who works here, by name; with `?left=1` who has left."""
    access.require(reader(request), ACT)
    left = request.GET.get("left") == "1"
    factor = Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS)
    rows = (
        User.objects.filter(is_active=not left)
        .select_related("team", "supervisor")
        .annotate(factor=Exists(factor))
        .order_by("first_name", "last_name", "username")
    )
    others = User.objects.filter(is_active=left).count()
    words = {"rows": list(rows), "left": left, "others": others, "page_at": clock.now()}
    return render(request, "followups/people.html", words)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed(ACT)
def add(request: HttpRequest) -> HttpResponse:
    """Somebody new: a link to set a password goes to their mail address."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = newcomers.invite(
                username=form.cleaned_data["username"],
                facts=form.facts(),
                by=Actor.person(reader(request)),
                at=clock.now(),
            )
        except people.Refused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            words = _("%(name)s is added; a link to set a password is on its way.")
            messages.success(request, words % {"name": user})
            return redirect("people")
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/person_add.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed(ACT)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they are here, and what can be done for them."""
    user = get_object_or_404(User.objects.select_related("team", "supervisor"), pk=pk)
    form = PersonForm(request.POST or None, person=user)
    if request.method == "POST" and form.is_valid():
        by, at = Actor.person(reader(request)), clock.now()
        try:
            people.change(user=user, facts=form.facts(), by=by, at=at)
        except people.Refused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            messages.success(request, _("Saved."))
            return redirect("person", pk=pk)
    words = {
        "person": user,
        "form": form,
        "factor": Authenticator.objects.filter(user=user, type__in=FACTORS).exists(),
        "promises": newcomers.open_promises(user),
        "own": user.pk == reader(request).pk,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/person.html", words, status=status)


def _act(request: HttpRequest, pk: int, act: Act, done: str, before: str) -> HttpResponse:
    """One act on one person; a refusal is said on their page."""
    user = get_object_or_404(User, pk=pk)
    try:
        won = act(user=user, by=Actor.person(reader(request)), at=clock.now())
    except people.Refused as refused:
        messages.error(request, str(refused))
    else:
        words = (done if won else before) % {"name": user}
        messages.add_message(request, messages.SUCCESS if won else messages.INFO, words)
    return redirect("person", pk=pk)


@require_POST
@confirmed(ACT)
def close(request: HttpRequest, pk: int) -> HttpResponse:
    words = _("%(name)s does not log in any more."), _("%(name)s did not log in before either.")
    return _act(request, pk, people.close, *words)


@require_POST
@confirmed(ACT)
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    words = _("%(name)s may log in again."), _("%(name)s could log in all the time.")
    return _act(request, pk, people.reopen, *words)


@require_POST
@confirmed(ACT)
def send_link(request: HttpRequest, pk: int) -> HttpResponse:
    words = _("A link is on its way to %(name)s."), _("%(name)s does not log in any more.")
    return _act(request, pk, newcomers.send_link, *words)


@require_POST
@confirmed(ACT)
def take_factors(request: HttpRequest, pk: int) -> HttpResponse:
    words = (
        _("%(name)s logs in with the password alone now, and may add a factor anew."),
        _("%(name)s had no second factor."),
    )
    return _act(request, pk, people.take_factors_away, *words)


@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    """Every team with how many people are in it."""
    access.require(reader(request), ACT)
    members = Count("people", filter=Q(people__is_active=True))
    leads = Count("people", filter=Q(people__is_active=True, people__role=User.Role.SUPERVISOR))
    rows = Team.objects.annotate(members=members, leads=leads).order_by("name")
    return render(request, "followups/teams.html", {"rows": list(rows)})


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed(ACT)
def team(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """A new team, or another name for one."""
    row = get_object_or_404(Team, pk=pk) if pk else None
    form = TeamForm(request.POST or None, team=row)
    if request.method == "POST" and form.is_valid():
        by, at = Actor.person(reader(request)), clock.now()
        try:
            if row:
                people.rename_team(team=row, name=form.cleaned_data["name"], by=by, at=at)
            else:
                people.add_team(**form.cleaned_data, by=by, at=at)
        except people.Refused as refused:
            form.add_error(refused.field, str(refused))
        else:
            return redirect("teams")
    status = 422 if request.method == "POST" else 200
    return render(request, "followups/team.html", {"form": form, "team": row}, status=status)
