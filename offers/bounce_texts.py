"""The part of a bounce that was written for people: who failed, and in which words.

The rules here are about how mail servers write, in any language; there is none for one server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses

from flufl.bounce import all_failures

LONGEST = 60_000  # characters read; who failed and why stands at the beginning
MOST = 100

_ADDRESS = re.compile(r"[^\s<>()\[\]:;,\"'|/=]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?", re.I)
# 550, 550-5.1.1, 5.1.1; not 10.0.0.1, 2015 or 23:45
_CODE = re.compile(r"(?<![\d.:/])(?:[45]\d\d(?![\d.:/]\d)|[45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_FIELD = re.compile(
    r"^(reporting-mta|final-recipient|original-recipient|action|status)[ \t]*:", re.I | re.M
)
_MESSAGE_ID = re.compile(r"^message-id[ \t]*:\s*(<[^<>\s]{1,990}>)", re.I | re.M)
_NAMED = re.compile(r"^(final|original)-recipient[ \t]*:", re.I | re.M)
# Lines that speak of the mail that was returned, and not of why.
_ABOUT_THE_MAIL = re.compile(
    r"^\W*(from|to|cc|bcc|sender|reply-to|return-path|mail from|message-id|in-reply-to|subject"
    r"|references|de|an|à|von|aan|van)\s*:",
    re.I,
)
# Where the returned mail begins.
_RETURNED = re.compile(
    r"^(\W*((below|included|here|is|the|a|your|copy of|headers? of) ){0,6}"
    r"(original|returned|unsent) (message|mail)\b"
    r"(?! (was|could|has|to))[^@]{0,50}"
    r"|.{0,60}copy of (the|your|this) (original )?message.{0,60}"
    r"|\W*(message )?headers? follows?\W*"
    r"|\W*(message (d.origine|original)|oorspronkelijk bericht|ursprüngliche nachricht)\b.{0,40}"
    r"|(received|dkim-signature|arc-seal)[ \t]*:.*)$",
    re.I | re.M,
)
_FAILED = re.compile(
    r"undeliver|returned mail|delivery (status|fail|notification|has failed|error|problem)"
    r"|deliver\w* (failed|failure)|(could|can|was|were)( ?not|n.t) (be )?(deliver|reach)"
    r"|failure notice|unable to deliver|permanent (fatal )?error|did not reach|not delivered"
    r"|error sending|error delivering|delivery to the following"
    r"|non[ -](remis|délivr|distribu)|échec d|pas pu être (remis|délivr|distribu|achemin)"
    r"|onbestelbaar|niet (worden )?(bezorgd|afgeleverd)|bezorging mislukt"
    r"|unzustellbar|nicht zugestellt|zustell\w* fehlgeschlagen|nicht zustellbar"
    r"|no se (ha )?pud?o? ?(entregar|podido)|no entregad|non recapit|mancat\w+ (recapito|consegna)"
    r"|não (foi |pôde ser )?entregue|не (может быть )?доставлен",
    re.I,
)
_STILL_TRYING = re.compile(
    r"will (be retried|keep trying|continue to (try|be)|try again)|still (being|trying)"
    r"|has (been|not yet been) delay|delivery (is|has been) delayed|not yet been delivered"
    r"|no action is required|delivery delayed|\(delay\)|warning only"
    r"|encore tent|retardé|différé|nog niet (bezorgd|afgeleverd)|vertraagd"
    r"|noch nicht zugestellt|verzögert|weitere versuche",
    re.I,
)
_GIVEN_UP = re.compile(
    r"giv(en|ing) up|permanent|no further|will be deleted|has failed|not going to try|abandon"
    r"|opgegeven|aufgegeben|endgültig|définiti",
    re.I,
)


@dataclass(frozen=True)
class Finding:
    """One person who did not get it ("" when nobody is named), and what was said about it.

    `heading` is the subject, where it can only be about this person.
    """

    recipient: str
    words: str
    heading: str
    final: bool


def text_of(mail: Message) -> str:
    """What the server wrote itself, up to where the returned mail begins."""
    text = "\n".join(_texts(mail)).replace("\r\n", "\n")[:LONGEST]
    start = _RETURNED.search(text)
    return text[: start.start()] if start else text


def _texts(part: Message) -> Iterator[str]:
    """The plain texts of a mail; not those of mails inside it, and no attached files."""
    payload = part.get_payload()
    if isinstance(payload, list):
        if part.get_content_maintype() == "multipart":
            for child in payload:
                if isinstance(child, Message):
                    yield from _texts(child)
        return
    # A server that announces parts and makes none has written one text after all.
    kind = part.get_content_type()
    readable = kind == "text/plain" or kind.startswith("multipart/")
    if readable and part.get_content_disposition() != "attachment":
        yield _decoded(part)


def _decoded(part: Message) -> str:
    octets = part.get_payload(decode=True)
    data = (
        octets if isinstance(octets, bytes) else str(part.get_payload()).encode("utf-8", "replace")
    )
    try:
        return data.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:
        return data.decode("latin-1")


def id_below(mail: Message) -> str:
    """The Message-ID of the returned mail, where it stands in one text with the server's words."""
    text = "\n".join(_texts(mail)).replace("\r\n", "\n")[:LONGEST]
    start = _RETURNED.search(text)
    found = _MESSAGE_ID.search(text, start.start()) if start else None
    return found[1] if found else ""


def fields_in(text: str) -> str:
    """The fields of RFC 3464 where a server wrote them into its letter; "" without them."""
    start = _FIELD.search(text)
    return text[start.start() :] if start and _NAMED.search(text) else ""


def speaks_of_failure(subject: str, text: str) -> bool:
    """Whether a mail that a machine wrote says that another one did not arrive."""
    return bool(_FAILED.search(subject) or _FAILED.search(text) or _CODE.search(text))


def says_returned(subject: str) -> bool:
    """Whether a subject alone says so."""
    return bool(_FAILED.search(subject))


def findings(mail: Message, subject: str, text: str) -> list[Finding]:
    """Everybody who is named as failed, each with the words that stand beside the name."""
    whole = f"{subject}\n{text}"
    final = not _STILL_TRYING.search(whole) or bool(_GIVEN_UP.search(whole))
    people = _people(mail, text)[:MOST] or [""]
    heading = subject if len(people) == 1 else ""
    return [Finding(who, passage(text, who, people), heading, final) for who in people]


def _people(mail: Message, text: str) -> list[str]:
    """Named by a header, by what is known of servers' formats, or by the text; in its order."""
    named = getaddresses([str(value) for value in mail.get_all("X-Failed-Recipients", [])])
    told = [address for _, address in named if "@" in address]
    if told:
        return list(dict.fromkeys(told))
    _, permanent = all_failures(mail)
    known = {address.decode("utf-8", "replace").lower() for address in permanent}
    own = {address.lower() for address in _to(mail)}
    standing = [address for address in _addresses(text) if address.lower() not in own]
    return (
        [address for address in standing if address.lower() in known] or standing or sorted(known)
    )


def _to(mail: Message) -> list[str]:
    values = [
        str(v) for name in ("To", "Delivered-To", "Envelope-To") for v in mail.get_all(name, [])
    ]
    return [address for _, address in getaddresses(values)]


def _addresses(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not _ABOUT_THE_MAIL.match(line)]
    return list(dict.fromkeys(_ADDRESS.findall("\n".join(lines))))


def passage(text: str, recipient: str, people: list[str]) -> str:
    """The lines about one of several people; a line with a server's code says most."""
    lines = text.splitlines()
    if len(people) > 1:
        lines = _beside(lines, recipient.lower(), [other.lower() for other in people])
    coded = [
        f"{line}\n{after}" if after.startswith((" ", "\t")) else line
        for line, after in zip(lines, [*lines[1:], ""], strict=False)
        if _CODE.search(line)
    ]
    return "\n".join(coded or lines).strip()


def _beside(lines: list[str], recipient: str, people: list[str]) -> list[str]:
    """Lines that name the recipient with a code; else from the first such line to the next name."""
    own = [line for line in lines if recipient in line.lower()]
    if any(_CODE.search(line) for line in own):
        return own
    found: list[str] = []
    for line in lines:
        names = [who for who in people if who in line.lower()]
        if names and recipient not in names:
            if found:
                break
        elif names or found:
            found.append(line)
    return found
