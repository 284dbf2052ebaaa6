"""The demo's mail and clock: what the sink has taken, the reports a mail server could send back."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from config import clock, sink, timetable
from config.celery import nudge
from crm import access
from crm.models import Team
from crm.views import reader
from followups import demo_clock
from offers import bounces
from offers.channels.email import key_of_return_path
from offers.models import Delivery

MOST_MAILS = 100
AFTER_A_REPORT = ("send", "settle", "reconcile", "escalate", "items", "notices")
REPORTS = {
    "delivered": gettext_lazy("delivered"),
    "bounce": gettext_lazy("bounce"),
    "complaint": gettext_lazy("complaint"),
}
View = Callable[..., HttpResponse]


def demo_only(view: View) -> View:
    """Outside the demo there is no such page; inside, everybody who logs in may do everything."""

    @wraps(view)
    def guarded(request: HttpRequest, **given: Any) -> HttpResponse:
        if not settings.KEPT_DEMO:
            raise Http404
        access.require(reader(request), "control_demo")
        return view(request, **given)

    return guarded


@dataclass(frozen=True)
class Shown:
    """A mail in the sink, and the delivery whose journey it is; None for a notice to our people."""

    mail: sink.SinkMail
    at: datetime
    delivery: Delivery | None


@demo_only
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    taken = sink.messages(settings.SINK_DIR)
    rows = [_shown(mail, _deliveries(taken[:MOST_MAILS])) for mail in taken[:MOST_MAILS]]
    words = {"rows": rows, "count": len(taken), "most": MOST_MAILS, "reports": REPORTS}
    return render(request, "followups/demo_mails.html", words)


def _deliveries(taken: list[sink.SinkMail]) -> dict[str, Delivery]:
    """By return path; one query for all of them."""
    keys = {mail.envelope_from: key_of_return_path(mail.envelope_from) for mail in taken}
    rows = Delivery.objects.filter(key__in=[key for key in keys.values() if key])
    by_key = {row.key: row for row in rows.select_related("customer", "text")}
    return {path: by_key[key] for path, key in keys.items() if key in by_key}


def _shown(mail: sink.SinkMail, deliveries: dict[str, Delivery]) -> Shown:
    return Shown(mail, _date(mail), deliveries.get(mail.envelope_from))


def _date(mail: sink.SinkMail) -> datetime:
    """When it was sent by our clock, which may be ahead of the sink's."""
    try:
        header = _parsed(mail.number)["Date"]
        return parsedate_to_datetime(str(header)).astimezone(UTC)
    except (Http404, TypeError, ValueError):
        return mail.at


def _parsed(number: int) -> EmailMessage:
    return email.message_from_bytes(_raw(number), policy=email.policy.default)


def _raw(number: int) -> bytes:
    try:
        return sink.message(settings.SINK_DIR, number)
    except FileNotFoundError as error:
        raise Http404 from error


def _find(number: int) -> sink.SinkMail:
    found = next((m for m in sink.messages(settings.SINK_DIR) if m.number == number), None)
    if found is None:
        raise Http404
    return found


@demo_only
@require_safe
def one_mail(request: HttpRequest, number: int) -> HttpResponse:
    mail, parsed = _find(number), _parsed(number)
    body = parsed.get_body(("plain",))
    words = {
        "row": _shown(mail, _deliveries([mail])),
        "sender": str(parsed["From"]),
        "text": body.get_content() if body else "",
        "attachments": [
            (place, part.get_filename() or _("attachment"))
            for place, part in enumerate(parsed.iter_attachments())
        ],
        "reports": REPORTS,
    }
    return render(request, "followups/demo_mail.html", words)


@demo_only
@require_safe
def attachment(request: HttpRequest, number: int, place: int) -> HttpResponse:
    """A PDF opens; whatever else somebody sent to the sink is only ever downloaded."""
    parts = list(_parsed(number).iter_attachments())
    if place >= len(parts):
        raise Http404
    part = parts[place]
    pdf = part.get_content_type() == "application/pdf"
    content = part.get_payload(decode=True)
    response = HttpResponse(
        content if isinstance(content, bytes) else b"",
        content_type="application/pdf" if pdf else "application/octet-stream",
    )
    how = "inline" if pdf and "download" not in request.GET else "attachment"
    name = f"mail-{number}-{place}.pdf" if pdf else f"mail-{number}-{place}.bin"
    response["Content-Disposition"] = f'{how}; filename="{name}"'
    return response


@demo_only
@require_POST
def report(request: HttpRequest, number: int) -> HttpResponse:
    """Builds the report that a mail server would send, and takes it in as the mail pipe does."""
    kind, mail = request.POST.get("kind", ""), _find(number)
    if kind not in REPORTS:
        raise Http404
    at = clock.now()
    raw = _report(kind, mail, _raw(number), at)
    if bounces.receive(raw=raw, by=bounces.LISTENER, at=at):
        said = _("The mail server's report was taken in: %(kind)s.") % {"kind": REPORTS[kind]}
        messages.info(request, said)
    else:
        messages.warning(request, _("This mail belongs to no promise, so nothing changed."))
    _nudge(AFTER_A_REPORT)
    return redirect("demo_mail")


def _report(kind: str, mail: sink.SinkMail, original: bytes, at: datetime) -> bytes:
    to, sender = mail.envelope_to, mail.envelope_from
    if kind == "complaint":
        return sink.complaint(original, to, sender, at)
    return sink.dsn("delivered" if kind == "delivered" else "failed", original, to, sender, at)


def _nudge(names: tuple[str, ...]) -> None:
    for name in names:
        nudge(name)


@demo_only
@require_POST
def move_clock(request: HttpRequest) -> HttpResponse:
    """+1h, +1d or opening; then every sweep looks at once at what has become due."""
    try:
        wanted = request.POST.get("step", "")
        demo_clock.move(wanted, teams=Team.objects.all(), at=clock.now())
    except demo_clock.BadStep as error:
        messages.warning(request, str(error))
    _nudge(tuple(sweep.name for sweep in timetable.SWEEPS))
    back = request.POST.get("next", "")
    hosts = {request.get_host()}
    safe = url_has_allowed_host_and_scheme(back, hosts, require_https=request.is_secure())
    return redirect(back if safe else "/")
