"""The rollups of one process, measured from inside; what bench/board.py tells it to do."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.db import connection
from django.test import Client

from config import clock
from crm.models import User
from followups.board import rollups


def roll() -> dict[str, Any]:
    """Turns of the sweep until nothing is left: the milliseconds of each."""
    took, more = [], 1
    while more:
        begun = time.perf_counter()
        more = rollups.roll(at=clock.now())
        took.append((time.perf_counter() - begun) * 1000)
    return {"milliseconds": took}


def check() -> dict[str, Any]:
    return {"differences": sum(rollups.check(at=clock.now()).values())}


def enter(name: str) -> dict[str, Any]:
    """A session of this person, as logging in makes one."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    return {"cookie": client.cookies.output(attrs=[], header="", sep=";").strip()}


def main() -> None:
    """Answers each line of its input with a line; the first word comes when it is connected."""
    connection.ensure_connection()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        word, *more = line.split()
        done = {"roll": roll, "check": check, "enter": enter}[word](*more)
        print(json.dumps(done), flush=True)
