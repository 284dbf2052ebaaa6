"""Reads the documents of the project and says where they are not true."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
COMMAND = re.compile(r"(?:manage\.py|\./kept) ([a-z_]+)")
SETTING = re.compile(r"""env\.\w+\(\s*["']([A-Z][A-Z0-9_]+)["']""")
FRONT_DOOR = {"up", "test", "check"}
# Words of Django and of the shell that follow `manage.py` in sentences and examples.
BORROWED = {"migrate", "check", "collectstatic", "shell", "createsuperuser"}


def pages(house: Path = HOUSE) -> list[Path]:
    """Everything that people read about the project."""
    return [
        path for path in [*house.glob("*.md"), *(house / "docs").rglob("*.md")] if path.is_file()
    ]


def faults(house: Path = HOUSE) -> list[str]:
    """Dead links, commands that do not exist, settings that no page explains."""
    return [*_links(house), *_commands(house), *_settings(house)]


def _links(house: Path) -> Iterator[str]:
    for page in pages(house):
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            if not (page.parent / link).exists():
                yield f"{page.relative_to(house)}: there is no {link}"


def _commands(house: Path) -> Iterator[str]:
    known = FRONT_DOOR | BORROWED | set(_commands_of(house))
    for page in pages(house):
        for name in COMMAND.findall(page.read_text(encoding="utf-8")):
            if name not in known:
                yield f"{page.relative_to(house)}: there is no command {name}"


def _commands_of(house: Path) -> Iterable[str]:
    return (path.stem for path in house.glob("*/management/commands/*.py"))


def _settings(house: Path) -> Iterator[str]:
    page = house / "docs" / "settings.md"
    told = page.read_text(encoding="utf-8") if page.exists() else ""
    source = (house / "config" / "settings.py").read_text(encoding="utf-8")
    for name in sorted(set(SETTING.findall(source))):
        if f"`{name}`" not in told:
            yield f"docs/settings.md: says nothing about {name}"
