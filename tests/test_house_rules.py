"""The rules of the house that a reader of the source can check: clocks, sizes, words, reasons."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from followups.reasons import BY_CODE
from tests.sources import ROOT, STOREYS, Module, dotted, imports, modules

ALL = modules()
OWN = STOREYS[1:]
LONGEST_FILE, LONGEST_FUNCTION = 350, 60

# --- no clock in a subject module -------------------------------------------------------------

CLOCKS = re.compile(
    r"(^|\.)(timezone\.(now|localtime|localdate)|datetime\.(now|utcnow|today)|date\.today"
    r"|time\.time(_ns)?|clock\.now|Now|CurrentTimestamp)$"
)
READS_THE_CLOCK = {
    "followups.rulings": "rule(at=None) reads the database's clock after its lock (gate.md 6)",
    "crm.accounts": "the edge to django-allauth: its hooks bring no instant",
    "crm.log_ins": "receivers of django-allauth's signals, which bring none either",
    "followups.accounts": "likewise",
    "crm.keys": "authenticate(at=None) reads the key and the clock in one statement",
    "followups.watchdog": "banner() is a context processor: the edge of every page",
}


def clocks(found: Iterable[Module]) -> list[str]:
    """Subject modules and models that ask what time it is, instead of being told."""
    faults = []
    for module in found:
        if module.storey not in OWN or module.is_edge or module.is_migration:
            continue
        if module.name in READS_THE_CLOCK:
            continue
        asked = [n for n in ast.walk(module.tree) if CLOCKS.search(_named(n))]
        faults += [f"{module.name}:{node.lineno} {_named(node)}" for node in asked]
        faults += [
            f"{module.name}:{line} imports the clock"
            for name, line in imports(module)
            if name in {"config.clock", "django.utils.timezone.now"}
        ]
        faults += [f"{module.name} {word}" for word in _in_strings(module, "kept_now()")]
        faults += [
            f"{module.name}:{node.lineno} {keyword.arg}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call)
            for keyword in node.keywords
            if keyword.arg in {"auto_now", "auto_now_add"}
        ]
    return faults


def _named(node: ast.AST) -> str:
    return dotted(node) if isinstance(node, ast.Attribute | ast.Call) else ""


def _in_strings(module: Module, words: str) -> list[str]:
    return [
        words
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and words in node.value
    ]


# --- at= and by= by keyword -------------------------------------------------------------------

BY_POSITION = {
    "crm.instants": "pure: an instant in words",
    "crm.workdays": "pure: arithmetic about an instant",
    "followups.board.wanted.today": "pure: the day of an instant",
    "offers.postal": "pure: the plan of mailings after an instant",
    "offers.channels.email": "the Channel protocol of the registry",
    "offers.channels.portal": "the Channel protocol of the registry",
    "followups.reasons.instant": "pure: an instant in words",
}


def positional(found: Iterable[Module]) -> list[str]:
    """Public functions of subject modules that take `at` or `by` by position."""
    return [
        f"{module.name}.{node.name}"
        for module in found
        if module.storey in OWN and not module.is_edge and "templatetags" not in module.name
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if {"at", "by"} & {arg.arg for arg in (*node.args.posonlyargs, *node.args.args)}
        if not {module.name, f"{module.name}.{node.name}"} & set(BY_POSITION)
    ]


# --- what must stand nowhere ------------------------------------------------------------------


def forbidden(found: Iterable[Module]) -> list[str]:
    """Deferred tasks, unguarded forms, unescaped text."""
    faults = []
    for module in found:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                words = {keyword.arg for keyword in node.keywords} & {"eta", "countdown"}
                faults += [f"{module.name}:{node.lineno} {word}=" for word in words]
            name = getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))
            if name in {
                "csrf_exempt",
                "mark_safe",
                "xframe_options_exempt",
            }:
                faults.append(f"{module.name} {name}")
    return faults


def unescaped(texts: dict[str, str]) -> list[str]:
    """Templates that switch escaping off. A plain text mail has nothing to escape."""
    pattern = re.compile(r"\|\s*safe(seq)?\b|autoescape\s+off|<[^>]+\son\w+=|<[^>]+\sstyle=")
    return [
        f"{name}: {match[0]}"
        for name, text in texts.items()
        for match in pattern.finditer(text)
        if not (name.endswith(".txt") and "autoescape" in match[0])
        if not (name.startswith("emails/") and "style=" in match[0])
        if not (name.startswith("documents/") and "style=" in match[0])
    ]


def _templates() -> dict[str, str]:
    folder = ROOT / "templates"
    paths = [p for p in folder.rglob("*") if p.suffix in {".html", ".txt"}]
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in paths}


# --- sizes ------------------------------------------------------------------------------------


def too_long(found: Iterable[Module]) -> list[str]:
    """Rooms and functions that nobody reads without scrolling."""
    read = [module for module in found if not module.is_migration]
    files = [m.name for m in read if m.text.count("\n") > LONGEST_FILE]
    functions = [
        f"{module.name}.{node.name}"
        for module in read
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    return files + functions


# --- who did it -------------------------------------------------------------------------------

NO_AUTHOR = {
    "Absence.from_at": "a limit; created_by",
    "Absence.until_at": "a limit; created_by, or ended_by",
    "ApiKey.expires_at": "a limit that was set, not an act",
    "ApiKey.last_used_at": "the key itself",
    "Attempt.answered_at": "logged_by, and by the revision's recorded_by",
    "Attempt.ended_at": "logged_by, and by the revision's recorded_by",
    "Attempt.started_at": "agent, and logged_by",
    "AttemptRevision.answered_at": "recorded_by says who said so",
    "AttemptRevision.ended_at": "recorded_by says who said so",
    "AuditRound.begun_at": "the watchdog sweep, always",
    "AuditRound.finished_at": "the watchdog sweep, always",
    "AuditRound.last_begun_at": "the watchdog sweep, always",
    "Erasure.again_at": "a plan, not an act",
    "Erasure.until_at": "a limit, set with the act",
    "Canary.back_at": "the intake that took it in",
    "Canary.sent_at": "the intake sweep, always",
    "CallSource.last_heard_at": "the source itself",
    "CampaignEntry.next_try_at": "a plan, not an act",
    "Consent.given_at": "the customer; recorded_by says who wrote it down",
    "Consent.until_at": "a limit; recorded_by",
    "CallSource.silence_told_at": "the watchdog sweep, always",
    "Conduct.judged_at": "the conduct sweep, always",
    "Conduct.next_try_at": "a plan, not an act",
    "Conduct.started_at": "the attempt says by whom",
    "Customer.created_at": "the import run says by whom",
    "Delivery.lease_until_at": "a limit; the claim's event has its author",
    "Delivery.next_try_at": "a plan, not an act",
    "Delivery.sending_at": "the event of the move has its author",
    "Delivery.settled_at": "the event of the move has its author",
    "DeliveryProof.first_delayed_at": "folded from evidence, which has received_by",
    "DeliveryProof.ripens_at": "a plan, not an act",
    "EmailAddress.bad_at": "the evidence that says so has received_by",
    "Escalation.due_at": "a limit; the row has its `by`",
    "Evidence.occurred_at": "a third party's instant; received_by says who brought it",
    "Finding.closed_at": "the watchdog sweep, always",
    "Finding.opened_at": "the watchdog sweep, always",
    "Finding.seen_at": "the watchdog sweep, always",
    "Finding.told_at": "the watchdog sweep, always",
    "GateCheck.valid_until_at": "a limit; the row has its `by`",
    "Heartbeat.beat_at": "the sweep of that name",
    "Heartbeat.grace_until_at": "a limit, not an act",
    "IdempotentAnswer.created_at": "the row has its actor",
    "Import.blanked_at": "the imports sweep, or the event of the move has its author",
    "ImportRun.finished_at": "who started it: started_by",
    "IntakeSpan.from_at": "the intake of that name",
    "IntakeSpan.seen_at": "the intake of that name",
    "Item.next_rung_at": "a plan, not an act",
    "Lease.until_at": "a limit; taken_by",
    "Notice.lease_until_at": "a limit, not an act",
    "Notice.next_try_at": "a plan, not an act",
    "Notice.read_at": "the row's user",
    "Notice.sent_at": "the notices sweep, always",
    "OutsidePing.failing_since_at": "the watchdog sweep, always",
    "OutsidePing.ok_at": "the watchdog sweep, always",
    "OutsidePing.tried_at": "the watchdog sweep, always",
    "Override.until_at": "a limit; granted_by, or seconded_by",
    "RollupMark.checks_at": "the rollups sweep, always",
    "PrintLine.happened_at": "the mail room's instant; the return file has received_by",
    "PrintLine.tell_at": "a plan, not an act",
    "PrintRun.cut_off_at": "a limit; opened_by, or closed_by when it was moved",
    "PrintRun.doubted_at": "the event of the alarm has its author",
    "PrintRun.numbered_at": "the event has its author",
    "PrintRun.ready_at": "the event has its author",
    "PrintVolume.built_at": "the bill_runs sweep, always",
    "Promise.at_risk_at": "a limit, not an act",
    "Promise.due_at": "a limit; made_by",
    "Promise.kept_at": "the evidence that proved it; the event has its author",
    "Promise.next_rung_at": "a plan, not an act",
    "Promise.proof_expected_at": "a plan, not an act",
    "Promise.readable_at": "the evidence that proved it",
    "Promise.slot_from_at": "the event of the move has its author",
    "Promise.settled_at": "the event of the move has its author",
    "ScrubRun.valid_until_at": "a limit; the row has its `by`",
    "Slip.found_at": "the slips sweep, always",
    "Slip.next_try_at": "a plan, not an act",
    "Slip.sent_at": "the slips sweep, always",
    "Suppression.from_at": "created_by",
    "Suppression.until_at": "a limit; created_by",
    "UnmatchedReport.next_try_at": "a plan, not an act",
    "WebhookCursor.since_at": "a limit; the webhooks sweep, always",
    "WebhookEndpoint.failing_since_at": "the webhooks sweep, always",
    "WebhookEndpoint.last_ok_at": "the endpoint itself",
    "WebhookEndpoint.old_secret_until_at": "a limit; rotated_by",
    "WebhookEndpoint.rests_until_at": "a plan, not an act",
    "WebhookMessage.next_try_at": "a plan, not an act",
    "WebhookMessage.queued_at": "the webhooks sweep; of a test the audit says who",
    "WebhookMessage.settled_at": "the webhooks sweep, always",
}


def without_author(columns: dict[str, set[str]]) -> list[str]:
    """`_at` columns that record an act and have no `_by` beside them."""
    return [
        f"{model}.{column}"
        for model, names in columns.items()
        for column in sorted(names)
        if column.endswith("_at") and f"{column.removesuffix('_at')}_by" not in names
        if f"{model}.{column}" not in NO_AUTHOR
    ]


def _columns() -> dict[str, set[str]]:
    return {
        model.__name__: {field.name for field in model._meta.get_fields()}
        for model in apps.get_models()
        if model._meta.app_label in STOREYS
    }


# --- what is documented -----------------------------------------------------------------------


def settings_read(text: str) -> set[str]:
    """The names that config/settings.py reads; a secret may also come from NAME_FILE."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and dotted(node.func).startswith("env.") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and re.fullmatch(r"[A-Z_]+", str(first.value)):
                names.add(str(first.value))
                if dotted(node.func) == "env.secret":
                    names.add(f"{first.value}_FILE")
    return names


def rows(text: str) -> set[str]:
    """The codes in the first column of a page's tables."""
    return set(re.findall(r"^\|\s*`([\w.]+)`\s*\|", text, re.MULTILINE))


def without_reason(text: str) -> list[str]:
    """Lines of a requirements file with no comment right above them."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if not line.startswith(("#", "-")) and not above.startswith("#")
    ]


def _read(name: str) -> str:
    path = ROOT / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


# --- the house keeps them ---------------------------------------------------------------------

RULES = (clocks, positional, forbidden, too_long)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: object) -> None:
    assert callable(rule)
    assert rule(ALL) == []


def test_no_template_switches_escaping_off_or_hides_script() -> None:
    assert unescaped(_templates()) == []


def test_every_act_has_its_author() -> None:
    assert without_author(_columns()) == []


def test_no_exception_outlives_its_column() -> None:
    columns = {f"{model}.{name}" for model, names in _columns().items() for name in names}
    assert set(NO_AUTHOR) - columns == set()


def test_every_setting_is_documented_and_none_is_made_up() -> None:
    assert settings_read(_read("config/settings.py")) == rows(_read("docs/settings.md"))


def test_every_gate_reason_has_a_sentence_and_a_row_in_the_docs() -> None:
    documented = rows(_read("docs/gate-api.md")) | rows(_read("docs/gate.md"))
    assert set(BY_CODE) - documented == set()
    assert all(reason.sentence() and reason.lifts() for reason in BY_CODE.values())


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_says_why_it_is_here(name: str) -> None:
    assert without_reason(_read(name)) == []


def test_every_module_says_what_the_room_is_for() -> None:
    rooms = [m for m in ALL if m.text.strip() and not m.is_migration]
    assert [m.name for m in rooms if not ast.get_docstring(m.tree)] == []


def test_there_is_no_drawer_for_everything() -> None:
    drawers = {"utils", "helpers", "services", "common", "core", "misc", "lib"}
    assert [m.name for m in ALL if set(m.name.split(".")) & drawers] == []


def test_every_instant_is_named_as_one() -> None:
    odd = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in STOREYS
        for field in model._meta.get_fields()
        if isinstance(field, models.DateTimeField) and not field.name.endswith("_at")
        if field.name not in {"at", "last_login", "date_joined"}
    ]
    assert odd == []


# --- and each check can go red ----------------------------------------------------------------

LONG = "x = 1\n" * (LONGEST_FILE + 1)
DEEP = "def f() -> None:\n" + "    x = 1\n" * LONGEST_FUNCTION


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (clocks, "from django.utils import timezone\nAT = timezone.now()"),
        (clocks, "at = datetime.now(UTC)"),
        (clocks, "at = dt.datetime.utcnow()"),
        (clocks, "import time\nat = time.time()"),
        (clocks, "from config import clock"),
        (clocks, "from config.clock import now"),
        (clocks, "created_at = DateTimeField(default=timezone.now)"),
        (clocks, "created_at = DateTimeField(auto_now_add=True)"),
        (clocks, "rows.filter(due_at__lte=Now())"),
        (clocks, "SQL = 'SELECT kept_now()'"),
        (clocks, "day = date.today()"),
        (positional, "def make(terms: Terms, at: datetime) -> None: ..."),
        (positional, "def make(by: Actor, *, at: datetime) -> None: ..."),
        (forbidden, "task.apply_async(countdown=5)"),
        (forbidden, "task.apply_async(eta=at)"),
        (forbidden, "from django.views.decorators.csrf import csrf_exempt"),
        (forbidden, "@csrf.csrf_exempt\ndef f() -> None: ..."),
        (forbidden, "html = mark_safe(text)"),
        (too_long, LONG),
        (too_long, DEEP),
    ],
)
def test_a_planted_fault_turns_its_rule_red(rule: object, text: str) -> None:
    assert callable(rule)
    assert rule([Module("crm.planted", text)]), text


@pytest.mark.parametrize(
    ("rule", "name", "text"),
    [
        (clocks, "followups.views.desk", "from config import clock\nat = clock.now()"),
        (clocks, "crm.planted", "until = at + timedelta(hours=1)\nspent = time.monotonic()"),
        (positional, "crm.planted", "def make(terms: Terms, *, by: Actor, at: datetime): ..."),
        (positional, "crm.planted", "def _make(at: datetime) -> None: ..."),
        (too_long, "crm.migrations.0001_first", LONG),
        (too_long, "crm.planted", "def f() -> None:\n" + "    x = 1\n" * (LONGEST_FUNCTION - 1)),
    ],
)
def test_what_is_allowed_stays_green(rule: object, name: str, text: str) -> None:
    assert callable(rule)
    assert rule([Module(name, text)]) == []


@pytest.mark.parametrize(
    "text", ["{{ words|safe }}", "{% autoescape off %}", '<a onclick="x()">', '<p style="x">']
)
def test_a_planted_unescaped_template_is_found(text: str) -> None:
    assert unescaped({"crm/planted.html": text})


def test_a_planted_act_without_author_is_found() -> None:
    assert without_author({"Promise": {"signed_at"}}) == ["Promise.signed_at"]
    assert without_author({"Promise": {"signed_at", "signed_by", "due_at"}}) == []


def test_a_planted_setting_is_found() -> None:
    text = (
        'A = env.flag("NEW")\nB = env.secret("KEY", least=3, demo=None)\nC = env.refuse(NAME, "x")'
    )
    assert settings_read(text) == {"NEW", "KEY", "KEY_FILE"}


def test_a_planted_dependency_without_reason_is_found() -> None:
    assert without_reason("# why\nDjango==5.2\nother==1\n\n-r more.txt\n") == ["other==1"]


def test_the_rows_of_a_page_are_its_first_column(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("| code | x |\n| --- | --- |\n| `leased` | `other` |\n")
    assert rows(page.read_text()) == {"leased"}
