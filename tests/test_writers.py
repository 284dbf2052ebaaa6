"""One writer per model: a table of who may, and a scan that finds everybody else."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.sources import Module, modules
from tests.writers import tables, writes

# crm.bulk is the import's half of crm.customers: the same rows, many at once; crm.filing is the
# half that replaces what another system tells anew. crm.importing.people_rows does the same set by
# set in the database, and crm.importing.past_calls writes many new calls at once.
# half that replaces what another system tells anew. crm.calendars keeps what a team has a copy of.
# half that replaces what another system tells anew. What empties the texts of who was forgotten is
# crm.forgotten, crm.barring and the erasing of each storey, by their age the ageing of each;
# followups.poison is the half of followups.promises for rows that throw, and offers.restored that
# of offers.deliveries for a copy.
WRITER = {
    "Absence": {"crm.absences"},
    "Answer": {"offers.answers"},
    "AnswerText": {"offers.answers", "offers.ageing"},
    "ApiKey": {"crm.keys"},
    "Attempt": {"crm.calls"},
    "AttemptRevision": {"crm.calls"},
    "AttemptText": {"crm.calls", "crm.ageing"},
    "AuditEntry": {"crm.audit"},
    "AuditRound": {"followups.findings"},
    "CalendarVersion": {"crm.calendars"},
    "CallSource": {"crm.call_sources"},
    "Campaign": {"crm.campaigns"},
    "Canary": {"offers.canaries"},
    "CampaignEntry": {"crm.campaign_entries"},
    "ClockOffset": {"crm.offset"},
    "ColumnMapping": {"crm.importing.headings"},
    "Consent": {"crm.consents", "crm.ageing"},
    "ConsentText": {"crm.consents", "crm.ageing"},
    "Conduct": {"followups.conduct"},
    "ConductMark": {"followups.conduct"},
    "Contract": {"crm.customers", "crm.bulk"},
    "ContractLine": {"crm.customers", "crm.bulk"},
    "Customer": {"crm.customers", "crm.bulk", "crm.filing", "crm.importing.people_rows"},
    "CustomerText": {"crm.customers", "crm.bulk", "crm.filing", "crm.importing.people_rows"},
    "DayFigure": {"followups.board.rollups"},
    "DeniedCall": {"followups.board.denials"},
    "DeliveryEvent": {"offers.deliveries", "offers.restored"},
    "Delivery": {"offers.deliveries", "offers.restored", "offers.links"},  # links revokes them
    "DeliveryProof": {"offers.evidence"},
    "DeliveryText": {"offers.deliveries", "offers.erasing", "offers.ageing"},
    "Disposition": set(),  # a closed list, filled by its migration
    "Document": {"offers.documents", "offers.ageing"},
    "EmailAddress": {"crm.customers", "crm.bulk", "crm.filing", "crm.importing.people_rows"},
    "Erasure": {"crm.forgetting"},
    "ForgottenMark": {"crm.forgotten"},
    "Escalation": {"followups.escalation"},
    "Evidence": {"offers.evidence"},
    "EvidenceSource": {"offers.evidence_sources"},
    "EvidenceText": {"offers.evidence", "offers.erasing", "offers.ageing"},
    "GateChange": {
        "crm.customers",
        "crm.bulk",
        "crm.registries",
        "crm.importing.people_rows",
    },
    "Finding": {"followups.findings"},
    "GateCheck": {"followups.checks", "followups.rulings"},
    "HandOver": {"followups.handovers", "followups.ageing"},
    "Heartbeat": {"crm.heartbeats"},
    "House": {"crm.house"},
    "IdempotentAnswer": {"crm.idempotency"},
    "Import": {"crm.importing.jobs"},
    "ImportBatch": {"crm.importing.cutting"},
    "ImportChange": {"crm.importing.changes", "crm.importing.people_rows"},
    "ImportEvent": {"crm.importing.jobs"},
    "ImportLine": {"crm.importing.staging"},
    "ImportPiece": {"crm.importing.files"},
    "ImportRun": {"crm.imports"},
    "IntakeSpan": {"offers.intake"},
    "Item": {"followups.items"},
    "LadderChoice": {"followups.ladders"},
    "LadderVersion": {"followups.ladders"},
    "Lease": {"followups.leases", "followups.rulings"},
    "ListedNumber": {"crm.registries"},
    "Merge": {"crm.merges"},
    "NationalList": {"crm.registries"},
    "Notice": {"followups.notices"},
    "Offer": {"offers.drafts"},
    "OfferLine": {"offers.drafts"},
    "OfferVersion": {"offers.drafts"},
    "OutsidePing": {"followups.outside"},
    "Override": {"followups.overrides", "followups.rulings"},
    "OverrideText": {"followups.overrides", "followups.ageing"},
    "PaperCode": {"offers.links"},
    "PhoneNumber": {
        "crm.customers",
        "crm.barring",
        "crm.bulk",
        "crm.filing",
        "crm.forgotten",
        "crm.importing.people_rows",
    },
    "Plan": {"offers.catalogue"},
    "PlanLine": {"offers.catalogue"},
    "PolicyVersion": {"crm.policy_versions"},
    "PostalAddress": {"crm.customers", "crm.bulk", "crm.importing.people_rows"},
    "Preference": {"crm.preferences"},
    "PrintLine": {"offers.print_lines"},
    "PrintPiece": {"offers.volumes", "offers.ageing"},
    "PrintRun": {"offers.bill_runs"},
    "PrintRunEvent": {"offers.bill_runs"},
    "PrintVolume": {"offers.volumes"},
    "Promise": {"followups.promises", "followups.poison", "followups.slots"},
    "PromiseDelivery": {"followups.promises"},
    "PromiseEvent": {"followups.history"},
    "PromiseFigure": {"followups.board.rollups"},
    "PromiseText": {"followups.promises", "followups.erasing", "followups.ageing"},
    "Pruned": {"crm.chain.pruning"},
    "Question": {"crm.questions"},
    "Recomputation": {"followups.recomputing"},
    "Reply": {"crm.questions"},
    "ReplyText": {"crm.questions"},
    "ReturnFile": {"offers.returns"},
    "RollupMark": {"followups.board.rollups"},
    "ScrubRun": {"followups.scrub"},
    "Seal": {"crm.chain.sealing"},
    "SealForm": {"crm.chain.sealing"},
    "SealPart": {"crm.chain.sealing"},
    "SetAside": {"followups.dead_letters"},
    "Slip": {"followups.slips"},
    "SpreadFigure": {"followups.board.rollups"},
    "Suppression": {"crm.suppressions"},
    "SuppressionText": {"crm.suppressions", "crm.ageing"},
    "Team": {"crm.people", "crm.calendars"},
    "Turn": {"crm.chain.sealing"},
    "UnmatchedReport": {"offers.intake", "offers.ageing"},
    "User": {"crm.people"},
    "WebhookCursor": {"followups.webhooks.outbox"},
    "WebhookEndpoint": {"followups.webhooks.endpoints"},
    "WebhookMessage": {"followups.webhooks.outbox"},
    "WorkCalendar": {"crm.calendars"},
}


def trespasses(found: Iterable[Module]) -> list[str]:
    """Writes by somebody who is not the writer of that model. Migrations are not asked."""
    return [
        f"{module.name}:{line} writes {model}"
        for module in found
        if not module.is_migration
        for model, line in writes(module)
        if module.name not in WRITER[model]
    ]


def test_every_model_has_its_line_in_the_table() -> None:
    assert set(WRITER) == set(tables())


def test_only_the_writer_writes() -> None:
    assert trespasses(modules()) == []


@pytest.mark.parametrize("model", ["Promise", "Delivery", "Evidence", "GateCheck", "Attempt"])
def test_the_scan_sees_the_writer_at_work(model: str) -> None:
    found = {name for module in modules() for name, _line in writes(module)}
    assert model in found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("followups.gate", "Promise.objects.filter(pk=1).update(status='kept')"),
        ("followups.gate", "models.Promise.objects.create(kind='x')"),
        ("followups.gate", "rows = Promise.objects.open()\nrows.update(status='kept')"),
        ("followups.gate", "def f(promise: Promise) -> None:\n    promise.save()"),
        ("followups.gate", "def f(rows: QuerySet[Promise]) -> None:\n    rows.delete()"),
        ("followups.gate", "def f(rows: list[Promise]) -> None:\n    for p in rows: p.save()"),
        ("followups.gate", "for p in Promise.objects.all():\n    p.delete()"),
        ("followups.views.desk", "promise.events.create(cause='x')"),
        ("followups.views.desk", "Item(kind='x').save()"),
        ("offers.channels.email", "Delivery.objects.bulk_update(rows, ['status'])"),
        ("crm.queries", "row, new = Customer.objects.get_or_create(pk=1)"),
        ("crm.queries", "customer.numbers.all().delete()"),
        ("crm.queries", "SQL = 'UPDATE crm_attempt SET result = %s'"),
        ("followups.gate", "SQL = 'insert into followups_gatecheck (id) values (1)'"),
    ],
)
def test_a_planted_second_writer_is_found(name: str, text: str) -> None:
    assert trespasses([Module(name, text)]), text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("followups.promises", "Promise.objects.filter(pk=1).update(status='kept')"),
        ("followups.gate", "{}.update(a=1)\ndigest.update(b'x')"),
        ("followups.gate", "Promise.objects.filter(pk=1).select_for_update()"),
        ("followups.gate", "promises.make(attempt=attempt)"),
        ("crm.migrations.0009_x", "Promise.objects.all().delete()"),
    ],
)
def test_reading_and_asking_the_writer_stay_green(name: str, text: str) -> None:
    assert trespasses([Module(name, text)]) == []
