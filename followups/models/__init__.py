"""WHETHER: the promise, the gate, the ladder. One noun per file."""

from followups.models.board import (
    DayFigure,
    DeniedCall,
    PromiseFigure,
    RollupMark,
    SpreadFigure,
)
from followups.models.conduct import Conduct, ConductMark
from followups.models.gate import GateCheck, Lease
from followups.models.handovers import HandOver
from followups.models.ladder import Escalation, Item, Notice
from followups.models.overrides import Override, OverrideText
from followups.models.promises import Promise, PromiseDelivery, PromiseEvent, PromiseText
from followups.models.scrub import ScrubRun
from followups.models.slips import Slip
from followups.models.webhooks import WebhookCursor, WebhookEndpoint, WebhookMessage

__all__ = [
    "Conduct",
    "ConductMark",
    "DayFigure",
    "DeniedCall",
    "Escalation",
    "GateCheck",
    "HandOver",
    "Item",
    "Lease",
    "Notice",
    "Override",
    "OverrideText",
    "Promise",
    "PromiseDelivery",
    "PromiseEvent",
    "PromiseFigure",
    "PromiseText",
    "RollupMark",
    "ScrubRun",
    "Slip",
    "SpreadFigure",
    "WebhookCursor",
    "WebhookEndpoint",
    "WebhookMessage",
]
