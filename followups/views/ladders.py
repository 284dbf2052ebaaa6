"""Ladders: which there are, one in words and instants, a new version, who climbs which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from crm import access, actors, calendars, instants, people
from crm.actors import Actor
from crm.models import Team, User
from crm.views import reader
from followups import daily_digest, ladder_books, ladders, rungs
from followups.forms_ladders import ChoiceForm, Editor, LadderActivationForm, ManagementForm
from followups.ladder import BrokenLadder
from followups.ladder_books import DRAFT, Book, Shelf
from followups.ladders import Overtaken, Refused

CHOICES_SHOWN = 20


@require_safe
def ladders_page(request: HttpRequest) -> HttpResponse:
    """Every ladder, which team climbs which, and who is management."""
    user = reader(request)
    access.require(user, "see_ladders")
    return _list(request, user, at=clock.now())


def _list(
    request: HttpRequest,
    user: User,
    *,
    at: datetime,
    choice: ChoiceForm | None = None,
    management: ManagementForm | None = None,
) -> HttpResponse:
    shelves = ladder_books.shelves(at=at)
    writes = access.may(user, "write_ladders")
    chosen = list(ladders.chosen(at=at).select_related("team")[:CHOICES_SHOWN])
    words = {
        "shelves": shelves,
        "choices": chosen,
        "names": actors.names([row.by for row in chosen]),
        "named": daily_digest.people(),
        "choice": choice or ChoiceForm(names=_in_force(shelves)) if writes else None,
        "management": management or ManagementForm() if writes else None,
    }
    status = 422 if choice or management else 200
    return render(request, "followups/ladders.html", words, status=status)


def _in_force(shelves: list[Shelf]) -> list[str]:
    return [shelf.name for shelf in shelves if shelf.in_force]


@require_safe
def version(request: HttpRequest, name: str, version: int) -> HttpResponse:
    """Its rungs in words, their instants for a promise made now, and what differs from before."""
    user, at = reader(request), clock.now()
    access.require(user, "see_ladders")
    shelf, book = _found(name, version, at)
    return _version(request, user, shelf, book, at=at)


def _version(
    request: HttpRequest,
    user: User,
    shelf: Shelf,
    book: Book,
    *,
    at: datetime,
    form: LadderActivationForm | None = None,
) -> HttpResponse:
    writes = access.may(user, "write_ladders")
    if writes and book.state == DRAFT and form is None:
        form = _activation(request, book, at)
    before, row = _before(request, shelf, book, at), book.row
    words = {
        "shelf": shelf,
        "book": book,
        "before": before,
        "changes": rungs.changes(before.ladder, book.ladder) if before else [],
        "form": form,
        "writes": writes,
        "names": actors.names([row.made_by, row.activated_by]),
        **_example(request, user, book, at),
    }
    status = 422 if form and form.errors else 200
    return render(request, "followups/ladder.html", words, status=status)


def _before(request: HttpRequest, shelf: Shelf, book: Book, at: datetime) -> Book | None:
    """The version beside which it is shown: the one asked for, or the one before it; of the first
    of a ladder, the one from which it began."""
    wanted = request.GET.get("with", "")
    if wanted.isdecimal() and len(wanted) < 7:
        return shelf.find(int(wanted))
    found = shelf.before(book)
    if found is None and book.row.copied_from:
        name, _at, version = book.row.copied_from.partition("@")
        source = ladder_books.shelf(name, at=at)
        return source.find(int(version)) if source else None
    return found


def _example(request: HttpRequest, user: User, book: Book, at: datetime) -> dict[str, Any]:
    """A promise made now and due when the next working day of a team ends."""
    teams = list(Team.objects.order_by("name"))
    wanted = request.GET.get("team") or (user.team.slug if user.team else "")
    team = next((one for one in teams if one.slug == wanted), teams[0] if teams else None)
    if team is None:
        return {"teams": [], "steps": rungs.steps(book.ladder)}
    calendar = calendars.of(team, at=at)
    due_at = calendar.end_of_working_day(at)
    steps = rungs.example(book.ladder, calendar, at=at, due_at=due_at)
    return {"teams": teams, "team": team, "due_at": due_at, "steps": steps}


@require_http_methods(["GET", "HEAD", "POST"])
def draw(request: HttpRequest, name: str, version: int) -> HttpResponse:
    """A new version, beginning with the rungs of this one."""
    user, at = _writer(request), clock.now()
    _shelf, book = _found(name, version, at)
    if "add" in request.POST:
        return _drawing(request, book, Editor.with_one_more(book.ladder, request.POST), tried=False)
    sent = request.method == "POST"
    editor = Editor(book.ladder, request.POST if sent else None)
    if sent and editor.is_valid():
        try:
            by = Actor.person(user)
            row = ladders.make(source=book.label, **editor.facts(), by=by, at=at)
        except (Refused, BrokenLadder) as refused:
            editor.refuse(refused)
        except Overtaken:
            editor.fault = _("Somebody else made a version at the same moment: save it again.")
        else:
            made = _("%(label)s is made. No promise climbs it before it is activated.")
            messages.info(request, made % {"label": row})
            return redirect("ladder", row.name, row.version)
    return _drawing(request, book, editor, tried=sent)


def _drawing(request: HttpRequest, book: Book, editor: Editor, *, tried: bool) -> HttpResponse:
    words = {"book": book, "editor": editor, "tried": tried}
    return render(request, "followups/ladder_draw.html", words, status=422 if tried else 200)


@require_POST
def activate(request: HttpRequest, name: str, version: int) -> HttpResponse:
    user, at = _writer(request), clock.now()
    shelf, book = _found(name, version, at)
    form = _activation(request, book, at)
    if book.state == DRAFT and form.is_valid() and _activated(form, book, user, at):
        day = instants.day(form.cleaned_data["effective_from"])
        done = _("%(label)s is activated: promises made from %(day)s on climb it.")
        messages.success(request, done % {"label": book.label, "day": day})
        return redirect("ladder", name, version)
    if book.state != DRAFT:
        messages.info(request, _("Somebody has activated it already."))
        return redirect("ladder", name, version)
    return _version(request, user, shelf, book, at=at, form=form)


def _activation(request: HttpRequest, book: Book, at: datetime) -> LadderActivationForm:
    return LadderActivationForm(
        request.POST or None,
        today=instants.house(at).date(),
        seen=ladders.label_in_force(book.name, at=at),
        label=book.label,
        action=reverse("activate_ladder", args=[book.name, book.version]),
    )


def _activated(form: LadderActivationForm, book: Book, user: User, at: datetime) -> bool:
    data = form.cleaned_data
    facts = {name: data[name] for name in ("seen", "effective_from", "reason")}
    try:
        ladders.activate(version=book.row, **facts, by=Actor.person(user), at=at)
    except Refused as refused:
        form.refuse_one(refused)
        return False
    except Overtaken:
        form.add_error(None, _("Another version is in force by now: read it again, then activate."))
        return False
    return True


@require_POST
def drop(request: HttpRequest, name: str, version: int) -> HttpResponse:
    user, at = _writer(request), clock.now()
    _shelf, book = _found(name, version, at)
    if ladders.drop(version=book.row, by=Actor.person(user), at=at):
        messages.info(request, _("The draft %(label)s is gone.") % {"label": book.label})
        return redirect("ladders")
    messages.info(request, _("Somebody has activated it already."))
    return redirect("ladder", name, version)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """From now on the promises of a team climb another ladder."""
    user, at = _writer(request), clock.now()
    form = ChoiceForm(request.POST, names=_in_force(ladder_books.shelves(at=at)))
    if form.is_valid():
        try:
            ladders.choose(**form.cleaned_data, by=Actor.person(user), at=at)
        except Refused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            said = _("%(team)s climbs %(name)s from now on. What was promised keeps its ladder.")
            messages.success(request, said % form.cleaned_data)
            return redirect("ladders")
    return _list(request, user, at=at, choice=form)


@require_POST
def name_management(request: HttpRequest) -> HttpResponse:
    """Who gets the daily digest from now on."""
    user, at = _writer(request), clock.now()
    form = ManagementForm(request.POST)
    if not form.is_valid():
        return _list(request, user, at=at, management=form)
    people.name_management(users=form.cleaned_data["users"], by=Actor.person(user), at=at)
    messages.success(request, _("Saved: the next digest goes to them."))
    return redirect("ladders")


def _writer(request: HttpRequest) -> User:
    user = reader(request)
    access.require(user, "write_ladders")
    return user


def _found(name: str, version: int, at: datetime) -> tuple[Shelf, Book]:
    shelf = ladder_books.shelf(name, at=at)
    book = shelf.find(version) if shelf else None
    if shelf is None or book is None:
        raise Http404
    return shelf, book
