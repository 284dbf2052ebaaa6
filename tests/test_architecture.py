"""Storeys and rooms: imports go down, subjects know no edges, nothing is imported in a body."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.sources import STOREYS, Module, imports, is_edge, modules

# The cellar's table of contents wires the storeys up; nothing else in it may know them.
WIRING = {"config.urls", "config.api"}
ALL = modules()


def upward(found: Iterable[Module]) -> list[str]:
    """Imports of a higher storey; for the cellar, of any storey."""
    return [
        f"{module.name}:{line} imports {name}"
        for module in found
        for name, line in imports(module)
        if name.partition(".")[0] in STOREYS
        and STOREYS.index(name.partition(".")[0]) > STOREYS.index(module.storey)
        and module.name not in WIRING
    ]


def edges_below_subjects(found: Iterable[Module]) -> list[str]:
    """Subject modules that import an edge. Wiring and edges may."""
    return [
        f"{module.name}:{line} imports {name}"
        for module in found
        if not module.is_edge and module.name not in WIRING
        for name, line in imports(module)
        if name.partition(".")[0] in STOREYS[1:] and is_edge(name)
    ]


def models_that_reach_up(found: Iterable[Module]) -> list[str]:
    """models -> subject modules -> edges: a model knows models, columns and triggers only."""
    allowed = {"crm.columns", "crm.triggers"}
    return [
        f"{module.name}:{line} imports {name}"
        for module in found
        if ".models" in module.name
        for name, line in imports(module)
        if name.partition(".")[0] in STOREYS
        and ".models" not in name
        and not any(f"{name}.".startswith(f"{room}.") for room in allowed)
    ]


def hidden_imports(found: Iterable[Module]) -> list[str]:
    """Imports inside a function, except in an AppConfig's ready()."""
    return [
        f"{module.name}:{node.lineno}"
        for module in found
        for function in ast.walk(module.tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and not (function.name == "ready" and module.name.endswith(".apps"))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]


def guarded_imports(found: Iterable[Module]) -> list[str]:
    """`if TYPE_CHECKING:` would hide an upward arrow from the running program only."""
    return [
        f"{module.name}:{node.lineno}"
        for module in found
        for node in ast.walk(module.tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]


RULES = (upward, edges_below_subjects, models_that_reach_up, hidden_imports, guarded_imports)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: object) -> None:
    assert callable(rule)
    assert rule(ALL) == []


PLANTED = [
    (upward, "crm.calls", "from offers import deliveries"),
    (upward, "offers.evidence", "import followups.promises"),
    (upward, "crm.calls", "def f() -> None:\n    from followups.models import Promise"),
    (upward, "crm.calls", "if TYPE_CHECKING:\n    from offers.models import Delivery"),
    (upward, "crm.calls", "import_module('followups.gate')"),
    (upward, "crm.models.calls", "apps.get_model('offers.Delivery')"),
    (upward, "config.clock", "from crm.models import ClockOffset"),
    (upward, "crm.calls", "from .. import offers"),
    (edges_below_subjects, "followups.gate", "from followups.api import answer"),
    (edges_below_subjects, "followups.gate", "from followups import views"),
    (edges_below_subjects, "followups.gate", "from followups.api_gate import answer"),
    (edges_below_subjects, "offers.drafts", "from . import forms"),
    (edges_below_subjects, "offers.drafts", "from crm.management.commands import sweep"),
    (models_that_reach_up, "crm.models.calls", "from crm import suppressions"),
    (hidden_imports, "crm.calls", "def f() -> None:\n    import json"),
    (hidden_imports, "crm.calls", "class A:\n    def ready(self) -> None:\n        import json"),
    (hidden_imports, "crm.apps", "def other() -> None:\n    from crm import calls"),
    (guarded_imports, "crm.calls", "import typing\nif typing.TYPE_CHECKING:\n    import json"),
]


@pytest.mark.parametrize(("rule", "name", "text"), PLANTED)
def test_a_planted_fault_turns_its_rule_red(rule: object, name: str, text: str) -> None:
    assert callable(rule)
    path = f"{name.replace('.', '/')}.py"
    assert rule([Module(name, text, path)]), text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("followups.gate", "from crm import phone\nfrom offers.models import Delivery"),
        (
            "followups.views.desk",
            "from followups.forms import CallForm\nfrom followups import gate",
        ),
        ("config.urls", "from followups import urls"),
        ("crm.apps", "class A:\n    def ready(self) -> None:\n        from crm import checks"),
        ("crm.heartbeats", "from config.timetable import SWEEPS"),
    ],
)
def test_what_the_house_allows_stays_green(name: str, text: str) -> None:
    assert [rule([Module(name, text)]) for rule in RULES] == [[]] * len(RULES)


def test_every_storey_is_read() -> None:
    read = {module.name for module in ALL}
    assert {"config.settings", "crm.calls", "offers.channels.email", "followups.gate"} <= read
