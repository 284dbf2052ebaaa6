"""Where a webhook may go: https to the public internet, and what the settings name besides.

A name is looked up once, every address it leads to is judged, and the connection goes to an address
that was judged: a name that leads elsewhere a moment later (DNS rebinding) leads nowhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LONGEST = 500
# Where IPv4 hides in IPv6 (RFC 6052): a gateway would carry it there.
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class BadAddress(ValueError):
    """Not an address to which a webhook can go; the message says why, in words."""


class Forbidden(Exception):
    """It leads to where no webhook may go."""


@dataclass(frozen=True)
class Target:
    """A web address taken apart. `path` with its query, as it is asked for."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """For the header Host: the port only where it says something."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Raises BadAddress for what is no web address. Looks nothing up."""
    if len(url) > LONGEST or not url.isascii() or not url.isprintable() or " " in url:
        raise BadAddress(
            _("A web address has at most %(most)d characters, no blanks and no accents.")
            % {"most": LONGEST}
        )
    parts, port = _parts(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise BadAddress(_("It must begin with https://, and name a host."))
    if parts.username is not None or parts.fragment:
        raise BadAddress(_("It holds neither a password nor a #: the signature says who we are."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = {"https": 443, "http": 80}[parts.scheme]
    return Target(parts.scheme, parts.hostname, port or usual, path)


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError as error:
        raise BadAddress(_("This is not a web address.")) from error


def check(url: str) -> None:
    """What can be said of an address before it is used. Raises BadAddress.

    Names are not looked up here: what a name leads to is judged each time it is used.
    """
    target = target_of(url)
    try:
        address = ipaddress.ip_address(target.host)
    except ValueError:
        address = None
    if target.scheme == "http" and not settings.WEBHOOK_PRIVATE_NETWORKS:
        raise BadAddress(_("It must begin with https://, and name a host."))
    if address is not None and not allowed(address, scheme=target.scheme):
        raise BadAddress(_("No webhook may go there: it is not an address of the public internet."))


def allowed(address: Address, *, scheme: str) -> bool:
    """Whether a connection may go there; without encryption only inside the house."""
    if _within(address, settings.WEBHOOK_PRIVATE_NETWORKS):
        return True
    return scheme == "https" and all(map(_public, (address, *_hidden(address))))


def _within(address: Address, networks: Iterable[Network]) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return any(one in network for network in networks for one in (address, mapped) if one)


def _public(address: Address) -> bool:
    odd = address.is_multicast or address.is_reserved or address.is_unspecified
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return address.is_global and not odd and not site_local


def _hidden(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address carries in itself."""
    if isinstance(address, IPv4Address):
        return []
    found: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    found += list(address.teredo or ())
    if address in NAT64:
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


def resolved(target: Target) -> list[str]:
    """Every address of the host, as numbers. Raises Forbidden when one of them is not allowed, and
    OSError when the name leads nowhere."""
    try:
        rows = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror("no name") from error
    found = list(dict.fromkeys(str(row[4][0]) for row in rows))
    for text in found:
        # An address of a link has its interface behind a %.
        if not allowed(ipaddress.ip_address(text.partition("%")[0]), scheme=target.scheme):
            raise Forbidden(text)
    return found
