"""Promised calls in the calendar of whoever makes them: iCalendar (RFC 5545) by mail (RFC 6047)."""

from __future__ import annotations

from datetime import UTC, timedelta
from uuid import UUID, uuid5

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from icalendar import Alarm, Calendar, Event, vCalAddress

from followups.models import Notice, Promise
from offers.message import Invitation

AGREED, CANCELLED = "callback_agreed", "callback_cancelled"
METHODS = {AGREED: "REQUEST", CANCELLED: "CANCEL"}
KINDS = tuple(METHODS)
# As long as a slot, and time enough to open the sheet.
LENGTH, WARNING = timedelta(minutes=30), timedelta(minutes=10)
# Ours, so that the names of two houses never meet in one calendar.
HOUSE = UUID("5d0c8b0e-3f64-4f0e-9c39-6a1f3d1d9b52")


def uid(promise: Promise) -> str:
    """The name of its entry, the same for as long as the promise lives, whoever owns it."""
    made = promise.made_at.astimezone(UTC).isoformat()
    return str(uuid5(HOUSE, f"{promise.reference} {made}"))


def of(letter: list[Notice]) -> Invitation | None:
    """The calendar part of a mail; None when no hour was agreed or called off in it.

    Of several notices of one call the last one counts. Several calls are a list to import: an
    entry that is asked for or cancelled must be the only one in its mail (RFC 5546, 3.2).
    """
    newest = {n.promise_id: n for n in letter if n.kind in KINDS and n.promise}
    found = list(newest.values())
    if not found:
        return None
    method = METHODS[found[0].kind] if len(found) == 1 else "PUBLISH"
    calendar = Calendar()
    calendar.add("prodid", "-//Kept//Call-backs//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    for notice in found:
        calendar.add_component(_entry(notice, method))
    return Invitation(method, calendar.to_ical())


def _entry(notice: Notice, method: str) -> Event:
    """What the mail says anyway, and nothing more of the customer than their reference."""
    promise = notice.promise
    if promise is None:
        raise RuntimeError("an hour was agreed without a promise")
    values = {"customer": promise.customer.reference, "reference": promise.reference}
    summary = _("Call %(customer)s back (%(reference)s)") % values
    entry = Event()
    entry.add("uid", uid(promise))
    entry.add("sequence", notice.data.get("sequence", 0))
    entry.add("dtstamp", notice.at)
    slot = promise.due_at.astimezone(UTC)
    entry.add("dtstart", slot)
    entry.add("dtend", slot + LENGTH)
    entry.add("summary", summary)
    entry.add("url", settings.BASE_URL + reverse("sheet", args=[promise.customer.reference]))
    entry.add("organizer", _address("Kept", settings.MAIL_FROM))
    if method != "PUBLISH":
        entry.add("attendee", _guest(str(notice.user), notice.user.email))
    entry.add("status", "CONFIRMED" if notice.kind == AGREED else "CANCELLED")
    if notice.kind == AGREED:
        entry.add_component(_alarm(summary))
    return entry


def _address(name: str, address: str) -> vCalAddress:
    found = vCalAddress(f"mailto:{address}")
    found.params["CN"] = name
    return found


def _guest(name: str, address: str) -> vCalAddress:
    """The hour is agreed with the customer already: nobody is asked to come, nor to answer."""
    found = _address(name, address)
    found.params.update({"ROLE": "REQ-PARTICIPANT", "PARTSTAT": "ACCEPTED", "RSVP": "FALSE"})
    return found


def _alarm(summary: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", -WARNING)
    return alarm
