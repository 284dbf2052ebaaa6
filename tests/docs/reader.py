"""Somebody who reads a page and types what it says, in a folder that looks like the project's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import openpyxl
import psycopg

from config.postgresql import postgres_programs
from crm import keys
from followups.models import Promise
from offers import bill_runs, manifests
from offers.models import PrintRun
from tests import cast
from tests.cast import SYSTEM
from tests.docs.blocks import Block
from tests.docs.waiting import Waiting
from tests.journeys.scene import Scene
from tests.journeys.test_j04_bill import billed, filled_in, promise_with_the_bill
from tests.live import until
from tests.servers import with_database
from tests.sources import ROOT

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]\d\d:\d\d")
# A moment ago, as the pages tell of it.
TOLD = datetime.fromisoformat("2026-03-02T09:03:00+01:00")
SAME = ("contrib", "crm", "requirements.txt", "manage.py", "bench")
TONIGHT = "id;name;phone\n1;Dupont;0470 12 34 56\n2;Peeters;+32475998877\n"
CALLS = "telephone;started_at;result\n0470000002;2026-02-02 10:00;no answer\n"
CALL_AFTER = '"source": "dialer-north", "external_id": "4712"'
COPY = "kept_copy"
CURL = "silent\nshow-error\nfail-with-body\n"
PATIENCE = 180  # seconds for one block


class House:
    """What the pages take for granted: a key that may do everything, customers, promises, a run."""

    def __init__(self, scene: Scene, waiting: Waiting) -> None:
        self.scene, self.waiting = scene, waiting
        self.system = scene.system
        scene.cast.sales  # noqa: B018  the campaign fibre
        scopes = list(keys.SCOPES)
        self.key = keys.issue(name="reader", scopes=scopes, by=SYSTEM, at=scene.now()).secret
        self.telephony, scene.secret = scene.secret, self.key
        # An allow, and after it a promise: the gate has a reason, and takes its word back.
        assert scene.cast.dupont
        self.allowed = scene.gate(cast.DUPONT_MOBILE, reserve="1")["decision_id"]
        self.promise = self._promised()
        scene.cast.peeters  # noqa: B018
        self.copies = psycopg.connect(
            with_database(self.system.database_url, "postgres"), autocommit=True
        )
        self.close_copy()

    def open_copy(self) -> None:
        """A new, empty database, as its superuser makes it."""
        self.close_copy()
        self.copies.execute(f"CREATE DATABASE {COPY}")

    def close_copy(self) -> None:
        self.copies.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")

    @cached_property
    def mine(self) -> dict[str, Callable[[], str]]:
        """What stands on the pages, and what this house has instead."""
        dupont = self.scene.cast.dupont
        return {
            "http://127.0.0.1:8000": lambda: self.system.base_url,
            "C-000050": lambda: dupont.reference,
            "O-000026": lambda: cast.offer_for(dupont, at=self.scene.now()).offer.reference,
            "P-7K3M2P": lambda: self.promise.reference,
            "D000000012": lambda: self.line_code,
            CALL_AFTER: self.call_after,
            " 7 ": lambda: f" {self.run.pk} ",
            " 7\n": lambda: f" {self.run.pk}\n",
            '"…"': lambda: f'"{uuid.uuid4()}"',
            "5f0c…": lambda: uuid.uuid4().hex,
            "9b1e…": lambda: uuid.uuid4().hex,
        }

    def call_after(self) -> str:
        """The dialer has told of a later call with Mme Dupont."""
        started = (self.scene.now() - timedelta(seconds=1)).isoformat()
        told = {"source": "dialer-north", "external_id": "4712", "direction": "inbound"}
        told |= {"customer": self.scene.cast.dupont.reference, "agent": "amina"}
        told |= {"started_at": started, "answered_at": started, "result": "answered"}
        # By a key of its own: whoever withdraws is not whoever says that there was a call.
        self.scene.secret = self.telephony
        answer = self.scene.ask("POST", "/calls", {**told, "disposition": "other"})
        self.scene.secret = self.key
        assert "attempt" in answer, answer
        return CALL_AFTER

    def _promised(self) -> Promise:
        """An open one, to Mme Dupont, whose mail has left."""
        made = self.scene.promise(self.scene.cast.dupont, address=cast.DUPONT_MAIL)
        self.scene.accepted(made)
        return made

    @cached_property
    def run(self) -> PrintRun:
        """A bill run with one insert."""
        promise = promise_with_the_bill(self.scene, billed(self.scene))
        return PrintRun.objects.get(lines__delivery__attached__promise=promise)

    @cached_property
    def line_code(self) -> str:
        """The mark on a sheet that is printed and on its way."""
        run, at = self.run, self.scene.now()
        bill_runs.close(run=run, by=SYSTEM, at=at)

        def built() -> bool:
            self.scene.run_sweeps()
            run.refresh_from_db()
            return run.ready_at is not None

        until(built, limit=60, what="the run to be built")
        bill_runs.printed(run=run, by=SYSTEM, at=self.scene.now())

        def leaves() -> bool:
            self.scene.run_sweeps()
            return run.lines.filter(delivery__status__in=("sending", "sent")).exists()

        until(leaves, limit=60, what="the sheet to be on its way")
        return run.lines.get().code

    def manifest(self, path: Path) -> None:
        """As the mail room returns it."""
        written = "".join(manifests.write(self.run))
        filled_in(written, path.parent, self.scene.now()).rename(path)


class Reader:
    """One page, one folder."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house, self.folder = house, folder
        for name in SAME:
            (folder / name).symlink_to(ROOT / name)
        house.waiting.client(folder / "kept")
        (folder / ".venv").symlink_to(Path(sys.prefix))
        (folder / ".curlrc").write_text(CURL)
        (folder / "docs" / "screens").mkdir(parents=True)
        self.env = {
            **house.system.env,
            "HOME": str(folder),
            "PATH": f"{postgres_programs()}{os.pathsep}{os.environ['PATH']}",
            "KEPT": house.system.base_url,
            "KEY": house.key,
            "DECISION": house.allowed,
            "COPY_URL": with_database(house.system.database_url, COPY),
        }

    def types(self, block: Block) -> str:
        """What the block prints. Fails with all that was said when a command does."""
        text = self._filled_in(block.text)
        for name, make in self._files.items():
            if name in text and not (self.folder / name).exists():
                make(self.folder / name)
        if "$COPY_URL" in text:
            self.house.open_copy()
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{block.place}\n{text}\n{done.stdout}\n{done.stderr}"
        self._remember(done.stdout)
        return done.stdout

    def _remember(self, said: str) -> None:
        """What the next command needs of this answer: a cursor."""
        if found := re.search(r'"next": ?"([^"]+)"', said):
            self.env["NEXT"] = found[1]

    def _filled_in(self, text: str) -> str:
        """With the reader's own customers and promises where the page has those of its author."""
        for shown, mine in self.house.mine.items():
            if shown in text:
                text = text.replace(shown, mine())
        return INSTANT.sub(self._recent, text)

    def _recent(self, match: re.Match[str]) -> str:
        ago = min(datetime.fromisoformat(match[0]) - TOLD, timedelta(0))
        at = self.house.scene.now() - timedelta(seconds=5) + ago
        return at.isoformat(timespec="seconds")

    @cached_property
    def _files(self) -> dict[str, Callable[[Path], None]]:
        """What the reader has at hand."""
        vicidial = ROOT / "crm" / "data" / "call_sources" / "vicidial.json"
        return {
            "tonight.csv": _written(TONIGHT),
            "klanten.xlsx": _sheet,
            "mapping.json": _written('{"language": {"default": "nl"}}\n'),
            "customers.csv": _written(
                "external_id,name,language,phones\nX-1,Jan,nl,0470 00 00 01\n"
            ),
            "numbers.csv": _written("+32470999999;2026-11-01\n"),
            "consents.csv": _written("external_id;given;proof\n"),
            "our-vicidial.json": lambda path: path.write_bytes(vicidial.read_bytes()) and None,
            "auth-token.txt": _written("0123456789abcdef0123456789abcdef\n"),
            "contracts.csv": _written("external_id;plan;monthly\nNL-1;Uno;9,95\n"),
            "calls.csv": _written(CALLS),
            "never-call.csv": _written("telephone\n0475998877\n"),
            "numbers-to-call.txt": _written("+32475998877\n"),
            "manifest-back.csv": self.house.manifest,
            "a-message": _written("From: a@b.example\nTo: bounce@kept.example\n\nHello\n"),
        }


def _written(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_text(text)

    return write


def _sheet(path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["klantnummer", "naam", "taal", "gsm"])
    book.active.append(["NL-1", "Jan Peeters", "nl", "0470 00 00 02"])
    book.save(path)


def answer_of(said: str) -> list[object]:
    """Every JSON document in what was printed, one after the other."""
    decoder, found, place = json.JSONDecoder(), [], 0
    while (place := said.find("{", place)) >= 0:
        document, place = decoder.raw_decode(said, place)
        found.append(document)
    return found


def missing(text: str) -> list[str]:
    """Programs of other people that the block needs and that this machine has not."""
    return [
        name for name in ("pdftoppm", "openssl", "curl") if name in text and not shutil.which(name)
    ]
