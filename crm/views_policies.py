"""Pages of policies: which there are, their figures, what differs, drafts and their editor."""

from __future__ import annotations

from datetime import date, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from crm import access, actors, figures, instants, policy_versions, rulebooks
from crm.actors import Actor
from crm.forms_draft import DraftForm
from crm.forms_policies import CopyForm, instant
from crm.models import PolicyVersion, User
from crm.policy_versions import Overtaken, Refused
from crm.rulebooks import Book, Shelf
from crm.views import reader


@require_safe
def policies_page(request: HttpRequest) -> HttpResponse:
    """Every policy: what is in force, what comes, what is being written, who calls by it."""
    access.require(reader(request), "see_policies")
    return render(request, "crm/policies.html", {"shelves": rulebooks.shelves(at=clock.now())})


@require_safe
def policy(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Every figure of one version, with where it comes from."""
    access.require(reader(request), "see_policies")
    at = clock.now()
    book, shelf = found(name, version, at=at), _shelf(name, at=at)
    row = book.row
    codes = [row.drafted_by, row.changed_by, row.activated_by] if row else []
    words = {
        "book": book,
        "shelf": shelf,
        "figures": figures.of(book.rules),
        "others": _others(book, at),
        "names": actors.names(codes),
    }
    return render(request, "crm/policy.html", words)


@require_safe
def difference(request: HttpRequest, name: str, version: str) -> HttpResponse:
    """Two versions side by side: only the figures that differ."""
    access.require(reader(request), "see_policies")
    at = clock.now()
    book = found(name, version, at=at)
    before_name, _at, before_version = request.GET.get("with", "").partition("@")
    before = found(before_name, before_version, at=at)
    words = {
        "book": book,
        "before": before,
        "changes": figures.changes(before.rules, book.rules),
        "others": _others(book, at),
    }
    return render(request, "crm/policy_difference.html", words)


@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest, name: str, version: str) -> HttpResponse:
    user, at = _writer(request), clock.now()
    book = found(name, version, at=at)
    proposed = {
        "name": "" if book.name == policy_versions.BARE else book.name,
        "version": _next(at),
        "title": book.title,
    }
    form = CopyForm(request.POST or None, initial=proposed)
    if request.method == "POST" and form.is_valid():
        try:
            row = policy_versions.copy(
                source=book.label,
                rules=book.stored,
                **form.cleaned_data,
                by=Actor.person(user),
                at=at,
            )
            return redirect("edit_policy", row.name, row.version)
        except Refused as refused:
            form.refuse(refused)
    status = 422 if form.errors else 200
    return render(request, "crm/policy_copy.html", {"book": book, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, name: str, version: str) -> HttpResponse:
    user, at = _writer(request), clock.now()
    book, row = drafted(name, version, at=at)
    form = DraftForm(
        request.POST or None, stored=row.rules, title=row.title, seen=row.changed_at.isoformat()
    )
    if request.method == "POST" and form.is_valid() and _saved(request, form, row, user, at):
        return redirect("policy", name, version)
    words = {"book": book, "form": form, "names": actors.names([row.changed_by]), "row": row}
    return render(request, "crm/policy_edit.html", words, status=422 if form.errors else 200)


def _saved(
    request: HttpRequest, form: DraftForm, row: PolicyVersion, user: User, at: datetime
) -> bool:
    seen = instant(form.cleaned_data["seen"])
    try:
        if seen is None:
            raise Overtaken
        policy_versions.change(
            draft=row,
            seen_at=seen,
            title=form.cleaned_data["title"],
            rules=form.written(),
            by=Actor.person(user),
            at=at,
        )
    except Refused as refused:
        form.refuse(refused)
        return False
    except Overtaken:
        form.add_error(
            None,
            _(
                "Somebody else has changed this draft meanwhile; nothing of yours is saved. Open "
                "it in another window to see what they wrote."
            ),
        )
        return False
    messages.info(request, _("The draft is saved. Nobody is judged by it before it is activated."))
    return True


@require_POST
def drop(request: HttpRequest, name: str, version: str) -> HttpResponse:
    user, at = _writer(request), clock.now()
    _book, row = drafted(name, version, at=at)
    if policy_versions.drop(draft=row, by=Actor.person(user), at=at):
        messages.info(request, _("The draft %(label)s is gone.") % {"label": str(row)})
    return redirect("policies")


def found(name: str, version: str, *, at: datetime) -> Book:
    """The version, or a page that says that there is none."""
    book = rulebooks.find(name, version, at=at)
    if book is None:
        raise Http404
    return book


def drafted(name: str, version: str, *, at: datetime) -> tuple[Book, PolicyVersion]:
    """The version while it is a draft; a page that says that there is none otherwise."""
    book = found(name, version, at=at)
    if book.row is None or book.state != rulebooks.DRAFT:
        raise Http404
    return book, book.row


def _writer(request: HttpRequest) -> User:
    user = reader(request)
    access.require(user, "write_policies")
    return user


def _shelf(name: str, *, at: datetime) -> Shelf:
    shelf = rulebooks.shelf(name, at=at)
    if shelf is None:
        raise Http404
    return shelf


def _others(book: Book, at: datetime) -> list[Book]:
    """What it can be compared with: the other versions of its policy first."""
    every = [one for shelf in rulebooks.shelves(at=at) for one in shelf.books]
    others = [one for one in every if one.label != book.label]
    return sorted(others, key=lambda one: one.name != book.name)


def _next(at: datetime) -> str:
    """What a new version is called unless somebody calls it otherwise: today's date."""
    today: date = instants.house(at).date()
    return today.isoformat()
