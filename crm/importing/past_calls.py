"""Calls of a former system. They count for the gate's caps and rests from the moment they are here,
and are judged afterwards like every call (docs/gate.md). A part of the writer of attempts: many new
ones at once; what revises a known one goes through crm/calls.py.

What was written down of calls stays written down, so this import is not undone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import bulk, calls, customers
from crm.actors import Actor
from crm.calls import Call
from crm.customers import fold
from crm.importing import cells as read
from crm.importing.cells import Cells, Field
from crm.importing.frames import Frame
from crm.importing.judging import BAD, CHANGED, NEW, SAME, Judged, Written, bad, late
from crm.importing.people import FIELDS as PEOPLE
from crm.mappings import BadCell
from crm.models import (
    Attempt,
    AttemptRevision,
    AttemptText,
    Campaign,
    Customer,
    GateChange,
    Import,
    ImportBatch,
    ImportLine,
    PhoneNumber,
)

PHONE = next(one for one in PEOPLE if one.name == "phone")
FIELDS = (
    Field(
        "call_id",
        gettext_lazy("Number of the call"),
        *("callid", "uniqueid", "idappel", "numeroappel", "gespreksid", "oproepid", "uuid"),
    ),
    Field("external_id", PEOPLE[0].label, *(PEOPLE[0].words - {"id"})),
    Field("number", PHONE.label, *PHONE.words, "called", "dialled", "callednumber", "destination"),
    Field(
        "started_at",
        gettext_lazy("When the call began"),
        *("date", "datetime", "calldate", "start", "starttime", "callstart", "time", "timestamp"),
        *("dateappel", "dateheure", "debut", "heure", "datum", "datumtijd", "tijdstip", "begin"),
        *("starttijd", "beldatum"),
        needed=True,
    ),
    Field("ended_at", gettext_lazy("When it ended"), "end", "endtime", "fin", "einde", "eindtijd"),
    Field("direction", gettext_lazy("Direction"), "sens", "richting", "inout", "inoutbound"),
    Field("purpose", gettext_lazy("Purpose"), "but", "motif", "doel"),
    Field(
        "result",
        gettext_lazy("Result"),
        *("status", "outcome", "resultat", "statut", "resultaat", "dialstatus"),
    ),
    Field(
        "disposition",
        gettext_lazy("What it meant"),
        *("wrapup", "dispo", "qualification", "conclusion", "afhandeling", "uitkomst"),
    ),
    Field("agent", gettext_lazy("Agent"), "user", "username", "operator", "medewerker"),
    Field("campaign", gettext_lazy("Campaign"), "campagne", "campaignname", "list"),
    Field("note", gettext_lazy("Note"), "notes", "comment", "remarque", "opmerking"),
)
DIRECTIONS = {
    **dict.fromkeys(("outbound", "out", "outgoing", "sortant", "uitgaand", "o"), "outbound"),
    **dict.fromkeys(("inbound", "in", "incoming", "entrant", "inkomend", "i"), "inbound"),
}
PURPOSES = {
    **{code: code for code in Campaign.Purpose.values},
    **dict.fromkeys(("sale", "vente", "verkoop"), "sales"),
    **dict.fromkeys(("enquete", "sondage"), "survey"),
    **dict.fromkeys(("call-back", "call back", "rappel", "terugbellen"), "callback"),
}
RESULTS = {
    **{code: code for code in Attempt.Result.values},
    **dict.fromkeys(("answer", "connected", "contact", "repondu", "beantwoord"), "answered"),
    **dict.fromkeys(
        ("no answer", "noanswer", "na", "pas de reponse", "geen antwoord"), "no_answer"
    ),
    **dict.fromkeys(("occupe", "bezet", "b"), "busy"),
    **dict.fromkeys(
        ("answering machine", "am", "repondeur", "messagerie", "antwoordapparaat"), "voicemail"
    ),
    **dict.fromkeys(("wrong number", "faux numero", "verkeerd nummer"), "wrong_number"),
    **dict.fromkeys(("failure", "congestion", "chanunavail", "echec", "mislukt"), "failed"),
    **dict.fromkeys(("canceled", "cancel", "abandoned", "annule", "geannuleerd"), "cancelled"),
}
INSTANTS = ("started_at", "ended_at")


def facts(cells: Cells, frame: Frame) -> tuple[str, dict[str, Any]]:
    """The call's key in the former system, and the call. Raises BadCell."""
    began = read.instant(cells, "started_at")
    if began is None:
        raise BadCell("started_at", _("is missing"))
    number = cells.get("number")
    told: dict[str, Any] = {
        "external_id": read.text(cells, "external_id", 64) or "",
        "number": (read.number("number", number, frame.country) if number else ""),
        "started_at": began.isoformat(),
        "ended_at": _iso(read.instant(cells, "ended_at")),
        "direction": read.one_of(cells, "direction", DIRECTIONS) or "outbound",
        "purpose": read.one_of(cells, "purpose", PURPOSES) or "",
        "result": read.one_of(cells, "result", RESULTS) or "",
        "disposition": _known(cells, "disposition", frame.dispositions),
        "agent": _known(cells, "agent", frame.agents),
        "campaign": _known(cells, "campaign", frame.campaigns),
        "note": read.text(cells, "note", 2000, lines=True) or "",
    }
    if not told["external_id"] and not told["number"]:
        raise BadCell("number", _("is missing"))
    key = read.text(cells, "call_id", 120) or _made_up(told)
    return key, told


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _known(cells: Cells, name: str, known: dict[str, Any]) -> str:
    value = cells.get(name)
    if not value:
        return ""
    for key in (value, value.casefold(), fold(value), fold(value).replace(" ", "_")):
        if key in known:
            return key
    raise BadCell(name, _("names nothing that we know"))


def _made_up(told: dict[str, Any]) -> str:
    """Without a number of its own a call is known by whom, when and which way."""
    said = (told["external_id"], told["number"], told["started_at"], told["direction"])
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:40]


@dataclass
class _Around:
    """What is known of the calls of some lines: who they were for, and which are here already."""

    by_id: dict[str, Customer] = field(default_factory=dict)
    by_number: dict[str, list[Customer]] = field(default_factory=dict)
    here: dict[str, Attempt] = field(default_factory=dict)

    def person(self, told: dict[str, Any]) -> Customer | None:
        """By the customer's number; else whoever alone has the telephone number."""
        if told["external_id"]:
            return self.by_id.get(told["external_id"])
        sharers = self.by_number.get(told["number"], [])
        return sharers[0] if len(sharers) == 1 else None


def _source(frame: Frame) -> str:
    return f"import:{frame.system}"[:40]


def _around(lines: list[ImportLine], frame: Frame) -> _Around:
    told = [line.said for line in lines if line.facts]
    ids = {one["external_id"] for one in told} - {""}
    numbers = {one["number"] for one in told} - {""}
    rows_of_ids = Customer.objects.filter(external_id__in=ids, erased_at=None)
    found = _Around({c.external_id or "": c for c in rows_of_ids})
    rows = PhoneNumber.objects.filter(e164__in=numbers).select_related("customer")
    for row in rows.order_by("pk"):
        found.by_number.setdefault(row.e164, []).append(row.customer)
    here = Attempt.objects.filter(
        source=_source(frame), external_id__in=[line.key for line in lines]
    )
    found.here = {row.external_id: row for row in here}
    return found


def _call(line: ImportLine, person: Customer | None, frame: Frame) -> Call:
    told = line.said
    campaign = frame.campaigns.get(told["campaign"])
    agent = frame.agents.get(told["agent"])
    own = campaign.purpose if campaign else ""
    answered = told["result"] == Attempt.Result.ANSWERED
    began = datetime.fromisoformat(told["started_at"])
    return Call(
        source=_source(frame),
        external_id=line.key,
        direction=told["direction"],
        started_at=began,
        answered_at=began if answered else None,
        ended_at=datetime.fromisoformat(told["ended_at"]) if told["ended_at"] else None,
        purpose=told["purpose"] or own or frame.purpose,
        customer=person,
        number=told["number"],
        campaign=campaign,
        agent=agent,
        team=agent.team if agent else person.team if person else None,
        result=told["result"],
        disposition=frame.dispositions.get(told["disposition"]),
        note=told["note"],
    )


def judge(row: Import, lines: list[ImportLine], frame: Frame) -> Iterator[Judged]:
    """Known calls with nothing new are the same; one told differently is bad."""
    around = _around(lines, frame)
    for line in lines:
        person = around.person(line.said)
        if line.said["external_id"] and person is None:
            yield bad(line, "external_id", _("nobody has this number"))
            continue
        call = _call(line, person, frame)
        said = {name: getattr(call, name) for name in INSTANTS}
        wrong = next(calls.impossible(said, at=row.uploaded_at), None)
        before = around.here.get(line.key)
        if wrong:
            yield bad(line, *wrong)
        elif before is None:
            yield Judged(line.pk, NEW)
        elif other := calls.contradictions(before, call):
            words = _("was brought in before with another %(what)s")
            yield bad(line, "", words % {"what": ", ".join(other).replace("_id", "")})
        else:
            yield Judged(line.pk, CHANGED if calls.tells_more(before, call) else SAME)


def write(*, row: Import, batch: ImportBatch, frame: Frame, by: Actor, at: datetime) -> Written:
    """New calls at once, then one by one what revises a known one, or holds a wish."""
    rows = ImportLine.objects.filter(of=row, line__range=(batch.first, batch.last))
    lines = list(rows.exclude(verdict=BAD).order_by("line"))
    around = _around(lines, frame)
    people = {p.pk for line in lines if (p := around.person(line.said))}
    customers.hold(people)
    gone = late(judge(row, lines, frame))
    spoilt = {one.pk for one in gone}
    around = _around(lines, frame)
    counts: Counter[str] = Counter()
    new: list[Call] = []
    for line in lines:
        if line.pk in spoilt:
            continue
        call = _call(line, around.person(line.said), frame)
        before = around.here.get(line.key)
        if before is None:
            counts[NEW] += 1
            if call.disposition and calls.wish(call.disposition):
                calls.log(call=call, by=by, at=at)
            else:
                new.append(call)
        else:
            told = calls.log(call=call, by=by, at=at)
            counts[CHANGED if told.revised else SAME] += 1
    _add(new, by=by, at=at)
    return Written(counts, gone)


def _add(new: Iterable[Call], *, by: Actor, at: datetime) -> None:
    found = list(new)
    pairs = list(zip(bulk.next_ids(Attempt, len(found)), found, strict=True))
    bulk.copy(Attempt, (_attempt(pk, call, by, at) for pk, call in pairs))
    bulk.copy(
        AttemptText,
        (AttemptText(attempt_id=pk, number=call.number, note=call.note) for pk, call in pairs),
    )
    bulk.copy(AttemptRevision, (_revision(pk, call, by, at) for pk, call in pairs))
    people = sorted({call.customer.pk for call in found if call.customer})
    bulk.copy(GateChange, (GateChange(customer_id=pk, cause="attempt", at=at) for pk in people))


def _outcome(call: Call) -> dict[str, Any]:
    return {
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "result": call.result,
        "disposition": call.disposition,
    }


def _attempt(pk: int, call: Call, by: Actor, at: datetime) -> Attempt:
    return Attempt(
        pk=pk,
        source=call.source,
        external_id=call.external_id,
        customer=call.customer,
        campaign=call.campaign,
        purpose=call.purpose,
        agent=call.agent,
        team=call.team,
        direction=call.direction,
        started_at=call.started_at,
        logged_at=at,
        logged_by=by.code,
        revision=1,
        **_outcome(call),
    )


def _revision(pk: int, call: Call, by: Actor, at: datetime) -> AttemptRevision:
    return AttemptRevision(
        attempt_id=pk, revision=1, recorded_at=at, recorded_by=by.code, **_outcome(call)
    )
