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
from followups.models.ladders import LadderChoice, LadderVersion
from followups.models.overrides import Override, OverrideText
from followups.models.promises import Promise, PromiseDelivery, PromiseEvent, PromiseText
from followups.models.recomputations import Recomputation
from followups.models.scrub import ScrubRun
from followups.models.slips import Slip
from followups.models.watch import AuditRound, Finding, OutsidePing, SetAside
from followups.models.webhooks import WebhookCursor, WebhookEndpoint, WebhookMessage

__all__ = [
    "AuditRound",
    "Conduct",
    "ConductMark",
    "DayFigure",
    "DeniedCall",
    "Escalation",
    "Finding",
    "GateCheck",
    "HandOver",
    "Item",
    "LadderChoice",
    "LadderVersion",
    "Lease",
    "Notice",
    "OutsidePing",
    "Override",
    "OverrideText",
    "Promise",
    "PromiseDelivery",
    "PromiseEvent",
    "PromiseFigure",
    "PromiseText",
    "Recomputation",
    "RollupMark",
    "ScrubRun",
    "SetAside",
    "Slip",
    "SpreadFigure",
    "WebhookCursor",
    "WebhookEndpoint",
    "WebhookMessage",
]
