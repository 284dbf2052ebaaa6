"""How the chain is: the newest seal, what waits for one, and when somebody last looked at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from crm import audit
from crm.actors import SYSTEM
from crm.chain import heads
from crm.chain.verifying import Outcome
from crm.models import AuditEntry, Seal, Turn

VERIFIED = "audit_verified"
# A turn waits for the transactions that were running; none of ours may run that long.
PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True)
class State:
    """What the audit's screen says of the chain. `verified` is the note of the last look."""

    newest: Seal | None
    verified: AuditEntry | None

    @property
    def head(self) -> str:
        """As it is kept outside: NUMBER:HASH."""
        return str(heads.of(self.newest)) if self.newest else ""

    @property
    def faults(self) -> int:
        """How much was wrong at the last look."""
        return int(self.verified.data["faults"]) if self.verified else 0


def state() -> State:
    """Two queries."""
    return State(heads.newest(), _last_look())


def _last_look() -> AuditEntry | None:
    return AuditEntry.objects.filter(action=VERIFIED).order_by("-pk").first()


def note(outcome: Outcome, *, at: datetime) -> None:
    """Writes into the audit that somebody looked, how far, and how much was wrong."""
    newest = outcome.newest
    data = {
        "seals": outcome.seals,
        "rows": outcome.rows,
        "heads": outcome.heads,
        "faults": len(outcome.faults),
        "seal": newest.number if newest else 0,
    }
    audit.write(action=VERIFIED, subject="house", by=SYSTEM, at=at, data=data)


def unsealed(*, at: datetime) -> list[str]:
    """For the watchdog: the stretch that waits for its seal for too long."""
    waits = Turn.objects.filter(xact__isnull=False, at__lte=at - PATIENCE)
    return [str(stretch) for stretch in waits.values_list("stretch", flat=True)]


def altered() -> list[str]:
    """For the watchdog: the last look, if it found something."""
    last = _last_look()
    return [str(last.pk)] if last and last.data["faults"] else []
