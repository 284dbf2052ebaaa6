"""Whether a failure means that the address is bad, or only that this delivery failed."""

from __future__ import annotations

import re

# The address itself is bad (RFC 3463): no such mailbox, no such host, not an address, moved away,
# a domain that takes no mail, a domain that leads nowhere.
BAD_ADDRESS = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4"}

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_FULL = re.compile(
    r"mailbox (is )?full|over ?quota|quota exceeded|exceed\w* \w* ?quota|out of storage", re.I
)
_BLOCKED = re.compile(r"\b(spam\w*|(black|block|deny)[ -]?list\w*|blocked|dnsbl|rbl)\b", re.I)
_GONE = re.compile(
    r"unknown user|user unknown|no such (user|recipient|mailbox|address)"
    r"|(user|recipient|mailbox|address|account) (does not|doesn't|not) exist"
    r"|(user|recipient|mailbox|address) not found|host (unknown|not found)",
    re.I,
)


def status_of(given: str, diagnostic: str) -> str:
    """The Status field; when it only says "something", the code inside the server's own words."""
    found = _STATUS.search(given)
    status = found[1] if found else ""
    inner = _STATUS.search(diagnostic)
    vague = not status or status.endswith(".0.0")
    if vague and inner and (not status or inner[1][0] == status[0]):
        return inner[1]
    return status


def is_hard(status: str, diagnostic: str) -> bool:
    """The server's own words outweigh a status that many servers set without care."""
    about_us = _FULL.search(diagnostic) or _BLOCKED.search(diagnostic)
    if about_us or status[:1] == "4":
        return False
    unclear = status in ("", "5.0.0", "5.1.0", "5.2.1")
    return status in BAD_ADDRESS or (unclear and bool(_GONE.search(diagnostic)))
