"""The script `kept`: makes .venv once, also for two at a time, and goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.lineup import ROOT

# Stands in for the product: says what the script handed over.
ECHO = "import os, sys\nprint('ran', sys.prefix, os.getcwd(), sys.argv[1:])\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a blank in its name and requirements that need no network."""
    made = tmp_path_factory.mktemp("a house") / "kept house"
    (made / "config").mkdir(parents=True)
    (made / "config" / "__init__.py").touch()
    (made / "config" / "launcher.py").write_text(ECHO)
    (made / "requirements.txt").write_text("# nothing\n")
    shutil.copy(ROOT / "kept", made / "kept")
    return made


def start(house: Path, *words: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.Popen(
        [sys.executable, str(house / "kept"), *words],
        cwd=cwd or house,
        env=env | {"HOME": "/nonexistent", "PIP_NO_INDEX": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ran(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


def test_two_first_calls_make_one_environment(house: Path) -> None:
    answers = [ran(process) for process in (start(house, "up"), start(house, "up"))]
    assert sum("made .venv" in err for _, err in answers) == 1
    assert all(f"ran {house / '.venv'} {house} ['up']" in out for out, _ in answers)


def test_an_environment_that_fits_is_left_alone(house: Path) -> None:
    ran(start(house, "up"))
    _, err = ran(start(house, "up"))
    assert err == ""


def test_a_command_runs_in_the_folder_of_the_caller(house: Path, tmp_path: Path) -> None:
    out, _ = ran(start(house, "scrub", "in put.csv", cwd=tmp_path))
    assert f" {tmp_path} ['manage', 'scrub', 'in put.csv']" in out


def test_an_interrupted_install_is_done_again(house: Path) -> None:
    ran(start(house, "up"))
    (house / ".venv" / "kept-stamp.json").unlink()
    (house / ".venv" / "bin" / "python").unlink()
    _, err = ran(start(house, "up"))
    assert "made .venv" in err
    assert json.loads((house / ".venv" / "kept-stamp.json").read_text()).keys() == {
        "requirements.txt"
    }


def test_changed_requirements_are_installed_and_a_failure_is_said_in_words(house: Path) -> None:
    ran(start(house, "up"))
    (house / "requirements.txt").write_text("a-package-that-is-nowhere==1\n")
    process = start(house, "up")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "Could not install requirements.txt" in err
    assert "a-package-that-is-nowhere" in err
    assert not (house / ".venv" / "kept-stamp.json").exists()
    (house / "requirements.txt").write_text("# nothing again\n")
    assert "installed requirements.txt" in ran(start(house, "up"))[1]


def test_it_explains_itself_without_installing_anything(house: Path) -> None:
    out, _ = ran(start(house, "--help"))
    assert "./kept test" in out
