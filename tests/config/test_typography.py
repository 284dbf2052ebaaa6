"""config/typography.py: what a typesetter would mark, and what is no prose."""

from __future__ import annotations

import pytest

from config import typography


@pytest.mark.parametrize(
    ("language", "text", "fault"),
    [
        ("fr", "Rien n'est perdu.", "a straight apostrophe"),
        ("fr", "C’est noté : rien ne part.", "a space that breaks before a tall mark"),
        ("fr", "C’est noté: rien ne part.", "no space before a tall mark"),
        ("fr", "« Oui\u00a0»", "no hard space after «"),
        ("fr", "«\u00a0Oui »", "a space that breaks before a tall mark"),
        ("fr", "Le mot “oui”", "a foreign quotation mark"),
        ("fr", "Fini\u202f?", "a narrow no-break space: the house sets U+00A0"),
        ("nl", "de pagina's", "a straight apostrophe"),
        ("nl", "Klaar ?", "a space before a mark"),
        ("nl", "Kies ‘ja’", "a foreign quotation mark"),
        ("de", "Sagen Sie ”ja”", "a foreign quotation mark"),
        ("en", "Wait...", "three full stops instead of …"),
    ],
)
def test_a_fault_is_marked(language: str, text: str, fault: str) -> None:
    assert fault in list(typography.faults(text, language))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "C’est noté\u00a0: «\u00a0%(words)s\u00a0» à 9:30, voir https://kept.example/a?b."),
        ("fr", "Par exemple 12:30\u00a0; sinon rien\u00a0!"),
        ("nl", "’s Avonds: kies “ja”, de pagina’s volgen."),
        ("de", "Wählen Sie „ja“: es gilt sofort."),
        ("en", "Nothing is lost: it goes on."),
    ],
)
def test_what_is_set_well_is_left_alone(language: str, text: str) -> None:
    assert list(typography.faults(text, language)) == []
