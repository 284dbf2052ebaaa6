"""crm/audit_words.py: every act that is written into the audit has its words."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from crm.audit_words import ACTS
from followups import demo
from tests.sources import Module, dotted, modules

# Put together from what became of it.
JOINED = {"customer_new", "customer_changed", "customers_merged", "customers_separated"}
JOINED |= {"evidence_source_on", "evidence_source_off", "consent_ended", "consent_withdrawn"}
JOINED |= {"preference_wanted", "preference_unwanted", demo.LOADED, demo.LOGINS}


def acts(found: Iterable[Module]) -> set[str]:
    """The codes that the code itself writes: to audit.write, or to a function that hands it on."""
    return {code for module in found for code in _acts(module)}


def _acts(module: Module) -> Iterator[str]:
    hands_on = {"audit.write": ("action", 0)}
    for function in ast.walk(module.tree):
        if isinstance(function, ast.FunctionDef):
            names = [arg.arg for arg in (*function.args.args, *function.args.kwonlyargs)]
            for call in _calls(function, {"audit.write"}):
                given = _given(call, "action", 0)
                if isinstance(given, ast.Name) and given.id in names:
                    hands_on[function.name] = (given.id, names.index(given.id))
    for call in _calls(module.tree, set(hands_on)):
        given = _given(call, *hands_on[dotted(call.func)])
        if given is not None and not isinstance(given, ast.JoinedStr):
            yield from (n.value for n in ast.walk(given) if _is_code(n))  # type: ignore[attr-defined]


def _calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in names:
            yield node


def _given(call: ast.Call, name: str, place: int) -> ast.expr | None:
    named = [keyword.value for keyword in call.keywords if keyword.arg == name]
    return named[0] if named else (call.args[place] if len(call.args) > place else None)


def _is_code(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 3


def test_every_act_that_is_written_has_its_words() -> None:
    written = acts(modules())
    assert len(written) > 60
    assert (written | JOINED) - set(ACTS) == set()


def test_an_act_without_words_is_found() -> None:
    planted = Module("crm.planted", 'audit.write(action="roof_mended", subject="", by=by, at=at)')
    handed = Module(
        "crm.planted",
        "def _note(row, action):\n    audit.write(action=action)\n_note(1, 'roof_mended')",
    )
    assert acts([planted]) == acts([handed]) == {"roof_mended"}
