"""Pages of calendars: which there are and who works by them, one year of each, the editor."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from crm import access, actors, calendar_words, calendar_years, calendars, instants, workdays
from crm.actors import Actor
from crm.calendars import Overtaken, Refused
from crm.forms_calendars import CalendarForm, TeamForm, region_choices
from crm.models import CalendarVersion, Team, User, WorkCalendar
from crm.views import reader
from crm.workdays import Calendar


@require_safe
def calendars_page(request: HttpRequest) -> HttpResponse:
    """Every calendar that the reader may see: what holds, what comes, which teams work by it."""
    user, at = reader(request), clock.now()
    access.require(user, "see_calendars")
    teams = Prefetch("teams", Team.objects.order_by("name", "pk"))
    found = calendars.readable(user).prefetch_related("versions", teams).order_by("name", "pk")
    words = {"rows": [_row(calendar, at) for calendar in found], "stray": _stray(user)}
    return render(request, "crm/calendars.html", words)


def _row(calendar: WorkCalendar, at: datetime) -> dict[str, Any]:
    versions = calendar.versions.all()
    held = calendars.in_force(versions, at=at)
    hours = calendars.hours_of(held)
    return {
        "calendar": calendar,
        "held": held,
        "hours": hours,
        "openings": calendar_words.opening_words(hours),
        "place": calendar_words.place(hours),
        "coming": calendars.coming(versions, at=at),
        "teams": calendar.teams.all(),
    }


def _stray(user: User) -> list[Team]:
    """Teams that work by hours that are no calendar's, for whoever can give them one."""
    if not access.may(user, "write_calendars"):
        return []
    return list(Team.objects.filter(works_by=None).order_by("name", "pk"))


@require_safe
def calendar(request: HttpRequest, pk: int) -> HttpResponse:
    """One version, a year of it; the version in force unless another was asked for."""
    user, at = reader(request), clock.now()
    access.require(user, "see_calendars")
    row = get_object_or_404(calendars.readable(user), pk=pk)
    return render(request, "crm/calendar.html", _page(request, row, user, at))


def _page(
    request: HttpRequest, row: WorkCalendar, user: User, at: datetime, form: TeamForm | None = None
) -> dict[str, Any]:
    versions = list(row.versions.all())
    held = calendars.in_force(versions, at=at)
    shown = _version(request, versions, held)
    hours = calendars.hours_of(shown)
    number = calendar_years.shown(request.GET.get("year", ""), at=instants.house(at))
    teams = Team.objects.order_by("name", "pk")
    others = teams.exclude(works_by=row) if access.may(user, "write_calendars") else teams.none()
    return {
        "calendar": row,
        "versions": versions,
        "held": held,
        "shown": shown,
        "hours": hours,
        "week": _week(hours),
        "place": calendar_words.place(hours),
        "year": calendar_years.year(hours, number),
        "years": (number - 1, number + 1),
        "weekdays": [calendar_words.weekday(day, "abbreviated") for day in range(7)],
        "coming": calendars.coming(versions, at=at),
        "teams": teams.filter(works_by=row),
        "others": others,
        "form": form or TeamForm(teams=others),
        "today": calendars.today(hours, at=at),
        "names": actors.names(version.made_by for version in versions),
    }


def _version(
    request: HttpRequest, versions: list[CalendarVersion], held: CalendarVersion
) -> CalendarVersion:
    """The version that was asked for by its number, else the one in force."""
    wanted = request.GET.get("version", "")
    return next((row for row in versions if str(row.number) == wanted), held)


def _week(hours: Calendar) -> list[tuple[str, str]]:
    return [
        (
            calendar_words.weekday(day).capitalize(),
            calendar_words.periods_words(hours.hours.get(day, ())),
        )
        for day in range(7)
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    """A calendar from the beginning."""
    return _made(request, workdays.DEFAULT, None)


@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, pk: int) -> HttpResponse:
    """A calendar that begins as another one is."""
    user = _writer(request)
    row = get_object_or_404(calendars.readable(user), pk=pk)
    versions = list(row.versions.all())
    held = calendars.in_force(versions, at=clock.now())
    return _made(request, calendars.hours_of(_version(request, versions, held)), row)


def _made(request: HttpRequest, source: Calendar, row: WorkCalendar | None) -> HttpResponse:
    user, at = _writer(request), clock.now()
    form = CalendarForm(request.POST or None, hours=source)
    if request.method == "POST" and form.is_valid():
        name, by = form.cleaned_data["name"], Actor.person(user)
        try:
            made = calendars.add(name=name, hours=form.hours(), by=by, at=at)
        except Refused as refused:
            form.refuse(refused)
        else:
            words = _("The calendar %(name)s is made. Say below which teams work by it.")
            messages.info(request, words % {"name": made})
            return redirect("calendar", made.pk)
    status = 422 if request.method == "POST" else 200
    page = {"form": form, "source": row}
    return render(request, "crm/calendar_new.html", page, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """A new version of a calendar, which begins as the version that was looked at."""
    user, at = _writer(request), clock.now()
    row = get_object_or_404(calendars.readable(user), pk=pk)
    versions = list(row.versions.all())
    held = calendars.in_force(versions, at=at)
    source = calendars.hours_of(_version(request, versions, held))
    seen = max(version.number for version in versions)
    today = calendars.today(source, at=at)
    form = CalendarForm(request.POST or None, hours=source, today=today, initial={"seen": seen})
    if request.method == "POST" and form.is_valid():
        made = _version_made(form, row, user, at)
        if made and made == calendars.in_force(row.versions.all(), at=at):
            messages.info(request, _("The version is in force from now on."))
            return redirect("recompute_calendar", pk)
        if made and made.valid_from:
            day = instants.day(made.valid_from)
            words = _("The version comes into force by itself on %(day)s.")
            messages.info(request, words % {"day": day})
            return redirect("calendar", pk)
    status = 422 if request.method == "POST" else 200
    page = {"form": form, "calendar": row, "coming": calendars.coming(versions, at=at)}
    return render(request, "crm/calendar_edit.html", page, status=status)


def _version_made(
    form: CalendarForm, row: WorkCalendar, user: User, at: datetime
) -> CalendarVersion | None:
    data = form.cleaned_data
    try:
        return calendars.change(
            calendar=row,
            seen=data["seen"] or 0,
            hours=replace(form.hours(), valid_from=None),
            valid_from=data["valid_from"],
            by=Actor.person(user),
            at=at,
        )
    except Refused as refused:
        form.refuse(refused)
    except Overtaken:
        words = _(
            "Somebody else has made a version meanwhile; nothing of yours is saved. Open the "
            "calendar in another window to see what they wrote."
        )
        form.add_error(None, words)
    return None


@require_POST
def give(request: HttpRequest, pk: int) -> HttpResponse:
    """A team works by this calendar from now on."""
    user, at = _writer(request), clock.now()
    row = get_object_or_404(calendars.readable(user), pk=pk)
    form = TeamForm(request.POST, teams=Team.objects.order_by("name", "pk"))
    if not form.is_valid():
        return render(request, "crm/calendar.html", _page(request, row, user, at, form), status=422)
    team = form.cleaned_data["team"]
    if calendars.give(calendar=row, team=team, by=Actor.person(user), at=at):
        words = _("%(team)s works by this calendar from now on.")
        messages.info(request, words % {"team": team})
        return redirect("recompute_calendar", pk)
    messages.info(request, _("%(team)s works by this calendar already.") % {"team": team})
    return redirect("calendar", pk)


@require_safe
def regions(request: HttpRequest) -> HttpResponse:
    """The regions of a country, for the editor's second choice."""
    _writer(request)
    choices = region_choices(request.GET.get("country", "")[:3])
    return render(request, "crm/_regions.html", {"choices": choices})


def _writer(request: HttpRequest) -> User:
    user = reader(request)
    access.require(user, "write_calendars")
    return user
