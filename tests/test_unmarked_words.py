"""Every word that a person reads was handed to the translators: templates and code, read bare."""

from __future__ import annotations

import pytest

from tests.sources import ROOT, Module, modules
from tests.unmarked import in_module, in_template

# Where English stands on purpose: nobody reads it on a page.
NOT_READ = {
    "crm.api": "the head of the API's own document",
    "crm.chain.differences": "said at the command line, by verify_audit",
    "crm.chain.heads": "likewise",
    "crm.chain.pruning": "likewise",
    "crm.chain.verifying": "likewise",
    "crm.forgotten": "what is hashed",
    "crm.house": "said to a worker's log and at the command line",
    "crm.importing.past_calls": "words that files of other systems have for results",
    "crm.templatetags.signing_in": "how a browser calls itself",
    "crm.tables": "a message of csv, compared",
    "crm.rule_faults": "sentences of crm/rules.py, recognised and said anew",
    "followups.api.call_events": "the API's own document",
    "followups.api.scrub": "likewise",
    "followups.forms": "the salt of a signature",
    "followups.ladder": "said to whoever writes a ladder in code; a form has words of its own",
    "followups.models.scrub": "kinds of a table that no page shows",
    "followups.webhooks.events": "the body of a test, for another system",
    "followups.records": "a message of csv, compared",
    "followups.notices": "reasons beside a table, for whoever reads the code",
    "followups.demo": "the demo's customers, campaigns and conversations are data",
    "followups.demo_paper": "likewise",
    "followups.demo_house": "likewise",
    "followups.demo_plots": "likewise",
    "followups.demo_stage": "likewise",
    "followups.demo_turns": "likewise",
    "followups.restoring": "said at the command line",
    "offers.api_evidence": "the API's own document",
    "offers.canaries": "a mail that Kept writes to itself",
    "offers.catalogue": "said at the command line",
    "offers.channels.esp": "what an exchange with a provider came to, as the log of it says",
    "offers.marks": "a picture",
    "offers.proofreading": "said at the command line",
    "offers.rendering": "a message of the engine, compared",
}
# The cellar speaks to whoever starts it; these of its rooms write pages.
CELLAR = {"config.refused", "config.second_factor", "config.sessions", "config.doorstep"}


def bare(found: list[Module]) -> list[str]:
    return [
        f"{module.path}:{line} {text!r}"
        for module in found
        if not module.is_migration and ".management" not in module.name
        if module.storey != "config" or module.name in CELLAR
        if module.name not in NOT_READ
        for line, text in in_module(module)
    ]


def test_no_template_says_what_no_translator_has_seen() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text!r}"
        for path in sorted((ROOT / "templates").rglob("*"))
        if path.suffix in {".html", ".txt"}
        for text in in_template(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_module_says_what_no_translator_has_seen() -> None:
    assert bare(modules()) == []


def test_what_stands_in_the_exceptions_exists_and_needs_one() -> None:
    rooms = {module.name: module for module in modules()}
    for name in NOT_READ:
        assert name in rooms, f"{name} is gone"
        assert list(in_module(rooms[name])), f"{name} needs no exception any more"


# --- and the checks can go red ----------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "<h1>Desk</h1>",
        '{% load i18n %}<p>{% trans "Kept" %}, since yesterday</p>',
        '<input placeholder="Number or name">',
        '<button aria-label="Close">×</button>',
        '<input type="submit" value="Save">',
        "<p>{% blocktrans %}One{% endblocktrans %} and two</p>",
        '<p title="{{ words }} more">{{ n }}</p>',
    ],
)
def test_a_bare_word_in_a_template_is_found(source: str) -> None:
    assert in_template(source)


@pytest.mark.parametrize(
    "source",
    [
        '{% load i18n %}<h1 class="head wide">{% trans "Desk" %}</h1>',
        "<p>{% blocktrans count n=x %}One call{% plural %}{{ n }} calls{% endblocktrans %}</p>",
        "<input aria-label=\"{% trans 'Close' %}\" value=\"{{ wanted|default:'' }}\">",
        "<a href=\"{% url 'desk' %}\"{% if page == 'desk' %} class=\"on\"{% endif %}>Kept</a>",
        "{# said to whoever reads the source #}<kbd>Ctrl</kbd>",
    ],
)
def test_a_marked_word_in_a_template_is_not(source: str) -> None:
    assert in_template(source) == []


@pytest.mark.parametrize(
    "source",
    [
        'messages.warning(request, "Somebody was first.")',
        'raise Refused("customer", "The desk logs calls with customers.")',
        'raise ValidationError("Too many.")',
        'name = forms.CharField(label="Name")',
        'name = forms.CharField(label=_("Name"), help_text=f"at most {n} letters")',
        'class Kind(models.TextChoices):\n    OPEN = "open", "Open"',
        'return HttpResponse("Too many tries.", status=429)',
        'SCOPES = {"gate:read": "ask the gate"}',
        'widget = forms.TextInput({"placeholder": "Name"})',
    ],
)
def test_a_bare_word_in_the_code_is_found(source: str) -> None:
    assert bare([Module("crm.planted", source)])


@pytest.mark.parametrize(
    "source",
    [
        'messages.warning(request, _("Somebody was first."))',
        'raise Refused("customer", _("The desk logs calls with %(who)s.") % {"who": "nobody"})',
        'def f():\n    """Says a thing or two."""\n    log.warning("nudge not taken off")',
        'raise ValueError("hold() needs a transaction")',
        'ROWS = "SELECT id FROM crm_customer"',
        'class Kind(models.TextChoices):\n    OPEN = "open", _("open")',
    ],
)
def test_a_marked_word_in_the_code_is_not(source: str) -> None:
    assert bare([Module("crm.planted", source)]) == []
