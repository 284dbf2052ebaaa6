"""The e-mail on the wire: the same words give the same bytes, and no value can add a header."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import encoders, policy
from email.charset import QP, Charset
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, parseaddr

Attachment = tuple[str, str, bytes]  # file name, media type, content


@dataclass(frozen=True)
class Invitation:
    """An iCalendar object that the reader's calendar acts upon, and its method (RFC 6047)."""

    method: str
    content: bytes


@dataclass(frozen=True)
class Parts:
    """What a mail is made of, before it is bytes; `unsubscribe` holds addresses (RFC 2369)."""

    message_id: str
    mail_from: str
    reply_to: str
    to_name: str
    to_address: str
    subject: str
    text: str
    html: str
    attachments: Sequence[Attachment]
    date: datetime
    unsubscribe: Sequence[str] = ()


LONGEST_HEADER = 400  # characters; nobody reads more, and no relay takes an endless one

_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ufeff]+")
_LOCAL = re.compile(r"[^\x00-\x20\x7f-\xa0<>()\[\]:;,@\\\"\u2028\u2029]+")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*", re.I)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*", re.I)
_METHOD = re.compile(r"[A-Z]{3,20}")
_URI = re.compile(r"(https?|mailto):[!-;=?-~]{1,900}")
_VERP_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*")
_POLICY = policy.compat32.clone(linesep="\r\n", mangle_from_=False)


def build(
    *,
    message_id: str,
    mail_from: str,
    reply_to: str,
    to_name: str,
    to_address: str,
    subject: str,
    text: str,
    html: str,
    attachments: Sequence[Attachment],
    date: datetime,
    unsubscribe: Sequence[str] = (),
    invitation: Invitation | None = None,
) -> bytes:
    """The complete message with CRLF line ends. Raises ValueError for an address, Message-ID or
    media type that cannot stand in a header; names and subjects are cleaned instead, because
    people type them."""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError("not a Message-ID")
    lines = [
        f"From: {_mailbox(*parseaddr(mail_from), header='From')}",
        f"To: {_mailbox(to_name, to_address, header='To')}",
        *([f"Reply-To: {_mailbox(*parseaddr(reply_to), header='Reply-To')}"] if reply_to else []),
        f"Subject: {_words(_clean(subject), header='Subject')}",
        f"Date: {format_datetime(date)}",
        f"Message-ID: {message_id}",
        *(_folded(*field) for field in unsubscribe_fields(unsubscribe).items()),
    ]
    head = "\r\n".join(lines).encode() + b"\r\n"
    alternatives = [_text(text, "plain"), _text(html, "html")]
    if invitation:
        alternatives.append(_invitation(invitation))
    return head + _body(message_id, alternatives, attachments).as_bytes(policy=_POLICY)


def unsubscribe_fields(addresses: Sequence[str]) -> dict[str, str]:
    """List-Unsubscribe, and that one press is enough (RFC 8058). Raises ValueError for an
    address that cannot stand between angle brackets."""
    if not all(_URI.fullmatch(address) for address in addresses):
        raise ValueError("not an address to unsubscribe at")
    fields = {}
    if addresses:
        fields["List-Unsubscribe"] = ", ".join(f"<{address}>" for address in addresses)
    if any(address.startswith("https:") for address in addresses):
        fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return fields


def _folded(name: str, value: str) -> str:
    return f"{name}: {value}".replace(", ", ",\r\n ")


def wire_address(address: str) -> str:
    """The address as it stands in an SMTP command: domain in IDNA, nothing that could end the
    command or open another one. Raises ValueError."""
    local, _, domain = address.strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
        octets = len(local.encode())
    except UnicodeError as error:
        raise ValueError("not a mail address") from error
    fits = octets <= 64 and octets + len(domain) < 254
    if not (fits and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        raise ValueError("not a mail address")
    return f"{local}@{domain}"


def verp(bounce_address: str, delivery_key: str) -> str:
    """The return path of one delivery: bounces@x.example -> bounces+KEY@x.example.

    The key is lower case, because relays change the case of a local part."""
    if not _VERP_KEY.fullmatch(delivery_key):
        raise ValueError("a return path key is lower-case letters, digits, dot, dash, underscore")
    local, _, domain = wire_address(bounce_address).rpartition("@")
    return wire_address(f"{local}+{delivery_key}@{domain}")


def read_verp(address: str, bounce_address: str) -> str | None:
    """The key inside a return path of ours, or None. Whether the key is genuine is for the caller:
    anybody can write to any address."""
    local, _, domain = bounce_address.strip().lower().rpartition("@")
    own, _, place = address.strip().strip("<>").lower().rpartition("@")
    key = own.removeprefix(f"{local}+")
    if place != domain or key == own or not _VERP_KEY.fullmatch(key):
        return None
    return key


def _clean(value: str) -> str:
    """One line of text: line ends, tabs and control characters become a blank."""
    readable = value.encode("utf-8", "replace").decode()
    return _CONTROL.sub(" ", readable).strip()[:LONGEST_HEADER]


def _words(value: str, *, header: str) -> str:
    charset = "us-ascii" if value.isascii() else "utf-8"
    # "=?" in plain text would be read as the start of an encoded word.
    charset = "utf-8" if "=?" in value else charset
    return Header(value, charset, header_name=header).encode(linesep="\r\n")


def _mailbox(name: str, address: str, *, header: str) -> str:
    wire, name = wire_address(address), _clean(name)
    if not name:
        return wire
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"\r\n <{wire}>'
    return f"{_words(name, header=header)}\r\n <{wire}>"


def _body(
    message_id: str, alternatives: Sequence[Message], attachments: Sequence[Attachment]
) -> Message:
    both = MIMEMultipart("alternative", boundary=_boundary(message_id, "alternative"))
    for alternative in alternatives:
        both.attach(alternative)
    if not attachments:
        return both
    del both["MIME-Version"]
    mixed = MIMEMultipart("mixed", boundary=_boundary(message_id, "mixed"))
    mixed.attach(both)
    for filename, media_type, content in attachments:
        mixed.attach(_attachment(filename, media_type, content))
    return mixed


def _boundary(message_id: str, level: str) -> str:
    """Random boundaries would make every build differ. "=_" stands in neither base64 nor
    quoted-printable, so no content can contain this one."""
    digest = hashlib.sha256(f"{level} {message_id}".encode()).hexdigest()
    return f"=_{digest[:32]}"


def _text(text: str, kind: str) -> Message:
    charset = Charset("utf-8")
    charset.body_encoding = QP
    unix = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    part = MIMEText(unix, kind)
    del part["Content-Transfer-Encoding"], part["Content-Type"], part["MIME-Version"]
    part["Content-Type"] = f"text/{kind}"
    part.set_payload(unix, charset)
    return part


def _invitation(invitation: Invitation) -> Message:
    """Last among the alternatives, because the last that a mail program understands is shown."""
    if not _METHOD.fullmatch(invitation.method):
        raise ValueError("not a method of a calendar")
    part = MIMEBase("text", "calendar", method=invitation.method, charset="utf-8")
    del part["MIME-Version"]
    part.set_payload(invitation.content)
    encoders.encode_base64(part)
    return part


def _attachment(filename: str, media_type: str, content: bytes) -> Message:
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise ValueError("not a media type")
    part = MIMEBase(*media_type.split("/"))
    del part["MIME-Version"]
    part.set_payload(content)
    encoders.encode_base64(part)
    name = re.sub(r'[/\\"]+', "-", _clean(filename)) or "document"
    value = name if name.isascii() else ("utf-8", "", name)
    part.add_header("Content-Disposition", "attachment", filename=value)
    return part
