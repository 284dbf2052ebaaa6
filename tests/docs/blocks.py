"""The fenced blocks of README.md and docs/, and the marks before those that are not run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sources import ROOT

# Why a block is not run here. Nothing else is a reason.
REASONS = {
    "needs another machine: systemd",
    "needs another machine: PostgreSQL as its superuser",
    "needs another machine: Kamailio and SIPp",
    "starts everything: tests/config/test_launcher.py does",
    "forgets somebody: tests/pages/test_forgetting.py does",
    "takes minutes: tests/bench runs the same with --profile smoke",
    "takes minutes: part of the suite with smaller numbers",
}
LANGUAGES = {"sh", "json", "text", "ini", "xml", "python"}
# What machines decide by is the same to the letter.
EXACT = {"decision", "state"}
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- not run: ([^>]+?) -->\n\Z")


@dataclass(frozen=True)
class Block:
    """`answer`: the block that shows what the commands of this one print, if the page does."""

    page: Path
    line: int
    language: str
    text: str
    mark: str = ""
    answer: str = ""

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def is_run(self) -> bool:
        return self.language == "sh" and not self.mark


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """In the order in which somebody reads them."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    found = list(FENCE.finditer(text))
    for place, match in enumerate(found):
        mark = MARK.search(text[: match.start()])
        language = match[1].split()[0] if match[1].strip() else ""
        yield Block(
            page=page,
            line=text.count("\n", 0, match.start()) + 1,
            language=language,
            text=match[2],
            mark=mark[1] if mark else "",
            answer=_answer(text, match, found[place + 1 : place + 2]) if language == "sh" else "",
        )


def _answer(text: str, match: re.Match[str], following: list[re.Match[str]]) -> str:
    """The next block, when nothing but a blank line stands between."""
    for then in following:
        shown = then[1].strip() in {"json", "text"}
        if shown and not text[match.end() : then.start()].strip():
            return then[2]
    return ""


def indented(page: Path) -> list[int]:
    """Lines of code that stand in no fence: nobody would know what they are."""
    text = FENCE.sub(lambda match: "\n" * match[0].count("\n"), page.read_text(encoding="utf-8"))
    lines = text.split("\n")
    return [
        number
        for number, line in enumerate(lines, 1)
        if line.startswith("    ") and line.strip() and not lines[number - 2].strip()
    ]


def shape(shown: str) -> Any:
    """A JSON example with `…` for what is left out, as Python has it."""
    return json.loads(shown.replace(", …", ', "…": "…"').replace("{…", '{"…": "…"'))


def unlike(shown: Any, told: Any, at: str = "$") -> Iterator[str]:
    """Where an answer has another shape than the page shows: names, kinds of values, no values.

    null is like everything, a list is judged by its first item, and where an object of the page has
    `…` there may be more.
    """
    if shown is None or told is None:
        return
    if at.rpartition(".")[2] in EXACT and shown not in {told, "…"}:
        yield f"{at} is {told!r}, and {shown!r} is shown"
    if type(shown) is not type(told):
        yield f"{at} is {type(told).__name__}, and {type(shown).__name__} is shown"
    elif isinstance(shown, dict):
        more = "…" in shown
        for name in shown.keys() - {"…"}:
            if name in told:
                yield from unlike(shown[name], told[name], f"{at}.{name}")
            else:
                yield f"{at}.{name} is not there"
        if not more:
            yield from (f"{at}.{name} is not shown" for name in sorted(told.keys() - shown.keys()))
    elif isinstance(shown, list) and shown and told:
        yield from unlike(shown[0], told[0], f"{at}[0]")


def printed(shown: str) -> re.Pattern[str]:
    """Lines as a page shows them: `…` and digits stand for others of their kind."""
    words = re.escape(shown.strip()).replace("…", ".*")
    return re.compile(re.sub(r"\d+", r"\\d+", words))
