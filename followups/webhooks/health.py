"""How the endpoints are, for operations. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from followups.models import WebhookEndpoint, WebhookMessage
from followups.webhooks import addresses, endpoints

Status = WebhookMessage.Status
WAITING = (Status.PENDING, Status.CLAIMED)
ERRORS: dict[str, str | Lazy] = {
    "address": gettext_lazy("no webhook may go there"),
    "dns": gettext_lazy("its name leads nowhere"),
    "connect": gettext_lazy("no connection, or cut"),
    "tls": gettext_lazy("its certificate is not trusted"),
    "timeout": gettext_lazy("no answer in time"),
    "garbled": gettext_lazy("an answer that is no HTTP"),
    "compose": gettext_lazy("could not be written; the log says why"),
    "crash": gettext_lazy("never heard of again"),
    "waited": gettext_lazy("three days without a turn"),
}


@dataclass(frozen=True)
class Health:
    """An endpoint and what it does: `waiting` since `oldest_at`, `dead` letters."""

    endpoint: WebhookEndpoint
    waiting: int
    oldest_at: datetime | None
    dead: int

    @property
    def host(self) -> str:
        return addresses.target_of(self.endpoint.url).host

    @property
    def state(self) -> str:
        """A code, for its colour."""
        if self.endpoint.off_at:
            return "gone" if self.endpoint.off_cause == endpoints.GONE else "off"
        return "failing" if self.endpoint.failures else "on"

    @property
    def alarm(self) -> bool:
        return bool(self.dead) or self.state in {"failing", "gone"}

    @property
    def words(self) -> str:
        """Where it stands."""
        if self.state == "on":
            return _("well") if self.endpoint.last_ok_at else _("nothing taken yet")
        words = {
            "gone": _("off: it said that it is gone"),
            "off": _("switched off"),
            "failing": _("takes nothing"),
        }
        return words[self.state]


def of(rows: QuerySet[WebhookEndpoint]) -> list[Health]:
    """These endpoints with their counts, in two statements whatever their number."""
    found = list(rows)
    counts = WebhookMessage.objects.filter(endpoint__in=found, status__in=(*WAITING, Status.DEAD))
    told: dict[int, dict[str, Any]] = {
        row["endpoint"]: dict(row)
        for row in counts.values("endpoint").annotate(
            waiting=Count("pk", filter=Q(status__in=WAITING)),
            oldest=Min("queued_at", filter=Q(status__in=WAITING)),
            dead=Count("pk", filter=Q(status=Status.DEAD)),
        )
    }
    none = {"waiting": 0, "oldest": None, "dead": 0}
    return [_health(row, told.get(row.pk, none)) for row in found]


def _health(endpoint: WebhookEndpoint, row: dict[str, Any]) -> Health:
    return Health(endpoint, row["waiting"], row["oldest"], row["dead"])


def messages(endpoint: WebhookEndpoint, *, status: str = "") -> QuerySet[WebhookMessage]:
    """What it was told, the newest first, or what is in one state."""
    rows = WebhookMessage.objects.filter(endpoint=endpoint)
    if status == "waiting":
        rows = rows.filter(status__in=WAITING)
    elif status in Status.values:
        rows = rows.filter(status=status)
    return rows.order_by("-pk")


def ending(message: WebhookMessage) -> str:
    """How its last try ended, in words; nothing when there was none."""
    if message.last_status:
        return f"HTTP {message.last_status}"
    return str(ERRORS.get(message.last_error, message.last_error))
