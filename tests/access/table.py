"""docs/access.md, read as what is expected: one line for each address and method."""

from __future__ import annotations

from tests.sources import ROOT

PAGE = ROOT / "docs" / "access.md"
READERS = ("nobody", "amina", "bram", "chloe", "fatou", "dirk", "eva")
KEYS = ("none", "other scope", "its scope", "other team")
Line = tuple[str, str]


def expected(columns: tuple[str, ...], *, skip: int = 0) -> dict[Line, tuple[str, ...]]:
    """(method, address) -> what each column gets. `skip`: columns between, that only tell."""
    found: dict[Line, tuple[str, ...]] = {}
    for cells in _cells():
        if len(cells) == 2 + skip + len(columns) and cells[0] in {"GET", "POST", "PUT"}:
            line = (cells[0], cells[1].strip("`"))
            assert line not in found, f"{line} stands twice in {PAGE.name}"
            found[line] = cells[2 + skip :]
    return found


def _cells() -> list[tuple[str, ...]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [line.strip().strip("|").split("|") for line in lines if line.startswith("|")]
    return [tuple(cell.strip() for cell in row) for row in rows]


def written(line: Line, *cells: str) -> str:
    """A line as it would stand in the page."""
    return "| " + " | ".join([line[0], f"`{line[1]}`", *cells]) + " |"
