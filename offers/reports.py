"""What a mail that comes back says: read from its bytes alone, believing nothing, raising nothing.

Delivery reports (RFC 3464), read receipts (RFC 8098), complaints (RFC 5965), automatic replies
(RFC 3834); bounces in a format of their own (offers/bounce_texts.py); any other letter is a reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import Literal

from offers import bounce_texts
from offers.hardness import is_hard, status_of
from offers.report_fields import blocks, children, groups, merged, text_of

Kind = Literal[
    "failed",
    "delivered",
    "delayed",
    "relayed",
    "expanded",
    "complaint",
    "auto_reply",
    "reply",
    "read_receipt",
    "not_a_report",
]
Fields = Mapping[str, str]

LARGEST = 2_000_000  # bytes read of one mail; what a report says stands at its beginning
MOST_RECIPIENTS = 100

ACTIONS: Mapping[str, Kind] = {
    "failed": "failed",
    "delivered": "delivered",
    "delayed": "delayed",
    "relayed": "relayed",
    "expanded": "expanded",
}
COMPLAINTS = {"abuse", "fraud", "opt-out", "opt-out-list", "other"}

_AWAY = re.compile(
    r"(re ?: ?)?(automatic reply|auto(matic)?[- ]?(reply|response)|autoreply|vacation\b"
    r"|out of (the )?office|away from|réponse automatique|message d.absence|absence du bureau"
    r"|absente? (du|jusqu)|je suis absent|automatisch antwoord|afwezig|ik ben afwezig|niet aanwezig"
    r"|automatische antwort|abwesen|ich bin (abwesend|nicht im b)|nicht im büro)",
    re.I,
)
_AUTOMATIC_HEADER = re.compile(r"(x-auto-?(reply|respond)$|list-|mailing-list$|x-mlserver$)", re.I)
_DAEMON = re.compile(
    r"(mailer[-_.]?daemon|post[-_.]?master|mail[-_.]?daemon|bounces?[-_.]?admin)@", re.I
)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,990}>")
_FOR = re.compile(r"\bfor\s+<([^<>\s]{3,320})>")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f]+")


@dataclass(frozen=True)
class Report:
    """`hard`: the address is bad, not only this delivery. `recipient`: the address that the report
    speaks of (for a reply: who wrote it). `envelope_to`: where the mail was sent, our VERP path."""

    kind: Kind = "not_a_report"
    status: str = ""
    hard: bool = False
    action: str = ""
    recipient: str = ""
    original_message_id: str = ""
    envelope_to: str = ""
    message_id: str = ""
    arrived: datetime | None = None
    diagnostic: str = ""


def read(raw: bytes, *, max_bytes: int = LARGEST) -> list[Report]:
    """One Report for each recipient that the mail speaks of, and always at least one."""
    try:
        return _read(message_from_bytes(raw[:max_bytes])) or [Report()]
    except Exception:  # whatever a hostile mail does to the parser, intake goes on
        return [Report()]


def _read(mail: Message) -> list[Report]:
    base = Report(
        envelope_to=_envelope_to(mail),
        message_id=_first_id(mail.get("Message-ID")),
        arrived=_instant(mail.get("Date")),
    )
    text = bounce_texts.text_of(mail)
    for part in _parts(mail):
        if part.get_content_type() == "multipart/report":
            return _machine(part, base, text) or _odd_report(mail, part, base, text) or [base]
    # Some servers say multipart/mixed; then only a machine's letter is taken for a report.
    found = _machine(mail, base, text) if _is_daemon(mail) else []
    return found or _odd(mail, base, text) or [_letter(mail, base)]


def _odd_report(mail: Message, part: Message, base: Report, text: str) -> list[Report]:
    """A report whose readable part is missing or empty, but not one about something else."""
    kinds = {child.get_content_type().partition("/")[2] for child in children(part)}
    other = kinds & {"feedback-report", "disposition-notification"}
    return [] if other else _odd(mail, base, text)


def _odd(mail: Message, base: Report, text: str) -> list[Report]:
    """A bounce in words of its own. Only a machine's letter can be one: a person who quotes a
    bounce, and an answering machine of a person, have a name in From."""
    writer, subject = _writer(mail), _subject(mail)
    machine = not writer or bool(_DAEMON.match(writer))
    if not machine and not (_is_daemon(mail) and bounce_texts.says_returned(subject)):
        return []
    if not bounce_texts.speaks_of_failure(subject, text):
        return []
    original = base.original_message_id or _returned_id(mail) or bounce_texts.id_below(mail)
    base = replace(base, original_message_id=original)
    fields = bounce_texts.fields_in(text)
    told = _delivery_status(blocks(fields), base, text) if fields else []
    return told or [_worded(f, base) for f in bounce_texts.findings(mail, subject, text)]


def _returned_id(mail: Message) -> str:
    return _original_id({part.get_content_type(): part for part in children(mail)})


def _worded(found: bounce_texts.Finding, base: Report) -> Report:
    status = status_of("", found.words)
    return replace(
        base,
        kind="failed" if found.final else "delayed",
        status=status,
        hard=found.final and is_hard(status, found.words, found.heading),
        recipient=_clean(found.recipient, 320),
        diagnostic=_clean(found.words, 1000),
    )


def _parts(mail: Message) -> Iterator[Message]:
    """The mail and its parts, but not the mails inside it: a forwarded bounce is no bounce."""
    yield mail
    if mail.get_content_maintype() == "multipart":
        for part in children(mail):
            yield from _parts(part)


def _machine(report: Message, base: Report, text: str) -> list[Report]:
    parts = {part.get_content_type(): part for part in reversed(children(report))}
    base = replace(base, original_message_id=_original_id(parts))
    for kind in ("message/delivery-status", "message/global-delivery-status"):
        if kind in parts:
            return _delivery_status(groups(parts[kind]), base, text)
    for kind, reader in (
        ("message/disposition-notification", _receipt),
        ("message/global-disposition-notification", _receipt),
        ("message/feedback-report", _feedback),
    ):
        if kind in parts:
            return reader(groups(parts[kind]), base)
    return []


def _delivery_status(groups: list[dict[str, str]], base: Report, text: str) -> list[Report]:
    blocks = _recipients(groups)[:MOST_RECIPIENTS]
    people = [_person(fields) for fields in blocks]
    return [
        report
        for fields in blocks
        if (report := _fate(fields, base, bounce_texts.passage(text, _person(fields), people))).kind
        != "not_a_report"
    ]


def _recipients(groups: list[dict[str, str]]) -> list[dict[str, str]]:
    """The blocks of RFC 3464 2.3. Some servers put a blank line inside a block, so a block begins
    where a recipient is named, not at each blank line."""
    found: list[dict[str, str]] = []
    for group in groups:
        if "final-recipient" in group or "original-recipient" in group:
            found.append(dict(group))
        elif found:
            found[-1] = {**group, **found[-1]}
    return found


def _person(fields: Fields) -> str:
    return _typed_address(fields.get("original-recipient") or fields.get("final-recipient") or "")


def _fate(fields: Fields, base: Report, passage: str) -> Report:
    """What the block says; where it names no reason, the letter beside it may."""
    diagnostic = _clean(fields.get("diagnostic-code", "") or passage, 1000)
    status = status_of(fields.get("status", ""), diagnostic)
    words = fields.get("action", "").lower().split()
    action = words[0] if words else ""
    by_class: dict[str, Kind] = {"5": "failed", "4": "delayed", "2": "delivered"}
    kind = ACTIONS.get(action) or by_class.get(status[:1], "not_a_report")
    return replace(
        base,
        kind=kind,
        action=_clean(action, 40),
        status=status,
        hard=kind == "failed" and is_hard(status, diagnostic, passage),
        recipient=_person(fields),
        diagnostic=diagnostic,
    )


def _receipt(groups: list[dict[str, str]], base: Report) -> list[Report]:
    """RFC 8098: "displayed" because a person acted is the customer's own act; "displayed" by a
    rule of the mail program, "deleted" or "processed" are a machine's word."""
    fields = merged(groups)
    mode, _, outcome = fields.get("disposition", "").lower().partition(";")
    action = re.split(r"[/,\s]", outcome.strip())[0]
    displayed = action == "displayed" and mode.strip().startswith("manual-action")
    named = fields.get("original-recipient") or fields.get("final-recipient") or ""
    return [
        replace(
            base,
            kind="read_receipt" if displayed else "auto_reply",
            action=_clean(action, 40),
            recipient=_typed_address(named),
            original_message_id=_first_id(fields.get("original-message-id"))
            or base.original_message_id,
        )
    ]


def _feedback(groups: list[dict[str, str]], base: Report) -> list[Report]:
    fields = merged(groups)
    action = fields.get("feedback-type", "").strip().lower()
    if action not in COMPLAINTS:  # "not-spam", and DMARC's "auth-failure", complain of nothing
        return []
    recipient = _typed_address(fields.get("original-rcpt-to", ""))
    return [replace(base, kind="complaint", action=action, recipient=recipient)]


def _letter(mail: Message, base: Report) -> Report:
    ids = text_of(mail.get("In-Reply-To")) or text_of(mail.get("References"))
    base = replace(base, original_message_id=_last_id(ids))
    automatic, writer = _is_automatic(mail), _writer(mail)
    if not writer or _DAEMON.match(writer) or (_is_daemon(mail) and not automatic):
        return base
    kind: Kind = "auto_reply" if automatic else "reply"
    return replace(base, kind=kind, recipient=_clean(writer, 320))


def _writer(mail: Message) -> str:
    found = getaddresses([text_of(mail.get("From"))])
    return next((address for _, address in found if "@" in address), "")


def _is_daemon(mail: Message) -> bool:
    """Nobody writes with an empty return path; whoever does so wants no answer."""
    null_sender = text_of(mail.get("Return-Path")).strip() == "<>"
    return null_sender or bool(_DAEMON.match(_writer(mail)))


def _is_automatic(mail: Message) -> bool:
    submitted = text_of(mail.get("Auto-Submitted")).strip().lower()
    if submitted and not submitted.startswith("no"):
        return True
    if text_of(mail.get("Precedence")).strip().lower() in ("auto_reply", "bulk", "junk", "list"):
        return True
    if any(_AUTOMATIC_HEADER.match(name) for name in mail.keys()):  # noqa: SIM118
        return True
    return bool(_AWAY.match(_subject(mail)))


def _subject(mail: Message) -> str:
    # As it stood: the parser replaces bytes that are no ASCII, and some programs write them.
    found = (value for name, value in mail.raw_items() if name.lower() == "subject")
    raw = text_of(next(found, ""))
    try:
        return str(make_header(decode_header(raw))).strip()
    except (LookupError, ValueError, HeaderParseError):
        return raw.strip()


def _envelope_to(mail: Message) -> str:
    """The most exact header first; a return path of ours has a "+", an ordinary mailbox seldom."""
    found: list[str] = []
    for name in ("X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "To"):
        values = [text_of(value) for value in mail.get_all(name, [])]
        found += [address for _, address in getaddresses(values) if "@" in address]
    for value in mail.get_all("Received", []):
        found += _FOR.findall(text_of(value))
    tagged = [address for address in found if "+" in address.partition("@")[0]]
    return _clean((tagged or found or [""])[0], 320)


def _original_id(parts: Mapping[str, Message]) -> str:
    """The Message-ID of what was sent, from the returned message or its returned headers."""
    for kind in ("message/rfc822", "message/global"):
        for inner in children(parts[kind]) if kind in parts else []:
            if found := _first_id(inner.get("Message-ID")):
                return found
    for kind in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
        for fields in groups(parts[kind]) if kind in parts else []:
            if found := _first_id(fields.get("message-id")):
                return found
    return ""


def _typed_address(value: str) -> str:
    """ "rfc822; <who@where>" -> "who@where"."""
    address = value.partition(";")[2] or value
    return _clean(re.sub(r"\([^()]*\)", "", address).strip().strip("<>"), 320)


def _first_id(value: object) -> str:
    return next(iter(_MESSAGE_ID.findall(text_of(value))), "")


def _last_id(value: str) -> str:
    return next(reversed(_MESSAGE_ID.findall(value)), "")


def _instant(value: object) -> datetime | None:
    try:
        given = parsedate_to_datetime(text_of(value))
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _clean(value: str, longest: int) -> str:
    return _CONTROL.sub(" ", value).strip()[:longest]
