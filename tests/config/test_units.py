"""contrib/systemd: the services start what the front door starts, and systemd can read them."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import lineup

HOUSE = Path(__file__).resolve().parent.parent.parent
UNITS = sorted((HOUSE / "contrib" / "systemd").glob("*.service"))
PYTHON = "/opt/kept/.venv/bin/python"
ENV = {"REDIS_URL": "unix:///nowhere"}


def said(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


def words(unit: Path) -> list[str]:
    (command,) = said(unit, "ExecStart")
    program, *rest = shlex.split(command)
    assert program == PYTHON
    return rest


def ours(name: str, folder: Path) -> list[str]:
    """The words with which `./kept up` starts it, but for Python's own."""
    member = {
        "kept-web": lambda: lineup.web(ENV, port=8000),
        "kept-worker": lambda: lineup.worker(ENV),
        "kept-beat": lambda: lineup.beat(ENV, schedule=folder / "beat"),
    }[name]()
    found = member.process.command[1:]
    return found[2:] if found[0] == "-W" else found


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_service_starts_what_the_front_door_starts(unit: Path, tmp_path: Path) -> None:
    wanted = {word for word in ours(unit.stem, tmp_path) if word.startswith("-") or "." in word}
    assert wanted <= set(words(unit))


def test_there_is_one_for_each_process() -> None:
    assert [unit.stem for unit in UNITS] == ["kept-beat", "kept-web", "kept-worker"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_no_fault_in_a_service(unit: Path, tmp_path: Path) -> None:
    here = unit.read_text().replace(PYTHON, sys.executable).replace("/opt/kept", str(HOUSE))
    copy = tmp_path / unit.name
    copy.write_text(re.sub(r"^(Documentation)=.*\n", "", here, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)],
        capture_output=True,
        text=True,
        check=False,
    )
    faults = [line for line in (done.stdout + done.stderr).splitlines() if unit.name in line]
    assert (done.returncode, faults) == (0, [])


def test_every_setting_of_the_example_is_one_of_ours() -> None:
    example = (HOUSE / "contrib" / "systemd" / "kept.env.example").read_text()
    names = re.findall(r"^([A-Z_]+)=", example, re.MULTILINE)
    told = (HOUSE / "docs" / "settings.md").read_text()
    assert names and [name for name in names if f"| `{name}` |" not in told] == []


def test_a_shell_reads_the_example_as_systemd_does() -> None:
    example = HOUSE / "contrib" / "systemd" / "kept.env.example"
    done = subprocess.run(
        ["sh", "-euc", f'. "{example}"; printf %s "$COMPANY_NAME"'],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "Example Telecom", "")
