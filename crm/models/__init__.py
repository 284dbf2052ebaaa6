"""WHO: people, contracts, calls, wishes, teams. One noun per file."""

from crm.models.absences import Absence
from crm.models.calendars import CalendarVersion, WorkCalendar
from crm.models.calls import Attempt, AttemptRevision, AttemptText, Campaign, Disposition
from crm.models.campaigns import CampaignEntry
from crm.models.chain import Pruned, Seal, SealForm, SealPart, Turn
from crm.models.consents import Consent, ConsentText
from crm.models.customers import (
    Contract,
    ContractLine,
    Customer,
    CustomerText,
    EmailAddress,
    Merge,
    PhoneNumber,
    PostalAddress,
)
from crm.models.forgetting import Erasure, ForgottenMark
from crm.models.house import House
from crm.models.imports import (
    ColumnMapping,
    Import,
    ImportBatch,
    ImportChange,
    ImportEvent,
    ImportLine,
    ImportPiece,
)
from crm.models.ledger import (
    AuditEntry,
    ClockOffset,
    GateChange,
    Heartbeat,
    IdempotentAnswer,
    ImportRun,
)
from crm.models.people import ApiKey, Team, User
from crm.models.questions import Question, Reply, ReplyText
from crm.models.registries import ListedNumber, NationalList
from crm.models.rulebooks import PolicyVersion
from crm.models.telephony import CallSource
from crm.models.wishes import Preference, Suppression, SuppressionText

__all__ = [
    "Absence",
    "ApiKey",
    "Attempt",
    "AttemptRevision",
    "AttemptText",
    "AuditEntry",
    "CalendarVersion",
    "CallSource",
    "Campaign",
    "CampaignEntry",
    "ClockOffset",
    "ColumnMapping",
    "Consent",
    "ConsentText",
    "Contract",
    "ContractLine",
    "Customer",
    "CustomerText",
    "Disposition",
    "EmailAddress",
    "Erasure",
    "ForgottenMark",
    "GateChange",
    "Heartbeat",
    "House",
    "IdempotentAnswer",
    "Import",
    "ImportBatch",
    "ImportChange",
    "ImportEvent",
    "ImportLine",
    "ImportPiece",
    "ImportRun",
    "ListedNumber",
    "Merge",
    "NationalList",
    "PhoneNumber",
    "PolicyVersion",
    "PostalAddress",
    "Preference",
    "Pruned",
    "Question",
    "Reply",
    "ReplyText",
    "Seal",
    "SealForm",
    "SealPart",
    "Suppression",
    "SuppressionText",
    "Team",
    "Turn",
    "User",
    "WorkCalendar",
]
