"""After the storm: what must have been conserved, asked of the database and of the sink's log."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.storm.clients import Asked, Crowd
from tests.storm.house import House
from tests.storm.wire import ACCIDENTS

Row = dict[str, Any]
UNSERVED = """
SELECT p.reference FROM followups_promise p WHERE p.status = 'open'
AND NOT EXISTS (
    SELECT FROM followups_promisedelivery a JOIN offers_delivery d ON d.id = a.delivery_id
    LEFT JOIN offers_deliveryproof f ON f.delivery_id = d.id
    WHERE a.promise_id = p.id AND (d.status IN ('queued', 'claimed', 'sending', 'retry')
        OR (d.status = 'sent' AND NOT coalesce(f.failed, false))))
AND NOT EXISTS (
    SELECT FROM followups_item i WHERE i.promise_id = p.id AND i.closed_at IS NULL
        AND i.owner_id IS NOT NULL)
"""
UNLISTED = """
SELECT d.id FROM offers_delivery d
JOIN followups_promisedelivery a ON a.delivery_id = d.id
JOIN followups_promise p ON p.id = a.promise_id
WHERE d.status = 'unknown' AND p.status = 'open' AND NOT EXISTS (
    SELECT FROM followups_item i WHERE i.promise_id = p.id AND i.kind = 'unknown_send'
        AND i.closed_at IS NULL)
"""
UNTOLD = """
SELECT 'promise ' || p.reference FROM followups_promise p WHERE p.status IS DISTINCT FROM (
    SELECT to_status FROM followups_promiseevent e WHERE e.promise_id = p.id
    ORDER BY id DESC LIMIT 1)
UNION ALL
SELECT 'delivery ' || d.id FROM offers_delivery d WHERE d.status IS DISTINCT FROM (
    SELECT to_status FROM offers_deliveryevent e WHERE e.delivery_id = d.id
    ORDER BY id DESC LIMIT 1)
"""
RUNGS_TWICE = """
SELECT promise_id, cycle, track, rung FROM followups_escalation
GROUP BY 1, 2, 3, 4 HAVING count(*) > 1
"""
RUNG_EVENTS = """
SELECT promise_id FROM followups_promiseevent WHERE cause LIKE 'rung_%%'
GROUP BY promise_id HAVING count(*) <> (
    SELECT count(*) FROM followups_escalation e
    WHERE e.promise_id = followups_promiseevent.promise_id)
"""
RUNGS_LEFT = """
SELECT reference FROM followups_promise WHERE status = 'open' AND next_rung_at <= kept_now()
"""
MADE = """
SELECT p.reference, p.status, t.words, c.reference AS customer, a.external_id,
    EXISTS (SELECT FROM followups_promiseevent e WHERE e.promise_id = p.id
        AND e.from_status = '' AND e.to_status = 'open') AS told,
    EXISTS (SELECT FROM followups_promiseevent e WHERE e.promise_id = p.id
        AND e.to_status <> 'open') AS moved,
    EXISTS (SELECT FROM followups_promisedelivery x WHERE x.promise_id = p.id)
        OR EXISTS (SELECT FROM followups_item i WHERE i.promise_id = p.id) AS served
FROM followups_promise p JOIN followups_promisetext t ON t.promise_id = p.id
JOIN crm_customer c ON c.id = p.customer_id JOIN crm_attempt a ON a.id = p.attempt_id
"""
UNPROVEN = """
SELECT p.reference FROM followups_promise p WHERE p.status = 'kept' AND NOT EXISTS (
    SELECT FROM followups_promisedelivery a JOIN offers_evidence e USING (delivery_id)
    WHERE a.promise_id = p.id AND e.grade >= p.required_grade)
"""
UNKNOWN = "SELECT count(*) FROM offers_delivery WHERE status = 'unknown'"
DELIVERIES = "SELECT id, key, status, tries, token FROM offers_delivery"
BACK = """
SELECT delivery_id FROM offers_deliveryevent
WHERE from_status IN ('sent', 'unknown', 'failed') AND to_status IN ('queued', 'claimed', 'sending',
    'retry')
"""


@dataclass
class Report:
    """What the storm did and what it broke; `violations` is empty when it broke nothing."""

    seed: int
    faults: Counter[str]
    acked: int = 0
    sends: int = 0
    gate: int = 0
    rungs: int = 0
    unknown: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    false_allows: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    rungs_dup: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        named = ("lost", "doubles", "false_allows", "unlisted", "rungs_dup", "other")
        return [f"{name}: {what}" for name in named for what in getattr(self, name)]

    def line(self) -> str:
        kinds = " · ".join(f"{kind} {n:,}" for kind, n in sorted(self.faults.items()))
        listed = f"{len(self.unlisted)} not listed" if self.unlisted else "all listed"
        return (
            f"faults {self.faults.total():,} ({kinds})"
            f" | acked {self.acked:,} lost {len(self.lost)}"
            f" | sends {self.sends:,} doubles {len(self.doubles)}"
            f" | gate {self.gate:,} false allows {len(self.false_allows)}"
            f" | rungs {self.rungs:,} dup {len(self.rungs_dup)}"
            f" | unknown {self.unknown:,} {listed} | seed {self.seed}"
        )


def judge(house: House, crowd: Crowd, *, faults: Counter[str]) -> Report:
    report = Report(seed=house.seed, faults=faults)
    made = house.rows(MADE)
    acked = crowd.ledger.read()
    _lost(report, made, acked)
    _false_allows(report, made, acked, crowd.asked)
    _mails(report, house)
    report.other += crowd.odd
    for query, name in (
        (UNSERVED, "open without a way"),
        (UNTOLD, "state without its event"),
        (UNPROVEN, "kept without proof"),
        (BACK, "went back"),
        (RUNG_EVENTS, "rung without its event"),
        (RUNGS_LEFT, "rung missing"),
    ):
        report.other += [f"{name}: {_plain(row)}" for row in house.rows(query)]
    report.unlisted = [_plain(row) for row in house.rows(UNLISTED)]
    report.rungs_dup = [_plain(row) for row in house.rows(RUNGS_TWICE)]
    report.rungs = house.count("SELECT count(*) FROM followups_escalation")
    return report


def _plain(row: Row) -> str:
    return " ".join(str(value) for value in row.values())


def _lost(report: Report, made: list[Row], acked: list[Row]) -> None:
    """Each acknowledged promise is there once, with its event and a way to the customer."""
    report.acked = sum(len(line["references"]) for line in acked)
    by_reference = {row["reference"]: row for row in made}
    said = Counter((row["customer"], row["words"]) for row in made)
    report.other += [f"promised twice: {words}" for (_, words), n in said.items() if n > 1]
    for line in acked:
        if len(line["references"]) != len(line["words"]):
            report.lost.append(f"{line['key']} answered {line['references']}")
        for reference in line["references"]:
            row = by_reference.get(reference)
            right = row and row["customer"] == line["customer"] and row["words"] in line["words"]
            if not right or row is None or not row["told"] or not row["served"]:
                report.lost.append(f"{reference}: {row}")


def _false_allows(report: Report, made: list[Row], acked: list[Row], asked: list[Asked]) -> None:
    """An allow that was asked for after the acknowledgement, while nothing was ever proven."""
    proven = {row["customer"] for row in made if row["moved"]}
    since: dict[str, float] = {}
    for line in acked:
        if line["customer"] not in proven and line["references"]:
            for number in line["phones"]:
                since[number] = min(since.get(number, line["acked_at"]), line["acked_at"])
    report.gate = len(asked)
    for row in asked:
        shut = row.asked_at > since.get(row.number, float("inf"))
        report.codes[f"{'shut' if shut else 'free'} {row.decision} {row.code}"] += 1
        if shut and row.decision != "deny":
            report.false_allows.append(f"{row.number}: {row}")


def key_of(entry: Row) -> uuid.UUID | None:
    """The delivery of a line in the sink's log; a refusal before the body names none."""
    text = entry["message_id"].strip("<>").partition("@")[0]
    return uuid.UUID(text) if text else None


def came_again(log: list[Row]) -> list[uuid.UUID]:
    """Mails that came once more after the sink had taken them."""
    taken, again = set(), []
    for entry in log:
        key = key_of(entry)
        if key in taken and key:
            again.append(key)
        if entry["accepted"]:
            taken.add(key)
    return again


def _mails(report: Report, house: House) -> None:
    """The sink's log is the truth: what it took once must never come again."""
    log = house.log()
    taken = Counter(key_of(entry) for entry in log if entry["accepted"])
    report.sends = taken.total()
    report.doubles = [f"delivery {key}" for key in came_again(log)]
    report.faults["smtp"] += sum(bool(entry["fault"]) for entry in log)
    report.faults["smtp"] += sum(house.wire.met[kind] for kind in ACCIDENTS)
    report.unknown = house.count(UNKNOWN)
    for row in house.rows(DELIVERIES):
        if taken[row["key"]] and row["status"] not in {"sent", "unknown"}:
            report.other.append(f"delivery {row['id']} was taken and is {row['status']}")
        if not taken[row["key"]] and row["status"] == "sent":
            report.other.append(f"delivery {row['id']} is sent and never came")
