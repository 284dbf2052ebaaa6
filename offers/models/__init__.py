"""WHAT: the offer, its document, its journeys, the proof that it arrived. One noun per file."""

from offers.models.answers import Answer, AnswerText
from offers.models.canaries import Canary
from offers.models.catalogue import Plan, PlanLine
from offers.models.codes import PaperCode
from offers.models.deliveries import Delivery, DeliveryEvent, DeliveryText
from offers.models.evidence import (
    DeliveryProof,
    Evidence,
    EvidenceText,
    IntakeSpan,
    UnmatchedReport,
)
from offers.models.offers import Document, Offer, OfferLine, OfferVersion
from offers.models.paper import (
    PrintLine,
    PrintPiece,
    PrintRun,
    PrintRunEvent,
    PrintVolume,
    ReturnFile,
)
from offers.models.sources import EvidenceSource

__all__ = [
    "Answer",
    "AnswerText",
    "Canary",
    "Delivery",
    "DeliveryEvent",
    "DeliveryProof",
    "DeliveryText",
    "Document",
    "Evidence",
    "EvidenceSource",
    "EvidenceText",
    "IntakeSpan",
    "Offer",
    "OfferLine",
    "OfferVersion",
    "PaperCode",
    "Plan",
    "PlanLine",
    "PrintLine",
    "PrintPiece",
    "PrintRun",
    "PrintRunEvent",
    "PrintVolume",
    "ReturnFile",
    "UnmatchedReport",
]
