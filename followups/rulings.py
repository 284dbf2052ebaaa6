"""The gate's one exchange: locks, reads, rules and records, inside the database.

The writer of GateCheck rows, and of the leases that an allow takes (the SQL function
kept_gate_rule, in the migrations). Whose rules they are is decided here: the caller hands over
which codes stop, in the order in which the first of them is chosen.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection

from config import prepared
from config.prepared import Ready, Statement
from crm import conditions, phone
from crm.conditions import Conditions
from crm.forgotten import keyed
from crm.keys import Mark
from crm.policies import Policy
from followups.facts import ALLOWED, GUARDED, array, hash_number, limits
from followups.reasons import ROWS

RULE = Statement(
    "gate_rule",
    """
SELECT state, decision, at, people, names, against FROM kept_gate_rule(
    %(key_name)s, %(key_mark)s, %(dialled)s, %(hashed)s, %(ids)s, %(given)s,
    %(asked)s, %(stops)s, %(mine)s, %(strangers)s, %(moment)s, %(gap)s, %(lease)s, %(permit)s,
    %(reserving)s, %(recording)s, %(author)s, %(agent)s, %(campaign)s, %(request)s, %(rules)s,
    %(holding)s, %(guards)s, %(allowed)s, %(dice)s, %(good_from)s, %(good_until)s, %(caps)s,
    %(mosts)s, %(spans)s, %(rest)s, %(called)s, %(covered)s, %(shut_in)s, %(shut_by)s,
    %(shut_until)s, %(bases)s, %(lists)s, %(ages)s, %(pardons)s, %(revision)s, %(excusing)s)
""",
)

# A second look is needed when opening hours began or ended since the last; a third never.
TIMES = 3


class KeyChanged(Exception):
    """The key was used on trust, and is not what it was: nothing was asked or written."""


@dataclass(frozen=True)
class Asked:
    """The question as the database gets it. `number` is E.164, or empty."""

    number: str
    ids: list[int]
    purpose: str
    policy: str  # its name: which version is in force is known when the database says the time
    by: str
    holder: str
    mine: Collection[str] = ()
    given: str = ""  # a code that is known before anything is read: then nothing is
    strangers: bool = True  # whether a number that nobody has may be called
    reserve: bool = False
    record: bool = True
    agent: int | None = None
    campaign: int | None = None
    request_id: str = ""
    mark: Mark | None = None
    excusing: bool = False  # whether a supervisor's override may be used for it


@dataclass(frozen=True)
class Ruling:
    """What was found. `known`: this request id was answered before, with that row."""

    allow: bool
    at: datetime
    id: UUID | None
    people: tuple[int, ...]
    references: tuple[str, ...]  # of the people, in the same order
    blocks: list[dict[str, Any]]
    policy: Policy
    known: dict[str, Any] | None = None
    excused: bool = False  # allowed by an override


def stops(purpose: str) -> list[str]:
    """The codes that stop a purpose, in the order of the table."""
    return [row.code for row in ROWS if purpose in row.stops]


# What this process last worked out for each policy: in use until the database says it is over.
_LAST: dict[str, Conditions] = {}


def _conditions(name: str, at: datetime | None) -> Conditions:
    last = _LAST.get(name)
    if last and (at is None or last.hold(at)):
        return last
    return _worked_out(name, at or now())


def _worked_out(name: str, at: datetime) -> Conditions:
    found = _LAST[name] = conditions.of(name, at=at)
    return found


def now() -> datetime:
    """The database's clock: for the first question of a process, and for who stands in for whom."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kept_now()")
        (at,) = cursor.fetchone()
    return at


@lru_cache(maxsize=256)
def _rules(found: Conditions, purpose: str) -> dict[str, Ready | None]:
    """What all questions of a policy and a purpose have in common, while its conditions hold."""
    policy = found.policy
    same = {
        "asked": purpose,
        "stops": array(stops(purpose)),
        "lease": policy.lease,
        "permit": policy.permit,
        "rules": policy.label,
        "guards": GUARDED,
        "allowed": ALLOWED,
        "good_from": found.since,
        "good_until": found.until,
        "revision": found.revision,
        **limits(found),
    }
    return {name: Ready.of(value) for name, value in same.items()}


def rule(asked: Asked, *, at: datetime | None) -> Ruling:
    """Rules on one question; `at` None reads the database's clock after the lock.

    Raises KeyChanged when `mark` is given and the key's row is not the one that was marked, and
    policies.UnknownPolicy.
    """
    values = {
        "key_name": asked.mark.key_id if asked.mark else "",
        "key_mark": asked.mark.row if asked.mark else "",
        "dialled": asked.number,
        "hashed": hash_number(asked.number) if asked.number else b"",
        "ids": sorted(set(asked.ids)),
        "given": asked.given,
        "mine": array(asked.mine),
        "strangers": asked.strangers,
        "moment": at,
        "reserving": asked.reserve,
        "recording": asked.record,
        "author": asked.by,
        "agent": asked.agent,
        "campaign": asked.campaign,
        "request": _hashed(asked.request_id),
        "holding": asked.holder,
        "dice": secrets.token_hex(9),
        "called": "",
        "excusing": asked.excusing,
    }
    found = _conditions(asked.policy, at)
    for _time in range(TIMES):
        if found.covered:
            values["called"] = (asked.number and phone.region_of(asked.number)) or ""
        ((state, decision, moment, people, names, against),) = prepared.rows(
            RULE, {**values, **_rules(found, asked.purpose)}
        )
        if state == "stale":
            raise KeyChanged
        if state == "known":
            before = _instant(against["at"])
            return Ruling(False, before, None, (), (), [], found.policy, known=against)
        if state != "expired":
            who = (tuple(people), tuple(names))
            allow, excused = state != "deny", state == "excused"
            return Ruling(allow, moment, decision, *who, against, found.policy, excused=excused)
        found = _worked_out(asked.policy, moment)
    raise RuntimeError("the hours of a policy changed at every look")


def _hashed(request_id: str) -> str:
    """A request id is whatever the caller likes: only its keyed hash is kept."""
    return keyed(f"request\n{request_id}").hex() if request_id else ""


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
