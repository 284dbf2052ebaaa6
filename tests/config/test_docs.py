"""config/docs.py: documents that are not true go red."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import docs


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small project whose documents are true."""
    (tmp_path / "config").mkdir()
    (tmp_path / "docs").mkdir()
    commands = tmp_path / "crm" / "management" / "commands"
    commands.mkdir(parents=True)
    (commands / "scrub.py").write_text("")
    (tmp_path / "config" / "settings.py").write_text('DEBUG = env.flag("DEBUG")\n')
    (tmp_path / "docs" / "settings.md").write_text("| `DEBUG` | off |\n")
    (tmp_path / "README.md").write_text("[settings](docs/settings.md), `manage.py scrub`\n")
    return tmp_path


def test_true_documents_have_no_faults(house: Path) -> None:
    assert docs.faults(house) == []


def test_a_dead_link_is_named_with_its_page(house: Path) -> None:
    (house / "README.md").write_text("[gone](docs/gone.md)\n")
    assert docs.faults(house) == ["README.md: there is no docs/gone.md"]


def test_a_command_that_does_not_exist_is_found(house: Path) -> None:
    (house / "README.md").write_text("run `./kept fly`, `./kept up` or `manage.py scrub`\n")
    assert docs.faults(house) == ["README.md: there is no command fly"]


def test_a_setting_that_no_page_explains_is_found(house: Path) -> None:
    source = 'DEBUG = env.flag("DEBUG")\nX = env.text(\n    "SOMETHING_NEW", "")\n'
    (house / "config" / "settings.py").write_text(source)
    assert docs.faults(house) == ["docs/settings.md: says nothing about SOMETHING_NEW"]


def test_the_documents_of_this_project_are_true() -> None:
    assert docs.faults() == []
