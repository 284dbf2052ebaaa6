"""Blocks of fields inside a report (RFC 3464, 8098, 5965), however its server wrapped them."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import HeaderParser


def text_of(value: object) -> str:
    """A header as text: bytes that are no ASCII read as UTF-8, what is unreadable replaced."""
    octets = str(value if value is not None else "").encode("utf-8", "surrogateescape")
    return octets.decode("utf-8", "replace")


def children(part: Message) -> list[Message]:
    """The parts directly inside a part."""
    payload = part.get_payload()
    return [p for p in payload if isinstance(p, Message)] if isinstance(payload, list) else []


def groups(part: Message) -> list[dict[str, str]]:
    """The blocks of fields of a part, names in lower case; the first of a repeated field counts."""
    inside = children(part)
    encoding = text_of(part.get("Content-Transfer-Encoding")).strip().lower()
    if inside and encoding not in ("base64", "quoted-printable"):
        return [fields_of(block) for block in inside if block.keys()]
    if inside:  # the parser did not undo the encoding of these
        part = Message()
        part["Content-Transfer-Encoding"] = encoding
        part.set_payload("\n\n".join(map(_as_it_stood, inside)))
    data = part.get_payload(decode=True)
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else ""
    return blocks(text)


def blocks(text: str) -> list[dict[str, str]]:
    """The same, from a text."""
    texts = re.split(r"\r?\n[ \t]*\r?\n", text.strip())
    return [fields_of(HeaderParser().parsestr(block.strip())) for block in texts]


def _as_it_stood(block: Message) -> str:
    """Encoded lines that happen to look like fields, and the rest, put together again."""
    lines = [f"{name}: {text_of(value)}" for name, value in block.raw_items()]
    return "\n".join([*lines, text_of(block.get_payload())]).strip()


def fields_of(block: Message) -> dict[str, str]:
    """Names in lower case; the first of a repeated field counts."""
    fields = list(block.raw_items())
    return {name.lower(): text_of(value) for name, value in reversed(fields)}


def merged(several: list[dict[str, str]]) -> dict[str, str]:
    """All blocks as one."""
    return {name: value for block in reversed(several) for name, value in block.items()}
