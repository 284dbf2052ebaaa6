"""Mappings: which column of somebody's file is which of ours, given as JSON beside the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from crm import invented

COLUMNS = (
    "external_id",
    "name",
    "language",
    "phones",
    "email",
    "street",
    "postcode",
    "city",
    "country",
    "bill_medium",
    "bill_day",
    "team",
    "note",
)
CONTRACT = ("plan", "months", "commitment_months", "termination_fee", "monthly")
MOST_BYTES = 1024 * 1024


class BadMapping(ValueError):
    """A mapping that cannot be used; the message says where and why."""


class BadCell(ValueError):
    """A value that cannot be taken; `column` is ours, the message says why, without the value."""

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        super().__init__(reason)


@dataclass(frozen=True)
class Column:
    """Where a value comes from: a column of the file, or a generator, then translated."""

    source: str = ""
    values: Mapping[str, str] | None = None
    default: str = ""
    generate: str = ""


@dataclass(frozen=True)
class LineRule:
    """A price line that a customer has when the file says so; its weight in the monthly sum."""

    label: Mapping[str, str]
    weight: int
    when: Mapping[str, frozenset[str]]
    speed_down_mbps: int | None = None
    speed_up_mbps: int | None = None


@dataclass(frozen=True)
class ContractRule:
    """How the contract in force is read from the same row."""

    columns: Mapping[str, Column]
    lines: tuple[LineRule, ...]


@dataclass(frozen=True)
class ColumnMap:
    """A mapping as a file gives it. Without one, each column of ours is the one of that name."""

    columns: Mapping[str, Column]
    seed: str = ""
    contract: ContractRule | None = None

    @property
    def generates(self) -> bool:
        """Whether anything about the customers is made up."""
        return any(column.generate for column in self.columns.values())

    def sources(self) -> set[str]:
        """The columns that the file must have."""
        named = {column.source for column in self.columns.values()}
        if self.contract:
            named |= {column.source for column in self.contract.columns.values()}
            named |= {name for line in self.contract.lines for name in line.when}
        return named - {""}


PLAIN = ColumnMap({name: Column(source=name) for name in COLUMNS})


@dataclass
class Cells:
    """One row, asked by our names. What is made up is made up once for the row."""

    row: Mapping[str, str]
    seed: str
    key: str = ""
    _person: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str, column: Column) -> str:
        """The value of a column of ours; "" when there is none. Raises BadCell."""
        raw = self._raw(column)
        if raw == "":
            return column.default
        if column.values is None:
            return raw
        if raw in column.values:
            return column.values[raw]
        if column.default:
            return column.default
        raise BadCell(name, _("has a value that the mapping does not know"))

    def _raw(self, column: Column) -> str:
        if not column.generate:
            return self.row.get(column.source, "")
        if not self._person:
            self._person = invented.person(self.seed, self.key)
        return self._person[column.generate]


def load(path: Path) -> ColumnMap:
    """Reads a mapping file. Raises BadMapping."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadMapping(_("The mapping is larger than 1 MB."))
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadMapping(_("There is no such mapping file.")) from error
    except ValueError as error:
        if isinstance(error, BadMapping):
            raise
        raise BadMapping(_("The mapping is not JSON: %(why)s") % {"why": error}) from error
    return _mapping(_object(stored, "mapping"))


def _mapping(stored: dict[str, Any]) -> ColumnMap:
    _known(stored, {"about", "seed", "columns", "contract"}, "mapping")
    columns = _columns(stored.get("columns"), COLUMNS, "columns")
    contract = stored.get("contract")
    mapping = ColumnMap(
        columns=columns,
        seed=str(stored.get("seed", "")),
        contract=_contract(_object(contract, "contract")) if contract else None,
    )
    if mapping.generates and not mapping.seed:
        raise BadMapping(_("A mapping that generates values needs a seed."))
    return mapping


def _contract(stored: dict[str, Any]) -> ContractRule:
    _known(stored, {*CONTRACT, "lines"}, "contract")
    lines = stored.get("lines", [])
    if not isinstance(lines, list):
        raise BadMapping(_("%(place)s must be a list.") % {"place": "contract.lines"})
    named = {name: value for name, value in stored.items() if name != "lines"}
    columns = _columns(named, CONTRACT, "contract")
    if not {"plan", "monthly"} <= set(columns):
        raise BadMapping(_("A contract needs a plan and a monthly amount."))
    return ContractRule(columns, tuple(_line(_object(line, "lines")) for line in lines))


def _columns(stored: Any, known: tuple[str, ...], place: str) -> dict[str, Column]:
    columns = _object(stored, place)
    _known(columns, set(known), place)
    return {name: _column(_object(given, name), name) for name, given in columns.items()}


def _column(given: dict[str, Any], name: str) -> Column:
    _known(given, {"from", "values", "default", "generate"}, name)
    generate = str(given.get("generate", ""))
    if generate and generate not in invented.GENERATORS:
        raise BadMapping(
            _("%(place)s: nothing generates %(what)r.") % {"place": name, "what": generate}
        )
    values = given.get("values")
    return Column(
        source=str(given.get("from", "")).casefold(),
        values=None if values is None else {k: str(v) for k, v in _object(values, name).items()},
        default=str(given.get("default", "")),
        generate=generate,
    )


def _line(given: dict[str, Any]) -> LineRule:
    _known(given, {"label", "weight", "when", "speed_down_mbps", "speed_up_mbps"}, "lines")
    weight = given.get("weight")
    if not isinstance(weight, int) or weight < 1:
        raise BadMapping(_("A line needs a weight of 1 or more."))
    when = _object(given.get("when", {}), "when")
    return LineRule(
        label={k: str(v) for k, v in _object(given.get("label"), "label").items()},
        weight=weight,
        when={name.casefold(): frozenset(map(str, values)) for name, values in when.items()},
        speed_down_mbps=given.get("speed_down_mbps"),
        speed_up_mbps=given.get("speed_up_mbps"),
    )


def _object(stored: Any, place: str) -> dict[str, Any]:
    if not isinstance(stored, dict):
        raise BadMapping(_("%(place)s must be an object.") % {"place": place})
    return stored


def _known(given: Mapping[str, Any], allowed: set[str], place: str) -> None:
    unknown = sorted(set(given) - allowed)
    if unknown:
        raise BadMapping(
            _("%(place)s: unknown %(what)s.") % {"place": place, "what": ", ".join(unknown)}
        )
