"""Pages of imports: what came in, one import from its file to its result, the bad lines."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from config.celery import nudge
from crm import access, actors, audit
from crm.actors import Actor
from crm.forms_imports import ColumnsForm, StartForm, UndoForm, UploadForm
from crm.importing import bad_lines as bad_file
from crm.importing import jobs, kinds, previews, work
from crm.models import Import, User
from crm.tables import Unreadable
from crm.views import reader

SWEEP = "imports"
PER_PAGE = 30
Status = Import.Status


def _worker(request: HttpRequest) -> User:
    user = reader(request)
    access.require(user, "work_imports")
    return user


@require_http_methods(["GET", "HEAD", "POST"])
def imports_page(request: HttpRequest) -> HttpResponse:
    """What came in, the newest first; a POST brings a file."""
    user = _worker(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        if getattr(request, "upload_too_large", False):
            form.add_error("file", _("The file is larger than 256 MB: cut it in two."))
        elif form.is_valid():
            try:
                row = _take_in(form, user)
                return redirect("import", pk=row.pk)
            except Unreadable as error:
                form.add_error("file", str(error))
    page = Paginator(Import.objects.all(), PER_PAGE).get_page(request.GET.get("page"))
    names = actors.names({row.uploaded_by for row in page})
    rows = [{"import": row, "share": work.share_done(row)} for row in page]
    moving = any(row.status in jobs.AT_WORK for row in page)
    return render(
        request,
        "crm/imports.html",
        {"form": form, "page": page, "rows": rows, "names": names, "moving": moving},
        status=422 if form.errors else 200,
    )


def _take_in(form: UploadForm, user: User) -> Import:
    upload: UploadedFile = form.cleaned_data["file"]
    with tempfile.NamedTemporaryFile(prefix="kept-import-") as file:
        for chunk in upload.chunks():
            file.write(chunk)
        file.flush()
        row = jobs.upload(
            path=Path(file.name),
            name=upload.name or "",
            kind=form.cleaned_data["kind"],
            language=(get_language() or "en")[:2],
            by=Actor.person(user),
            at=clock.now(),
        )
    nudge(SWEEP)
    return row


@require_safe
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """One import, wherever it stands."""
    _worker(request)
    row = get_object_or_404(Import, pk=pk)
    return _page(request, row)


def _page(request: HttpRequest, row: Import, **forms: Any) -> HttpResponse:
    at, kind = clock.now(), kinds.of(row)
    events = list(row.events.all())
    staged = row.status == Status.CHECKED
    told = row.lines_bad and row.blanked_at is None and row.status not in jobs.AT_WORK
    can_undo = jobs.can_undo(row, at=at)
    words: dict[str, Any] = {
        "row": row,
        "kind": kind,
        "written": previews.how_written(row),
        "working": row.status in jobs.AT_WORK,
        "share": work.share_done(row),
        "before": previews.came_before(row) if row.status in jobs.DROPPABLE else None,
        "lines": previews.first_lines(row) if staged else [],
        "lost_zero": previews.lost_zero(row) if staged else None,
        "faults": previews.faults(row) if told else [],
        "left": previews.left(row) if row.lines_left else [],
        "counted": row.status in (Status.CHECKED, Status.RUNNING, Status.DONE, *_BACK),
        "can_undo": can_undo,
        "no_undo": row.status == Status.DONE and kind.undo is None,
        "droppable": row.status in jobs.DROPPABLE,
        "nothing": row.status == Status.DONE and not (row.lines_new or row.lines_changed),
        "events": events,
        "names": actors.names({event.by for event in events}),
        "start_form": StartForm(row=row) if staged else None,
        "undo_form": UndoForm(row=row) if can_undo else None,
        "columns_form": ColumnsForm(row=row) if row.status == Status.READ else None,
    }
    words |= forms
    if words["columns_form"]:
        words["places"] = zip(words["columns_form"].places(), previews.samples(row), strict=True)
    bad = any(form.errors for form in forms.values())
    return render(request, "crm/import.html", words, status=422 if bad else 200)


_BACK = (Status.UNDOING, Status.UNDONE)


@require_http_methods(["GET", "HEAD", "POST"])
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Which column is which; a checked import may be given others."""
    user, at = _worker(request), clock.now()
    row = get_object_or_404(Import, pk=pk)
    if row.status not in (Status.READ, Status.CHECKED):
        return redirect("import", pk=pk)
    form = ColumnsForm(request.POST or None, row=row)
    if request.method == "POST" and form.is_valid():
        try:
            by = Actor.person(user)
            jobs.choose(row=row, columns=form.columns, options=form.chosen(), by=by, at=at)
            nudge(SWEEP)
            return redirect("import", pk=pk)
        except jobs.Refused as refusal:
            form.add_error(None, str(refusal))
    words = {
        "columns_form": form,
        "choosing": True,
        "row": row,
        "written": previews.how_written(row),
        "droppable": True,
        "places": zip(form.places(), previews.samples(row), strict=True),
    }
    return render(request, "crm/import.html", words, status=422 if form.errors else 200)


@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = _worker(request), clock.now()
    row = get_object_or_404(Import, pk=pk)
    form = StartForm(request.POST, row=row)
    form.is_valid()
    try:
        leave = bool(form.cleaned_data.get("leave_bad"))
        won = jobs.start(row=row, leave_bad=leave, by=Actor.person(user), at=at)
    except jobs.Refused as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return _page(request, row, start_form=form)
    return _moved(request, pk, won)


@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    user, row = _worker(request), get_object_or_404(Import, pk=pk)
    return _moved(request, pk, jobs.drop(row=row, by=Actor.person(user), at=clock.now()))


@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    user, at = _worker(request), clock.now()
    row = get_object_or_404(Import, pk=pk)
    form = UndoForm(request.POST, row=row)
    if not form.is_valid():
        return _page(request, row, undo_form=form)
    try:
        ground = form.cleaned_data["ground"]
        won = jobs.undo(row=row, ground=ground, by=Actor.person(user), at=at)
    except jobs.Refused as refusal:
        form.add_error(refusal.field, str(refusal))
        return _page(request, row, undo_form=form)
    return _moved(request, pk, won)


def _moved(request: HttpRequest, pk: int, won: bool) -> HttpResponse:
    if won:
        nudge(SWEEP)
    else:
        messages.warning(request, _("This import stands elsewhere by now."))
    return redirect("import", pk=pk)


@require_safe
def bad_lines(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The bad lines as they came, with why. Names leave the house: written down."""
    user, row = _worker(request), get_object_or_404(Import, pk=pk)
    if row.blanked_at or not row.lines_bad or row.status in (Status.CHECKING, Status.RUNNING):
        raise Http404
    by, subject = Actor.person(user), f"import:{row.pk}"
    audit.write(action="bad_lines_taken", subject=subject, by=by, at=clock.now())
    answer = StreamingHttpResponse(bad_file.write(row), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="import-{pk}-bad-lines.csv"'
    return answer
