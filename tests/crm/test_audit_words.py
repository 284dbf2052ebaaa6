"""Every act that is written into the audit has words, and every word an act."""

from __future__ import annotations

import re

from crm import audit_words
from tests.sources import modules

# Acts whose code is put together, or handed on, where it is written.
COMPOSED = {
    "consent_ended",
    "consent_withdrawn",
    "customer_changed",
    "customer_new",
    "customers_merged",
    "customers_separated",
    "demo_loaded",
    "demo_logins_set",
    "evidence_source_off",
    "evidence_source_on",
    "login_failed",
    "override_used",  # by the gate itself, in SQL
    "preference_unwanted",
    "preference_wanted",
}
GIVEN = re.compile(
    r'(?:action=|_sign\(|_taken\(user, (?:run|found\.run), |_write\(|_connect\([a-z_.]+, )"(\w+)"'
    r'|_note\(\s*"(\w+)"'
    r'|\(\w+\.(?:user|password|authenticator)_\w+, "(\w+)"\)'
)
# Parameters of other calls that are also named so.
OTHERS = {"append", "asked_again", "store_true", "store_false"}
# Events and moves of other subjects, written by a function of the same name.
NOT_AUDIT = {"uploaded"}


def acts() -> set[str]:
    found: set[str] = set()
    for module in modules():
        if "audit" in module.text or "_note(" in module.text or "_taken(" in module.text:
            found |= {name for groups in GIVEN.findall(module.text) for name in groups if name}
    return found - OTHERS - NOT_AUDIT | COMPOSED | {"audit_verified"}


def test_every_act_has_words() -> None:
    assert acts() - set(audit_words.ACTS) == set()


def test_no_words_are_left_over() -> None:
    assert set(audit_words.ACTS) - acts() == set()


def test_an_act_stands_in_one_group() -> None:
    everywhere = [code for _title, acts in audit_words.GROUPS.values() for code in acts]
    assert len(everywhere) == len(set(everywhere))
    assert not set(everywhere) & set(audit_words.GROUPS)


def test_what_has_no_words_is_shown_as_it_is() -> None:
    assert audit_words.act("something_else") == "something else"
    assert audit_words.fact("something_else") == "something else"
