"""Finds every string for people in code and templates, and keeps the catalogues beside it.

Django's own commands need GNU gettext on the machine; Babel reads and compiles catalogues in
Python. The compiled files are kept beside the catalogues, so that nothing has to be built.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from config import typography

NEVER = datetime(2026, 1, 1, tzinfo=UTC)
HOUSE = Path(__file__).resolve().parent.parent
LOCALES = ("fr", "nl")
ROOMS = ("config", "crm", "offers", "followups")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}
# What Django's templatize() writes for {% trans %} and {% blocktrans %}.
CALL = re.compile(
    r"(?<![\w.])(?P<name>gettext|ngettext|pgettext|_)\((?P<words>(?:\s*u?(?:'(?:\\.|[^'\\])*'"
    r"|\"(?:\\.|[^\"\\])*\")\s*,?)+)"
)
STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
HOLDER = re.compile(r"%\((\w+)\)[sd]")


@dataclass(frozen=True)
class Word:
    """One string for people; `plural` where it is counted, `context` where it is told apart."""

    text: str
    plural: str | None = None
    context: str | None = None


def words(house: Path = HOUSE) -> list[Word]:
    """Every string marked for translation, in code and templates, sorted."""
    found = set(_of_code(house)) | set(_of_templates(house))
    return sorted(found, key=lambda word: (word.text, word.context or ""))


def _of_code(house: Path) -> Iterator[Word]:
    for room in ROOMS:
        rows = extract_from_dir(house / room, method_map=[("**.py", "python")], keywords=KEYWORDS)
        for _file, _line, message, _comments, context in rows:
            if isinstance(message, tuple):
                yield Word(message[0], message[1], context)
            else:
                yield Word(message, None, context)


def _of_templates(house: Path) -> Iterator[Word]:
    for path in sorted((house / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            yield from in_template(path.read_text(encoding="utf-8"))


def in_template(source: str) -> Iterator[Word]:
    """The strings of one template."""
    for call in CALL.finditer(templatize(source)):
        texts = [ast.literal_eval(text) for text in STRING.findall(call["words"])]
        if call["name"] == "pgettext":
            yield Word(texts[1], None, texts[0])
        else:
            yield Word(texts[0], texts[1] if call["name"] == "ngettext" else None)


def path_of(locale: str, ending: str, house: Path = HOUSE) -> Path:
    return house / "locale" / locale / "LC_MESSAGES" / f"django.{ending}"


def catalogue(locale: str, house: Path = HOUSE) -> Catalog:
    """What is translated so far; empty when there is no file yet."""
    path = path_of(locale, "po", house)
    if not path.exists():
        return Catalog(locale=locale)
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def update(locale: str, house: Path = HOUSE) -> int:
    """Brings a catalogue up to the code: new strings empty, unused ones gone. Returns missing."""
    old, new = catalogue(locale, house), _empty(locale)
    for word in words(house):
        known = old.get(word.text, word.context)
        ours = (word.text, word.plural) if word.plural else word.text
        kept = known.string if known and (known.id == ours) else ""
        flags = {"python-format"} if HOLDER.search(word.text) else set()
        new.add(ours, kept, flags=flags, context=word.context)
    path = path_of(locale, "po", house)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, new, omit_header=False, sort_output=True, width=96)
    path_of(locale, "mo", house).write_bytes(compiled(locale, house))
    return len(missing(locale, house))


def _empty(locale: str) -> Catalog:
    """No names and no dates in the head, so that only words make a difference."""
    return Catalog(
        locale=locale,
        project="Kept",
        version="1",
        header_comment=f"# {locale}: what people read in Kept.",
        msgid_bugs_address="-",
        last_translator="-",
        language_team=locale,
        creation_date=NEVER,
        revision_date=NEVER,
        fuzzy=False,
    )


def compiled(locale: str, house: Path = HOUSE) -> bytes:
    """The catalogue as the program reads it; the same catalogue gives the same bytes."""
    out = io.BytesIO()
    write_mo(out, catalogue(locale, house))
    return out.getvalue()


def missing(locale: str, house: Path = HOUSE) -> list[str]:
    """Strings without a translation."""
    known = catalogue(locale, house)
    return [w.text for w in words(house) if not _complete(known, w)]


def _complete(known: Catalog, word: Word) -> bool:
    message = known.get(word.text, word.context)
    if message is None:
        return False
    strings = message.string if isinstance(message.string, tuple | list) else [message.string]
    return bool(strings) and all(strings)


def faults(locale: str, house: Path = HOUSE) -> list[str]:
    """What is wrong with a catalogue: placeholders, plurals, typography, an old .mo file."""
    found = []
    known = catalogue(locale, house)
    for message in known:
        if message.id and message.string:
            found += [f"{locale}: {fault}" for fault in _message_faults(message, locale, known)]
    path = path_of(locale, "mo", house)
    if not path.exists() or path.read_bytes() != compiled(locale, house):
        found.append(f"{locale}: the compiled file is older than its catalogue")
    return found


def _message_faults(message: Message, locale: str, known: Catalog) -> Iterator[str]:
    texts = message.string if isinstance(message.string, tuple | list) else [message.string]
    if not _same_holders(message.id, message.string):
        yield f"other placeholders in {message.id!r}"
    if message.fuzzy:
        yield f"nobody has looked at {message.id!r}, which is fuzzy"
    if isinstance(message.id, tuple) and len(texts) != known.num_plurals:
        yield f"{len(texts)} forms of {message.id!r}, not {known.num_plurals}"
    for text in texts:
        yield from (f"{fault} in {text!r}" for fault in typography.faults(text or "", locale))


def _same_holders(original: object, translation: object) -> bool:
    wanted = set(HOLDER.findall(str(original)))
    texts = translation if isinstance(translation, tuple | list) else [translation]
    return all(set(HOLDER.findall(str(text))) <= wanted for text in texts) and (
        wanted == set(HOLDER.findall(str(texts[-1])))
    )
