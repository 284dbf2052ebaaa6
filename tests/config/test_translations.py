"""config/translations.py: finds every string, and every catalogue that does not keep up."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import translations
from config.translations import Word


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small project with one string in code and three in a template."""
    for room in (*translations.ROOMS, "templates"):
        (tmp_path / room).mkdir()
    (tmp_path / "crm" / "words.py").write_text('say = _("Not before %(at)s")\n')
    (tmp_path / "templates" / "page.html").write_text(
        '{% load i18n %}<h1>{% trans "Desk" %}</h1>{% blocktrans %}It\'s {{ n }}{% endblocktrans %}'
        "<p>{% blocktrans count n=x %}One call{% plural %}{{ n }} calls{% endblocktrans %}</p>"
    )
    return tmp_path


def test_strings_of_code_and_templates_are_found(house: Path) -> None:
    assert translations.words(house) == [
        Word("Desk"),
        Word("It's %(n)s"),
        Word("Not before %(at)s"),
        Word("One call", "%(n)s calls"),
    ]


def test_a_new_string_is_missing_until_it_is_translated(house: Path) -> None:
    assert translations.update("fr", house) == 4
    path = translations.path_of("fr", "po", house)
    text = path.read_text().replace('msgid "Desk"\nmsgstr ""', 'msgid "Desk"\nmsgstr "Poste"')
    path.write_text(text)
    assert translations.update("fr", house) == 3
    assert "Desk" not in translations.missing("fr", house)


def test_an_update_keeps_translations_and_drops_what_is_not_used(house: Path) -> None:
    translations.update("fr", house)
    path = translations.path_of("fr", "po", house)
    path.write_text(path.read_text().replace('msgid "Desk"\nmsgstr ""', 'msgid "Desk"\nmsgstr "P"'))
    (house / "crm" / "words.py").write_text("")
    translations.update("fr", house)
    known = translations.catalogue("fr", house)
    assert known.get("Desk").string == "P"
    assert known.get("Not before %(at)s") is None


def test_a_translation_with_another_placeholder_is_a_fault(house: Path) -> None:
    translations.update("fr", house)
    path = translations.path_of("fr", "po", house)
    text = path.read_text().replace(
        'msgid "Not before %(at)s"\nmsgstr ""', 'msgid "Not before %(at)s"\nmsgstr "Pas %(quand)s"'
    )
    path.write_text(text)
    found = translations.faults("fr", house)
    assert "fr: other placeholders in 'Not before %(at)s'" in found
    assert "fr: the compiled file is older than its catalogue" in found


def test_the_catalogues_of_this_project_are_whole() -> None:
    assert [fault for locale in translations.LOCALES for fault in translations.faults(locale)] == []
