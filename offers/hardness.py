"""Whether a failure means that the address is bad, or only that this delivery failed."""

from __future__ import annotations

import re

# The address itself is bad (RFC 3463): no such mailbox, no such host, not an address, moved away,
# a domain that takes no mail, a domain that leads nowhere.
BAD_ADDRESS = {"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.4.4"}
# What a server writes that knows no better; its words then say more.
VAGUE = {"", "5.0.0", "5.1.0", "5.2.1"}

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
# RFC 7504: this host, this domain, takes no mail at all.
_NO_MAIL_HERE = re.compile(r"(?<![\d.])(521|556)(?![\d.])[ -]")
_FULL = re.compile(
    r"mailbox (is )?full|mail ?(box|folder|file)\w*\b.{0,20}\bfull|over ?quota|quota exceeded"
    r"|exceed\w*( \w+)? \w* ?(quota|limit)|out of storage|not enough (disk )?space"
    r"|boîte (\w+ ){0,4}pleine|quota (est )?dépass|(mailbox|postvak) (\w+ )?vol\b|quotum overschr"
    r"|postfach (\w+ )?voll|kontingent überschr|buzón (\w+ )?lleno|casella (\w+ )?piena",
    re.I,
)
_BLOCKED = re.compile(r"\b(spam\w*|(black|block|deny)[ -]?list\w*|blocked|dnsbl|rbl)\b", re.I)
_GONE = re.compile(
    r"(unknown|no such|invalid|non-?existent)( \w+){0,2}"
    r" ?(user|recipient|mailbox|address|local part)"
    r"|(user|recipient|mailbox|address|account|domain) (does not|doesn.t|not) exist"
    r"|(user|recipient|mailbox|address|account|domain)( is| was|s)?( unknown|( not|n.t) found)"
    r"|host (is )?(unknown|not found)|host or domain name not found|unrouteable address"
    r"|no valid recipients?\b|no mailbox (here )?by that name"
    r"|not a valid (user|mailbox|recipient)|(utilisateur|destinataire|adresse|compte)"
    r"( \w+){0,3} (inconnue?|introuvable|inexistante?|n.existe pas)"
    r"|onbekende (gebruiker|ontvanger)"
    r"|(gebruiker|ontvanger|adres)( \w+){0,2} (onbekend|bestaat niet|niet gevonden)"
    r"|unbekannter? (benutzer|empfänger)"
    r"|(benutzer|empfänger|adresse|postfach)( \w+){0,2} (unbekannt|nicht gefunden|existiert nicht)"
    r"|(usuario|destinatario|cuenta|utente|indirizzo|usuário)( \w+){0,2}"
    r" (desconocid[oa]|no existe|sconosciuto|inesistente|non esiste|desconhecido|não existe)"
    r"|見つかりません|存在しません",
    re.I,
)
# Refused after the whole mail: the address had been taken before, so that it is not sure to be bad.
_AFTER_DATA = re.compile(r"(in (reply|response) to|after) (the )?(end of )?data\b", re.I)


def status_of(given: str, diagnostic: str) -> str:
    """The Status field; when it only says "something", the code inside the server's own words."""
    found = _STATUS.search(given)
    status = found[1] if found else ""
    inner = _STATUS.search(diagnostic)
    vague = not status or status.endswith(".0.0")
    if vague and inner and (not status or inner[1][0] == status[0]):
        return inner[1]
    return status


def is_hard(status: str, *texts: str) -> bool:
    """The server's own words outweigh a status that many servers set without care.

    Several texts: the first that says anything decides.
    """
    if status[:1] == "4":
        return False
    if status in VAGUE and any(_AFTER_DATA.search(text) for text in texts):
        return False
    found = (_verdict(status, text) for text in texts)
    said = next((verdict for verdict in found if verdict is not None), None)
    return status in BAD_ADDRESS if said is None else said


def _verdict(status: str, text: str) -> bool | None:
    """What one text says of the address; None when it says nothing about it."""
    if _FULL.search(text) or _BLOCKED.search(text):
        return False
    if _NO_MAIL_HERE.search(text):
        return True
    if status in VAGUE and _GONE.search(text):
        return True
    return None
