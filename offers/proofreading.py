"""Reads an offer's finished PDF as a strict reader would, and says in words what is not right.

What it holds the document to: the contract summary of Implementing Regulation (EU) 2019/2243
(pages, portrait A4, 10 points, headings in their order, contrast) and the marks of PDF/UA-1 and
PDF/A-2a. It sees that the marks are there; whether every rule of those two standards is kept is
for a validator of them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pikepdf

from offers.painted import WHITE, Colour, Painted, contrast, painted
from offers.wording import LANGUAGES, read, say

A4 = (595.28, 841.89)  # points
LEAST_POINTS = 10.0
ROUNDING = 0.01
TEXT_CONTRAST, SHAPE_CONTRAST = 4.5, 3.0  # WCAG 2.2, 1.4.3 and 1.4.11
SAID_LIMIT = re.compile(r"summary-pages: (\d+)")
XMP = "{http://www.aiim.org/pdf%s/ns/id/}"
INVISIBLE = str.maketrans("", "", "\u200b\u00ad")


@dataclass(frozen=True)
class Finding:
    """One thing that is not right. `check` is one of CHECKS."""

    check: str
    words: str

    def __str__(self) -> str:
        return f"{self.check}: {self.words}"


@dataclass(frozen=True)
class Tag:
    """An element of the structure tree; `page` counts from 1, 0 when it names none."""

    kind: str
    title: str
    page: int
    alt: str


class Proof:
    """One open document, with what several checks look at."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self.pdf = pdf

    @cached_property
    def painted(self) -> list[Painted]:
        return list(painted(self.pdf))

    @cached_property
    def tags(self) -> list[Tag]:
        numbers = {page.obj.objgen: at for at, page in enumerate(self.pdf.pages, start=1)}
        root = self.pdf.Root.get("/StructTreeRoot")
        return list(_tags(root, numbers)) if root is not None else []

    @cached_property
    def headings(self) -> list[Tag]:
        return [tag for tag in self.tags if re.fullmatch(r"H\d", tag.kind)]

    @property
    def language(self) -> str:
        return str(self.pdf.Root.get("/Lang", "")).split("-")[0]

    def says(self, key: str) -> str:
        with self.pdf.open_metadata() as meta:
            return str(meta.get(key, ""))


def _tags(element: Any, pages: dict[tuple[int, int], int]) -> Iterator[Tag]:
    """In reading order. The tree is walked without recursion: it may be deep."""
    waiting = [element]
    while waiting:
        found = waiting.pop()
        if not isinstance(found, pikepdf.Dictionary):
            continue
        if "/S" in found:
            page = pages.get(found.Pg.objgen, 0) if "/Pg" in found else 0
            title = str(found.get("/T", "")).translate(INVISIBLE)
            yield Tag(str(found.S).lstrip("/"), title, page, str(found.get("/Alt", "")))
        inside = found.get("/K")
        if isinstance(inside, pikepdf.Array):
            waiting.extend(reversed(list(inside)))
        elif inside is not None:
            waiting.append(inside)


def proofread(pdf: bytes) -> list[Finding]:
    """Everything that is not right with it, in the order of CHECKS; nothing when all holds."""
    try:
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            proof = Proof(opened)
            return [Finding(name, words) for name, look in CHECKS.items() for words in look(proof)]
    except pikepdf.PdfError:
        return [Finding("file", "this is not a PDF that can be opened")]


def _pages(proof: Proof) -> Iterator[str]:
    said = SAID_LIMIT.search(proof.says("pdf:Keywords"))
    limit = int(said[1]) if said else 1
    starts = [tag.page for tag in proof.headings if tag.kind == "H1"]
    pages = starts[1] - 1 if len(starts) > 1 else len(proof.pdf.pages)
    if pages > limit:
        yield f"the contract summary has {pages} pages; at most {limit} are allowed"


def _portrait(proof: Proof) -> Iterator[str]:
    for number, page in enumerate(proof.pdf.pages, start=1):
        left, low, right, high = (float(value) for value in page.mediabox)
        sides = (right - left, high - low)
        if int(page.obj.get("/Rotate", 0)) % 180:
            sides = sides[::-1]
        if any(abs(side - wanted) > 1 for side, wanted in zip(sides, A4, strict=True)):
            yield f"page {number} is {sides[0]:.0f} × {sides[1]:.0f} points, not A4 upright"


def _letters(proof: Proof) -> Iterator[str]:
    sizes = [(found.size, found.page) for found in proof.painted if found.size is not None]
    if not sizes:
        yield "there are no letters in it"
        return
    smallest, page = min(sizes)
    if smallest < LEAST_POINTS - ROUNDING:
        yield f"the smallest letters have {smallest:.2f} points (page {page}), not {LEAST_POINTS:g}"


def _headings(proof: Proof) -> Iterator[str]:
    if proof.language not in LANGUAGES:
        yield "without a known language the headings cannot be compared"
        return
    frame = read("contract_summary")
    wanted = [("H1", frame["title"][proof.language]["text"])]
    wanted += [("H2", section[proof.language]["text"]) for section in frame["sections"]]
    found = [(tag.kind, tag.title) for tag in proof.headings]
    for place, (kind, text) in enumerate(wanted):
        if found[place : place + 1] != [(kind, text)]:
            there = found[place][1] if place < len(found) else "nothing"
            yield f"heading {place + 1} should be “{text}” ({kind}), but there is “{there}”"
            return
    parts = {say("document_texts", key, proof.language) for key in ("compared", "alone")}
    if not any(kind == "H1" and text in parts for kind, text in found[7:8]):
        yield "the comparison does not follow the six headings"


def _contrast(proof: Proof) -> Iterator[str]:
    seen: set[tuple[bool, Colour | None]] = set()
    for found in proof.painted:
        letters = found.size is not None
        if (letters, found.colour) in seen or (not letters and found.colour == WHITE):
            continue
        seen.add((letters, found.colour))
        yield from _too_pale(found, TEXT_CONTRAST if letters else SHAPE_CONTRAST)


def _too_pale(found: Painted, least: float) -> Iterator[str]:
    what = "letters" if found.size is not None else "a shape"
    if found.colour is None:
        yield f"{what} on page {found.page} have a pattern instead of a colour"
    elif contrast(found.colour) < least:
        name = "#" + "".join(f"{round(value * 255):02x}" for value in found.colour)
        said = f"{contrast(found.colour):.2f}:1 against white, not {least}:1"
        yield f"{what} in {name} on page {found.page}: {said}"


def _tagged(proof: Proof) -> Iterator[str]:
    if "/StructTreeRoot" not in proof.pdf.Root:
        yield "there is no structure tree"
    if not _mark(proof.pdf, "/MarkInfo", "/Marked"):
        yield "the document does not say that it is tagged"
    if not proof.headings:
        yield "no heading is tagged as one"
    if any(tag.kind == "Figure" and not tag.alt for tag in proof.tags):
        yield "a picture has no description"
    kinds = {tag.kind for tag in proof.tags}
    if "Table" in kinds and "TH" not in kinds:
        yield "a table has no head"
    loose = next((found.page for found in proof.painted if found.size and not found.marked), 0)
    if loose:
        yield f"letters on page {loose} stand outside of every tag"


def _language(proof: Proof) -> Iterator[str]:
    if proof.language not in LANGUAGES:
        yield f"the language is “{proof.language}”, not one of {', '.join(LANGUAGES)}"


def _fonts(proof: Proof) -> Iterator[str]:
    for name, font in sorted(_used_fonts(proof.pdf).items()):
        if not any(key in font for key in ("/FontFile", "/FontFile2", "/FontFile3")):
            yield f"the font {name} is not embedded"


def _mark(pdf: pikepdf.Pdf, group: str, name: str) -> bool:
    found: Any = pdf.Root.get(group)
    return found is not None and bool(found.get(name, False))


def _used_fonts(pdf: pikepdf.Pdf) -> dict[str, Any]:
    """Name and descriptor of every font of the file; an empty descriptor when it has none."""
    found: dict[str, Any] = {}
    for obj in pdf.objects:
        if not isinstance(obj, pikepdf.Dictionary) or obj.get("/Type") != "/Font":
            continue
        if str(obj.get("/Subtype")) in {"/Type0", "/Type3"}:
            continue  # a composite's descendant is an object of its own; drawn letters need no file
        found[str(obj.get("/BaseFont", "without a name"))] = obj.get("/FontDescriptor", {})
    return found


def _archive(proof: Proof) -> Iterator[str]:
    part, level = (proof.says(XMP % "a" + key) for key in ("part", "conformance"))
    if (part, level) != ("2", "A"):
        yield "it does not declare itself as PDF/A-2a"
    if "/OutputIntents" not in proof.pdf.Root:
        yield "it does not say what its colours mean (no output intent)"


def _accessible(proof: Proof) -> Iterator[str]:
    if proof.says(XMP % "ua" + "part") != "1":
        yield "it does not declare itself as PDF/UA-1"
    if not _mark(proof.pdf, "/ViewerPreferences", "/DisplayDocTitle"):
        yield "a reader would show its file name instead of its title"
    if not proof.says("dc:title"):
        yield "it has no title"


CHECKS: dict[str, Callable[[Proof], Iterator[str]]] = {
    "pages": _pages,
    "portrait": _portrait,
    "letters": _letters,
    "headings": _headings,
    "contrast": _contrast,
    "tags": _tagged,
    "language": _language,
    "fonts": _fonts,
    "archive": _archive,
    "accessible": _accessible,
}
