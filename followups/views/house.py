"""The house itself, for operations: sweeps, findings, queues; and the dead letters."""

from __future__ import annotations

from collections import Counter

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from config import clock
from config.celery import nudge
from crm import access
from crm.actors import Actor
from crm.views import reader
from followups import dead_letters, findings, machinery, outside

PER_PAGE = 50
MOST_CHOSEN = 500


@require_safe
def house(request: HttpRequest) -> HttpResponse:
    """Is it well? Everything that answers, on one page that renews itself."""
    access.require(reader(request), "see_house")
    at = clock.now()
    sweeps, wrong = machinery.sweeps(at=at), machinery.shown(at=at)
    late = [row for row in sweeps if row.late]
    letters = dead_letters.counts()
    words = {
        "at": at,
        "sweeps": sweeps,
        "late": late,
        "wrong": wrong,
        "gone": machinery.gone(at=at),
        "queues": machinery.queues(at=at),
        "listening": machinery.listening(at=at),
        "round": findings.audit_round(),
        "ping": outside.last() if settings.HEARTBEAT_URL else None,
        "pings": bool(settings.HEARTBEAT_URL),
        "letters": [(code, dead_letters.words_of(code), n) for code, n in letters.items()],
        "dead": sum(letters.values()),
    }
    return render(request, "followups/house.html", words)


def _worker(request: HttpRequest) -> Actor:
    user = reader(request)
    access.require(user, "work_dead_letters")
    return Actor.person(user)


@require_safe
def letters(request: HttpRequest) -> HttpResponse:
    """What the house gave up, the newest first."""
    _worker(request)
    return _list(request)


def _list(request: HttpRequest, *, wrong: str = "", status: int = 200) -> HttpResponse:
    at, kind = clock.now(), request.GET.get("kind", "")
    counts = dead_letters.counts()
    kind = kind if kind in counts else ""
    pages = Paginator(dead_letters.keys(kind=kind), PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    words = {
        "kind": kind,
        "kinds": [(code, dead_letters.words_of(code), n) for code, n in counts.items()],
        "total": sum(counts.values()),
        "page": page,
        "rows": dead_letters.letters(page, at=at),
        "picked": set(request.POST.getlist("letter")),
        "most": MOST_CHOSEN,
        "reasons": dead_letters.REASONS.choices,
        "wrong": wrong,
    }
    return render(request, "followups/dead_letters.html", words, status=status)


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """The chosen ones are tried again, or given up with a reason."""
    by, at = _worker(request), clock.now()
    chosen = _chosen(request)
    gives_up = request.POST.get("do") == "give_up"
    reason = request.POST.get("reason", "")
    if not chosen:
        return _list(request, wrong=_("Choose the letters first."), status=422)
    if gives_up and reason not in dead_letters.REASONS.values:
        return _list(request, wrong=_("Say why they are given up."), status=422)
    if gives_up:
        done = dead_letters.set_aside(chosen, reason=reason, by=by, at=at)
    else:
        done = dead_letters.retry(chosen, by=by, at=at)
        for kind in Counter(kind for kind, _pk in done):
            nudge(dead_letters.SWEEP[kind])
    _say(request, len(done), len(chosen) - len(done), gives_up=gives_up)
    return redirect("dead_letters")


def _chosen(request: HttpRequest) -> list[tuple[str, int]]:
    """One by its own button, all that are shown (the newest of them), or those that are marked."""
    if one := request.POST.get("again", ""):
        return dead_letters.parse([one])
    if request.POST.get("do") == "retry_all":
        shown = dead_letters.keys(kind=request.GET.get("kind", ""))
        return [(kind, pk) for kind, pk, _since in shown[:MOST_CHOSEN]]
    return dead_letters.parse(request.POST.getlist("letter")[:MOST_CHOSEN])


def _say(request: HttpRequest, done: int, left: int, *, gives_up: bool) -> None:
    if done and gives_up:
        words = ngettext("%(n)s letter is given up.", "%(n)s letters are given up.", done)
        messages.info(request, words % {"n": done})
    elif done:
        words = ngettext("%(n)s letter is tried again.", "%(n)s letters are tried again.", done)
        messages.info(request, words % {"n": done})
    if left:
        words = ngettext(
            "%(n)s was left as it is: it is on its way already, or cannot go.",
            "%(n)s were left as they are: they are on their way already, or cannot go.",
            left,
        )
        messages.warning(request, words % {"n": left})


@require_safe
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """A mail that matches nothing, to be read outside; that it was taken is written down."""
    by = _worker(request)
    raw = dead_letters.raw(report_id=pk, by=by, at=clock.now())
    if raw is None:
        raise Http404
    answer = HttpResponse(raw, content_type="application/octet-stream")
    answer["Content-Disposition"] = f'attachment; filename="report-{pk}.eml"'
    return answer
