"""Every address of the product, read from the tables of addresses themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from config.api import api
from crm.api import Key

API = "api/v1/"
HOOKS = ("hooks/", "unsubscribe/")
NAMED = re.compile(r"\(\?P<(\w+)>[^)]*\)")


@dataclass(frozen=True, order=True)
class Route:
    """An address with its places: `/customers/<reference>/`."""

    path: str
    names: tuple[str, ...]


@dataclass(frozen=True, order=True)
class Operation:
    """What a machine may ask: method, path, and the scope that its key needs."""

    path: str
    method: str
    scope: str


def routes() -> list[Route]:
    """Those of people, each once; the API's own have a table of their own."""
    found = {Route(_plain(path), _names(path)) for path in _walk(get_resolver().url_patterns, "")}
    return sorted(
        route
        for route in found
        if not route.path.startswith(f"/{API}")
        or route.path.removeprefix(f"/{API}").startswith(HOOKS)
    )


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path)
        else:
            yield path


def _plain(path: str) -> str:
    plain = NAMED.sub(r"<\1>", re.sub(r"<\w+:(\w+)>", r"<\1>", path))
    return "/" + plain.replace("^", "").replace("/?$", "/").rstrip("$")


def _names(path: str) -> tuple[str, ...]:
    return tuple(re.findall(r"<(\w+)>", _plain(path)))


def operations() -> list[Operation]:
    """Those of the API, with the scope at the door of each; `-` where another proof is asked."""
    found = set()
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                keys = [door for door in operation.auth_callbacks if isinstance(door, Key)]
                scope = (keys[0].scope or "any") if keys else "-"
                full = re.sub(r"\{\w+:(\w+)\}", r"{\1}", f"{prefix}{path}")
                found |= {Operation(full, method, scope) for method in operation.methods}
    return sorted(found)
