"""Where Kamailio and SIPp are: unpacked in a folder of their own, or installed.

Without root, in an empty folder outside this project:

    apt-get download kamailio kamailio-utils-modules kamailio-extra-modules sip-tester \\
        libgsl27 libgslcblas0 libpcap0.8 libsctp1
    for package in *.deb; do dpkg -x "$package" root; done
    export KEPT_TELEPHONY_ROOT="$PWD/root"
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "KEPT_TELEPHONY_ROOT"
PACKAGES = {
    "tm.so": "kamailio",
    "http_client.so": "kamailio-utils-modules",
    "jansson.so": "kamailio-extra-modules",
}


class Missing(Exception):
    """Something is not here; the message says what, for people."""


@dataclass(frozen=True)
class Programs:
    """Both programs, Kamailio's modules, and surroundings that hold their libraries."""

    kamailio: str
    sipp: str
    modules: Path
    env: dict[str, str]


def find() -> Programs:
    """What KEPT_TELEPHONY_ROOT or PATH holds. Raises Missing."""
    given = os.environ.get(VARIABLE)
    root = Path(given) if given else Path("/")
    found = Programs(
        kamailio=_program("kamailio", "kamailio", root if given else None),
        sipp=_program("sipp", "sip-tester", root if given else None),
        modules=_modules(root),
        env=_env(root) if given else dict(os.environ),
    )
    for program in (found.kamailio, found.sipp):
        _starts(program, found.env)
    return found


def _program(name: str, package: str, root: Path | None) -> str:
    folders = [str(root / "usr" / part) for part in ("sbin", "bin")] if root else []
    path = os.pathsep.join(folders) if root else f"{os.environ.get('PATH', '')}:/usr/sbin"
    found = shutil.which(name, path=path)
    if found is None:
        raise Missing(f"no {name} in {root or 'PATH'} (Debian's package: {package})")
    return found


def _modules(root: Path) -> Path:
    folders = sorted(root.glob("usr/lib/*/kamailio/modules"))
    if not folders:
        raise Missing(f"no modules of Kamailio under {root / 'usr/lib'} (package: kamailio)")
    for module, package in PACKAGES.items():
        if not (folders[0] / module).exists():
            raise Missing(f"no {module} in {folders[0]} (Debian's package: {package})")
    return folders[0]


def _env(root: Path) -> dict[str, str]:
    libraries = [*root.glob("usr/lib/*-linux-*"), *root.glob("usr/lib/*-linux-*/kamailio")]
    before = os.environ.get("LD_LIBRARY_PATH")
    path = os.pathsep.join([*map(str, libraries), *([before] if before else [])])
    return {**os.environ, "LD_LIBRARY_PATH": path}


def _starts(program: str, env: dict[str, str]) -> None:
    said = subprocess.run([program, "-v"], env=env, capture_output=True, text=True, check=False)
    if "shared libraries" in said.stderr:
        raise Missing(f"{Path(program).name} does not start: {said.stderr.strip()}")
