"""Words for people that no translator ever sees: what stands bare in templates and in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from django.template.base import Lexer, TokenType

from tests.sources import Module, dotted

WORD = re.compile(r"[^\W\d_]{2,}")
SENTENCE = re.compile(r"[A-Za-z]{2,}[,:;]? +[a-zA-Z]{2,}")

# --- templates --------------------------------------------------------------------------------

# What needs no translation: names, keys of the keyboard, the languages in their own words.
PLAIN = {"Kept", "Ctrl", "Enter", "PDF", "CSV", "XLSX", "English", "Français", "Nederlands"}
# Blocks that fill in a class, or a piece of a tag.
NO_TEXT = {"width", "language_action"}
SPOKEN = {"title", "placeholder", "aria-label", "alt", "label", "data-confirm"}
OPENS = ("trans", "translate")
BLOCKS = ("blocktrans", "blocktranslate")


class _Bare(HTMLParser):
    """The texts of a page, and of the attributes that are read or heard."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"script", "style"}
        kind = dict(attrs).get("type")
        pressed = tag == "input" and kind in {"submit", "button", "reset"}
        for name, value in attrs:
            if name in SPOKEN or (pressed and name == "value"):
                self.found.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def in_template(source: str) -> list[str]:
    """Texts of a template that stand outside of {% trans %} and {% blocktrans %}."""
    reader = _Bare()
    reader.feed("".join(_own(source)))
    texts = [" ".join(text.split()) for text in reader.found]
    return [text for text in texts if set(WORD.findall(text)) - PLAIN]


def _own(source: str) -> Iterator[str]:
    """The template's own text; what a tag or a variable writes becomes a mark without letters."""
    inside = False
    for token in Lexer(source).tokenize():
        if token.token_type is TokenType.BLOCK:
            name, _space, rest = token.contents.partition(" ")
            if name == "block" and rest.strip() in NO_TEXT:
                inside = True
            elif name in BLOCKS:
                inside = True
                yield "·"
            elif name.startswith("end"):
                inside = inside and not name.startswith(("endblock", "endblocktrans"))
            elif name in OPENS:
                yield "·"
        elif token.token_type is TokenType.VAR and not inside:
            yield "·"
        elif token.token_type is TokenType.TEXT and not inside:
            yield token.contents


# --- code -------------------------------------------------------------------------------------

MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "pgettext", "pgettext_lazy"}
# What a form, a field or a widget says.
LABELS = {"label", "help_text", "empty_label", "verbose_name", "verbose_name_plural"}
SPEAKS = re.compile(r"^(messages\.\w+|ValidationError|forms\.ValidationError|Refused|\w*Refused)$")
CHOICES = {"TextChoices", "IntegerChoices"}
# Calls whose strings are for machines, or for whoever reads the log.
MACHINES = re.compile(
    r"(^|\.)(log\.\w+|compile|execute|copy|RunSQL|Trigger|Statement|SQL|Error|DeprecationWarning|Outcome"
    r"|ConnectionError)$"
)
# Errors that are for whoever wrote the code, or sits at a command line: no page shows them.
PROGRAMMERS = {
    "AssertionError",
    "BrokenLadder",
    "ConnectionError",
    "Garbage",
    "ImproperlyConfigured",
    "LookupError",
    "NotACatalogue",
    "NotANumber",
    "RuntimeError",
    "TimeoutError",
    "TooLong",
    "TransactionManagementError",
    "TypeError",
    "UnknownPolicy",
    "ValueError",
    "_CannotCarry",
    "error",
    "gaierror",
}
STATEMENT = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|COPY|SET LOCAL|UNION|JOIN|FROM|WHERE|AND"
    r"|THEN|DISTINCT|NULL|MATERIALIZED|LIMIT|bigint)\b|^[(,]? ?[a-z_]+(, [a-z_]+)+\)?$"
)
CLASSES = re.compile(r"^[a-z]+(-[a-z]+)*( [a-z]+(-[a-z]+)+)+$|^kept-row \w+$")
HEADERS = re.compile(r"^(attachment|inline); |^[a-z]+/[a-z]+; |^Basic realm|^noindex")
FORMATS = re.compile(r"^[EMdHhmy :,-]+$")  # of dates
TAGS = re.compile(r"<[^<>]*>")


def in_module(module: Module) -> Iterator[tuple[int, str]]:
    """(line, text) of strings that a person may read and that are not marked for translation."""
    above = {child: node for node in ast.walk(module.tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = " ".join(node.value.split())
            around = _around(node, above)
            if WORD.search(text) and not _marked(around) and _read(node, text, around):
                yield node.lineno, text


def _around(node: ast.AST, above: dict[ast.AST, ast.AST]) -> list[ast.AST]:
    """What a string stands in, from within outwards, up to the module."""
    found = []
    while node in above:
        node = above[node]
        found.append(node)
    return found


def _marked(around: list[ast.AST]) -> bool:
    return any(isinstance(node, ast.Call) and dotted(node.func) in MARKS for node in around)


def _read(node: ast.Constant, text: str, around: list[ast.AST]) -> bool:
    """Whether a person reads it: it stands in a mouth, or is more than a word and no machine's."""
    if isinstance(around[0], ast.Expr) or _named(around) & {"__str__", "__repr__"}:
        return False
    return _in_mouth(node, text, around) or (
        bool(SENTENCE.search(text)) and not _of_machines(text, around)
    )


def _in_mouth(node: ast.Constant, text: str, around: list[ast.AST]) -> bool:
    first, *_rest = around
    if isinstance(first, ast.keyword) and first.arg in LABELS:
        return True
    if isinstance(first, ast.Dict) and _key_of(first, node) in SPOKEN:
        return text[0].isupper()
    if isinstance(first, ast.Call):
        # Refused("field", "words"): the words are the last.
        spoken = SPEAKS.match(dotted(first.func)) and first.args and node is first.args[-1]
        return bool(spoken) and (" " in text or text[0].isupper())
    owner = next((n for n in around if isinstance(n, ast.ClassDef)), None)
    bases = {dotted(base).rpartition(".")[2] for base in owner.bases} if owner else set()
    return isinstance(first, ast.Tuple) and bool(bases & CHOICES) and node is first.elts[-1]


def _key_of(table: ast.Dict, node: ast.Constant) -> str:
    for key, value in zip(table.keys, table.values, strict=True):
        if value is node and isinstance(key, ast.Constant):
            return str(key.value)
    return ""


def _of_machines(text: str, around: list[ast.AST]) -> bool:
    if any(known.search(text) for known in (STATEMENT, CLASSES, HEADERS, FORMATS)):
        return True
    if not SENTENCE.search(TAGS.sub(" ", text)) or text == text.upper():
        return True
    calls = [dotted(node.func) for node in around if isinstance(node, ast.Call)]
    if any(MACHINES.search(name) for name in calls):
        return True
    for node in around:
        if isinstance(node, ast.keyword) and node.arg in {"summary", "description", "css_class"}:
            return True
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            return dotted(node.exc.func).rpartition(".")[2] in PROGRAMMERS
    return False


def _named(around: list[ast.AST]) -> set[str]:
    return {node.name for node in around if isinstance(node, ast.FunctionDef)}
