"""Who writes what: finds, in a module's tree, every write to one of our tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from django.apps import apps
from django.db.models import Model

from tests.sources import STOREYS, Module, dotted

PLAIN = {"create", "update", "delete", "save", "get_or_create", "update_or_create"}
PLAIN |= {"bulk_create", "bulk_update"}
WRITES = PLAIN | {f"a{name}" for name in PLAIN}
SQL = re.compile(r"(?i)\b(?:insert\s+into|update|delete\s+from|truncate(?:\s+table)?|copy)\s+(\w+)")


def tables() -> dict[str, type[Model]]:
    """Our models by their class name."""
    return {m.__name__: m for m in apps.get_models() if m._meta.app_label in STOREYS}


def _related() -> dict[str, str]:
    """The managers that lead from one row to others: `numbers` -> PhoneNumber."""
    return {
        relation.get_accessor_name() or "": relation.related_model.__name__
        for model in tables().values()
        for relation in model._meta.related_objects
        if isinstance(relation.related_model, type)
    }


def writes(module: Module) -> Iterator[tuple[str, int]]:
    """(model, line) of each write that names its model, a variable of it, or its table."""
    names, related = tables(), _related()
    by_table = {model._meta.db_table: name for name, model in names.items()}
    for scope, nodes in _scopes(module.tree):
        known = _variables(scope, set(names))
        for node in nodes:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in WRITES and (model := _model(node.func, known, names, related)):
                    yield model, node.lineno
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                for table in SQL.findall(node.value):
                    if table.lower() in by_table:
                        yield by_table[table.lower()], node.lineno


def _scopes(tree: ast.Module) -> Iterator[tuple[ast.AST, list[ast.AST]]]:
    """Each function with its nodes, then what stands outside of all functions."""
    inside: set[int] = set()
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        nodes = list(ast.walk(function))
        inside |= {id(node) for node in nodes}
        yield function, nodes
    yield tree, [node for node in ast.walk(tree) if id(node) not in inside]


def _variables(scope: ast.AST, names: set[str]) -> dict[str, str]:
    """Variables of which the tree says the model: annotated, or assigned from a query."""
    known: dict[str, str] = {}
    # Twice: a loop over a parameter is met before the parameter's annotation.
    for node in [*ast.walk(scope), *ast.walk(scope)]:
        if isinstance(node, ast.arg) and node.annotation:
            known |= _first(node.arg, ast.unparse(node.annotation), names)
        elif isinstance(node, ast.AnnAssign):
            known |= _first(ast.unparse(node.target), ast.unparse(node.annotation), names)
        elif isinstance(node, ast.Assign):
            said = dotted(node.value)
            for target in node.targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                known |= _first(ast.unparse(parts[0]), said, names)
        elif isinstance(node, ast.For):
            said = dotted(node.iter)
            known |= _first(ast.unparse(node.target), known.get(said.split(".")[0], said), names)
    return known


def _first(variable: str, said: str, names: set[str]) -> dict[str, str]:
    found = [word for word in re.findall(r"\w+", said) if word in names]
    return {variable: found[0]} if found else {}


def _model(
    call: ast.Attribute,
    known: dict[str, str],
    names: dict[str, type[Model]],
    related: dict[str, str],
) -> str | None:
    parts = dotted(call.value).split(".")
    for part in reversed(parts[1:]):
        if part in related:
            return related[part]
    return next((part for part in parts if part in names), known.get(parts[0]))
