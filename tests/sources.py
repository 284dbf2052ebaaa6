"""The project's own source, read as text and as trees: what the house tests look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STOREYS = ("config", "crm", "offers", "followups")
EDGES = frozenset({"views", "api", "tasks", "forms", "admin", "urls", "management"})


@dataclass(frozen=True)
class Module:
    """One file: its dotted name, where it lies, and what stands in it."""

    name: str
    text: str
    path: str = "planted.py"

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def storey(self) -> str:
        return self.name.partition(".")[0]

    @property
    def is_edge(self) -> bool:
        """`api_gate` and `views_desk` are edges like `api` and `views`."""
        return is_edge(self.name)

    @property
    def is_migration(self) -> bool:
        return ".migrations" in self.name


def is_edge(name: str) -> bool:
    return any(part.partition("_")[0] in EDGES for part in name.split(".")[1:])


def modules() -> list[Module]:
    """Every module of the product itself; no tests, no benches."""
    return [
        Module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"),
            path.read_text(encoding="utf-8"),
            str(path.relative_to(ROOT)),
        )
        for storey in STOREYS
        for path in sorted((ROOT / storey).rglob("*.py"))
    ]


def imports(module: Module) -> Iterator[tuple[str, int]]:
    """Every module that is imported anywhere in this one, also by name: (dotted name, line)."""
    package = module.name if module.path.endswith("__init__.py") else module.name.rpartition(".")[0]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(package, node)
            yield base, node.lineno
            yield from ((f"{base}.{alias.name}".lstrip("."), node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in {
            "import_module",
            "__import__",
            "get_model",
        }:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value, node.lineno


def _absolute(package: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def dotted(node: ast.expr) -> str:
    """`a.b().c` as "a.b.c"; what is no chain of names ends it."""
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    if isinstance(node, ast.Call):
        return dotted(node.func)
    return node.id if isinstance(node, ast.Name) else ""
