"""Canaries: once a day a mail that must come back. The only writer of Canary.

While one is lost nobody knows whether returned mail reaches us, so nobody counts as listening.
With CANARY_ADDRESS it is a real bounce: the mail goes there and another server returns it to the
canary's return path. Without, it goes straight to that path, which proves the way in and no more.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, QuerySet

from offers import message
from offers.channels import email
from offers.models import Canary

log = logging.getLogger("kept.bounces")
Clock = Callable[[], datetime]
EVERY = timedelta(hours=24)
AGAIN = timedelta(hours=1)  # after one was lost
WORDS = "Kept sends this once a day to see that returned mail reaches it."


def patience() -> timedelta:
    """How long one may be out."""
    return timedelta(hours=settings.CANARY_HOURS)


def age() -> timedelta:
    """So old the last one that came back may be: its day, and the time the next one may take."""
    return EVERY + patience()


def fly() -> bool:
    """Whether this house sends any."""
    return bool(settings.CANARY_ADDRESS) or settings.BOUNCE_INTAKE in ("pipe", "imap")


def token(canary: Canary) -> str:
    """Names one flight, and nobody can make one up."""
    key = f"canary-{canary.pk}"
    return f"{key}-{email.seal(key)}"


def number_of(text: str) -> int | None:
    """The flight that a token names; None for everything else."""
    key, _, sealed = text.rpartition("-")
    name = key.removeprefix("canary-")
    if name == key or not name.isdecimal() or not hmac.compare_digest(sealed, email.seal(key)):
        return None
    return int(name)


def number_of_path(address: str) -> int | None:
    """The flight whose return path this is."""
    return number_of(message.read_verp(address, settings.BOUNCE_ADDRESS) or "")


def path(canary: Canary) -> str:
    """The envelope sender to which it must return."""
    return message.verp(settings.BOUNCE_ADDRESS, token(canary))


def send_due(*, clock: Clock) -> bool:
    """Sends the next one when it is time; True when one left, or may have."""
    at = clock()
    if not fly() or not _due(at):
        return False
    # Before it leaves: what comes back at once must be known.
    canary = Canary.objects.create(sent_at=at)
    outcome = email.transmit(
        mail=_mail(canary, at),
        envelope_from=path(canary) if settings.CANARY_ADDRESS else settings.MAIL_FROM,
        key=token(canary),
        begin=lambda: True,
    )
    rows = Canary.objects.filter(pk=canary.pk)
    if outcome.kind == "failed":
        log.error("the canary was refused before it left", extra={"stage": outcome.stage})
        rows.filter(back_at=None).update(refused=True)
    elif outcome.kind not in ("sent", "unknown"):
        rows.delete()  # it never left, and the next turn tries again
        return False
    return True


def _mail(canary: Canary, at: datetime) -> message.Parts:
    return message.Parts(
        message_id=f"<{token(canary)}@{settings.MAIL_FROM.rpartition('@')[2]}>",
        mail_from=settings.MAIL_FROM,
        reply_to="",
        to_name="",
        to_address=settings.CANARY_ADDRESS or path(canary),
        subject="canary",
        text=WORDS,
        html=f"<p>{WORDS}</p>",
        attachments=[],
        date=at,
    )


def _due(at: datetime) -> bool:
    newest = last()
    if newest is None:
        return True
    wait = AGAIN if _is_lost(newest, at) else EVERY
    return newest.sent_at + wait <= at


def came_back(*, number: int, at: datetime) -> bool:
    """It returned; False when it was back before, or never left."""
    out = Canary.objects.filter(pk=number, back_at=None, refused=False)
    return bool(out.update(back_at=at))


def last() -> Canary | None:
    """The newest flight."""
    return Canary.objects.order_by("-sent_at", "-pk").first()


def out() -> Canary | None:
    """The newest flight while it has not come back."""
    newest = last()
    return newest if newest and newest.back_at is None and not newest.refused else None


def last_back() -> Canary | None:
    """The newest flight that came back."""
    return Canary.objects.exclude(back_at=None).order_by("-sent_at", "-pk").first()


def _is_lost(canary: Canary, at: datetime) -> bool:
    return canary.back_at is None and (canary.refused or canary.sent_at + patience() <= at)


def lost(*, at: datetime) -> list[int]:
    """The flights since the last that came back which should be home by now.

    Also the newest one of all, when it is so old that another should have followed.
    """
    if not fly():
        return []
    back, newest = last_back(), last()
    late = [row.pk for row in _since(back).order_by("pk")[:50] if _is_lost(row, at)]
    if not late and newest and newest.sent_at + age() <= at:
        return [newest.pk]
    return late


def _since(back: Canary | None) -> QuerySet[Canary]:
    rows = Canary.objects.filter(back_at=None)
    return rows.filter(pk__gt=back.pk) if back else rows


def trusted(*, at: datetime) -> bool:
    """Whether returned mail reaches us, as far as canaries tell: the last one is home."""
    if not fly():
        return True
    back = last_back()
    return back is not None and back.back_at is not None and not lost(at=at)


def shift(*, by: timedelta) -> None:
    """The demo's clock jumped: who was out a moment ago still is, and who was home still is."""
    newest = list(Canary.objects.order_by("-sent_at").values_list("pk", flat=True)[:2])
    rows = Canary.objects.filter(pk__in=newest)
    rows.update(sent_at=F("sent_at") + by, back_at=F("back_at") + by)
