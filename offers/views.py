"""Pages of this storey: bill runs from cut-off to the mail room's word, deliveries in trouble."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import clock
from config.celery import nudge
from crm import access, actors, audit
from crm.actors import Actor
from crm.models import User
from crm.tables import Unreadable
from crm.views import reader
from offers import bill_runs, manifests, queries, returned, returns, volumes
from offers.forms import CameBackForm, ReturnForm
from offers.models import PrintLine, PrintRun, PrintVolume, ReturnFile

SWEEP = "bill_runs"
PER_PAGE = 100


def _worker(request: HttpRequest) -> User:
    user = reader(request)
    access.require(user, "work_bill_runs")
    return user


@require_safe
def bill_runs_page(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    access.require(reader(request), "see_bill_runs")
    rows = queries.runs(at=at)
    words = {
        "rows": rows,
        "moving": any(row.building for row in rows),
        "alarms": sum(bool(row.alarms) for row in rows),
    }
    return render(request, "offers/bill_runs.html", words)


@require_http_methods(["GET", "HEAD", "POST"])
def bill_run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run; a POST brings the mail room's return file."""
    user, at = reader(request), clock.now()
    access.require(user, "work_bill_runs" if request.method == "POST" else "see_bill_runs")
    run = get_object_or_404(PrintRun, pk=pk)
    form = ReturnForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            _take_in(run, form.cleaned_data["file"], user)
            return redirect("bill_run", pk=pk)
        except Unreadable as error:
            form.add_error("file", str(error))
    status = 422 if form.errors else 200
    return render(request, "offers/bill_run.html", _words(request, run, form, at), status=status)


def _take_in(run: PrintRun, upload: UploadedFile, user: User) -> None:
    suffix = Path(upload.name or "").suffix.lower() or ".csv"
    with tempfile.NamedTemporaryFile(prefix="kept-return-", suffix=suffix) as file:
        for chunk in upload.chunks():
            file.write(chunk)
        file.flush()
        returns.take_in(run=run, path=Path(file.name), by=Actor.person(user), at=clock.now())
    nudge(SWEEP)


def _words(request: HttpRequest, run: PrintRun, form: ReturnForm, at: Any) -> dict[str, Any]:
    status = request.GET.get("status", "")
    pages = Paginator(queries.lines(run, status=status), PER_PAGE)
    events = list(run.events.order_by("-pk")[:40])
    files = [_file(file) for file in run.returns.order_by("-pk")[:10]]
    told = {event.by for event in events} | {file["file"].received_by for file in files}
    return {
        "progress": queries.progress([run], at=at)[0],
        "run": run,
        "pulled": queries.to_pull(run),
        "form": form,
        "volumes": run.volumes.all(),
        "page": pages.get_page(request.GET.get("page")),
        "status": status,
        "statuses": PrintLine.Status.choices,
        "events": events,
        "files": files,
        "names": actors.names(told),
        "overdue_at": returns.overdue(run),
    }


def _file(file: ReturnFile) -> dict[str, Any]:
    """A return file with its outcomes in words."""
    counts = [
        (returned.OUTCOMES[code], n, code in returned.HARMLESS) for code, n in file.counts.items()
    ]
    problems = [
        {**problem, "words": returned.OUTCOMES[str(problem["outcome"])]}
        for problem in file.problems
    ]
    return {"file": file, "counts": counts, "problems": problems}


def _moved(request: HttpRequest, pk: int, won: bool, done: str, refused: str) -> HttpResponse:
    if won:
        nudge(SWEEP)
    (messages.info if won else messages.warning)(request, done if won else refused)
    return redirect("bill_run", pk=pk)


@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    user, run = _worker(request), get_object_or_404(PrintRun, pk=pk)
    won = bill_runs.close(run=run, by=Actor.person(user), at=clock.now())
    return _moved(
        request, pk, won, _("Closed. The print file is being built."), _("It was closed before.")
    )


@require_POST
def printed(request: HttpRequest, pk: int) -> HttpResponse:
    user, run = _worker(request), get_object_or_404(PrintRun, pk=pk)
    won = bill_runs.printed(run=run, by=Actor.person(user), at=clock.now())
    return _moved(
        request,
        pk,
        won,
        _("Printed. The sheets wait for the mail room's word."),
        _("This run is not ready, or was printed before."),
    )


@require_POST
def mailed(request: HttpRequest, pk: int) -> HttpResponse:
    user, run = _worker(request), get_object_or_404(PrintRun, pk=pk)
    won = bill_runs.mailed_whole(run=run, by=Actor.person(user), at=clock.now())
    return _moved(
        request,
        pk,
        won,
        _("Mailed as a whole: no sheet will be confirmed by itself."),
        _("This run is not printed, or has left before."),
    )


@require_safe
def manifest(request: HttpRequest, pk: int) -> HttpResponseBase:
    user, run = _worker(request), get_object_or_404(PrintRun, pk=pk)
    if run.numbered_at is None:
        raise Http404
    _taken(user, run, "manifest_taken")
    return _download(manifests.write(run), "text/csv; charset=utf-8", f"manifest-{pk}.csv")


@require_safe
def volume(request: HttpRequest, pk: int, number: int) -> HttpResponseBase:
    user = _worker(request)
    found = get_object_or_404(PrintVolume, run=pk, number=number, built_at__isnull=False)
    _taken(user, found.run, "print_file_taken")
    answer = _download(volumes.read(found), "application/pdf", f"run-{pk}-volume-{number}.pdf")
    answer["Content-Length"] = str(found.size)
    return answer


def _taken(user: User, run: PrintRun, action: str) -> None:
    """Names and addresses leave the house: written down."""
    by = Actor.person(user)
    audit.write(action=action, subject=f"print_run:{run.pk}", by=by, at=clock.now())


def _download(
    parts: Iterable[str] | Iterable[bytes], kind: str, name: str
) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(parts, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def deliveries(request: HttpRequest) -> HttpResponse:
    """What somebody should look at; a POST says that a sheet came back by post."""
    user, at = reader(request), clock.now()
    access.require(user, "work_bill_runs" if request.method == "POST" else "see_deliveries")
    form = CameBackForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        if returns.came_back(code=code, by=Actor.person(user), at=at):
            messages.info(request, _("Noted: its delivery has failed, and its promise is open."))
            return redirect("deliveries")
        form.add_error("code", _("No sheet that we printed has this mark."))
    # A supervisor looks after the own team's customers, operations after everybody's.
    team = user.team_id if user.role == User.Role.SUPERVISOR else None
    groups = [
        {"code": code, "title": title, "todo": todo, "rows": rows}
        for code, rows in queries.troubled(at=at, team=team).items()
        for title, todo in [queries.TROUBLE[code]]
    ]
    return render(
        request,
        "offers/deliveries.html",
        {"groups": groups, "form": form},
        status=422 if form.errors else 200,
    )
