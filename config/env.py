"""Reads settings from the environment and refuses nonsense with the name and the reason."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

ENV = environ.Env()
ROLES = frozenset({"agent", "supervisor", "operations", "administrator"})


def refuse(name: str, reason: str) -> ImproperlyConfigured:
    """The one shape of a refused setting: its name, then what is wrong with it."""
    return ImproperlyConfigured(f"{name}: {reason}")


def text(name: str, default: str = "") -> str:
    return str(ENV.str(name, default=default)).strip()


def flag(name: str, default: bool = False) -> bool:
    raw = text(name, "1" if default else "0").lower()
    if raw not in {"1", "0", "true", "false", "yes", "no", "on", "off", ""}:
        raise refuse(name, f"must be 1 or 0, not {raw!r}")
    return raw in {"1", "true", "yes", "on"}


def number(name: str, default: int, *, least: int, most: int) -> int:
    raw = text(name, str(default))
    if not raw.lstrip("-").isdigit() or not least <= int(raw) <= most:
        raise refuse(name, f"must be a whole number from {least} to {most}, not {raw!r}")
    return int(raw)


def one_of(name: str, default: str, allowed: set[str]) -> str:
    raw = text(name, default)
    if raw not in allowed:
        raise refuse(name, f"must be one of {', '.join(sorted(allowed))}, not {raw!r}")
    return raw


def secret(name: str, *, least: int, demo: str | None) -> str:
    """A secret from NAME or from the file NAME_FILE; the demo and tests may do without."""
    path = text(f"{name}_FILE")
    if path and not Path(path).is_file():
        raise refuse(f"{name}_FILE", f"there is no file {path!r}")
    value = Path(path).read_text(encoding="utf-8").strip() if path else text(name)
    if not value and demo is not None:
        return demo
    if len(value) < least:
        raise refuse(name, f"must have at least {least} characters, has {len(value)}")
    return value


def database(name: str) -> dict[str, Any]:
    """`postgres://…`, or `postgres:///db?host=/folder/of/the/socket`."""
    raw = text(name)
    if not raw.startswith(("postgres://", "postgresql://")):
        raise refuse(name, "must be a postgres:// address; Kept runs on PostgreSQL only")
    config: dict[str, Any] = dict(ENV.db_url_config(raw))
    if not config.get("NAME"):
        raise refuse(name, "names no database")
    return config


def redis(name: str) -> str:
    raw = text(name)
    if urlsplit(raw).scheme not in {"redis", "rediss", "unix"}:
        raise refuse(name, "must be a redis://, rediss:// or unix:// address")
    return raw


def broker(redis_url: str) -> str:
    """Celery spells a socket address in its own way (`redis+socket://`)."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database_number = dict(pair.split("=") for pair in parts.query.split("&") if "=" in pair)
    return f"redis+socket://{parts.path}?virtual_host={database_number.get('db', '0')}"


def url(name: str, default: str, schemes: set[str]) -> str:
    raw = text(name, default)
    parts = urlsplit(raw)
    if parts.scheme not in schemes or not parts.hostname:
        raise refuse(name, f"must be an address that starts with {' or '.join(sorted(schemes))}://")
    return raw


def mail(name: str, default: str) -> str:
    raw = text(name, default)
    local, _, domain = raw.partition("@")
    if not local or "." not in domain or any(c.isspace() or c in "<>," for c in raw):
        raise refuse(name, f"must be one mail address, not {raw!r}")
    return raw


def optional_mail(name: str) -> str:
    """One mail address, or nothing."""
    return mail(name, "") if text(name) else ""


def monitor(name: str) -> str:
    """An https:// address that is asked, or nothing."""
    return url(name, "", {"https"}) if text(name) else ""


def mailboxes(name: str, *, needed: bool) -> list[str]:
    """`imaps://user:password@host/folder`, several with blanks between."""
    found = text(name).split()
    for raw in found:
        parts = urlsplit(raw)
        if parts.scheme not in {"imap", "imaps"} or not parts.hostname or not parts.username:
            raise refuse(name, "must be like imaps://user:password@host/folder")
    if needed and not found:
        raise refuse(name, "is needed with BOUNCE_INTAKE=imap")
    return found


def per_minute(name: str, default: str) -> tuple[int, int]:
    """`600` or `600/60`: mails a minute in all, and to one recipient domain."""
    overall, _, domain = text(name, default).partition("/")
    if not overall.isdigit() or not (domain or overall).isdigit() or int(overall) < 1:
        raise refuse(name, "must be like 600 or 600/60 (in all / to one domain)")
    return int(overall), int(domain or overall)


def roles(name: str, default: str) -> frozenset[str]:
    """`supervisor,administrator`; which roles there are is the same everywhere (crm/models)."""
    found = frozenset(filter(None, (word.strip() for word in text(name, default).split(","))))
    if strange := sorted(found - ROLES):
        raise refuse(name, f"must be among {', '.join(sorted(ROLES))}, not {', '.join(strange)!r}")
    return found


def origin(address: str) -> str:
    """`https://host:port` of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def single_sign_on(*, url: str, client: str, secret: str, name: str) -> list[dict[str, Any]]:
    """The house's identity provider as django-allauth takes it; none without an address."""
    if not url:
        return []
    parts = urlsplit(url)
    near = parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and near)):
        raise refuse("OIDC_SERVER_URL", "must be an https:// address")
    if not client:
        raise refuse("OIDC_CLIENT_ID", "is needed with OIDC_SERVER_URL")
    if not secret:
        raise refuse("OIDC_CLIENT_SECRET", "is needed with OIDC_SERVER_URL")
    return [
        {
            "provider_id": "house",
            "name": name,
            "client_id": client,
            "secret": secret,
            "settings": {"server_url": url},
        }
    ]


def networks(name: str, default: str) -> list[IPv4Network | IPv6Network]:
    """`10.1.2.0/24 fd00:1::/64`, with blanks between."""
    found = []
    for raw in text(name, default).split():
        try:
            found.append(ip_network(raw))
        except ValueError as error:
            raise refuse(name, f"must be networks like 10.1.2.0/24, not {raw!r}") from error
    return found
