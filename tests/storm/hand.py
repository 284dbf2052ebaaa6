"""Runs sweeps by hand, beside the workers: a name on each line of the input, "done" after each.

`+name` asks the workers for it instead, as a view does after a commit. A storm keeps the workers'
queue full of holes, so the drain does not rely on it.
"""

from __future__ import annotations

import sys
import traceback

import django

django.setup()

from django.db import connections  # noqa: E402

from config import timetable  # noqa: E402
from config.celery import nudge  # noqa: E402

for line in sys.stdin:
    try:
        connections.close_all()  # somebody may have cut them
        name = line.strip()
        if name.startswith("+"):
            nudge(name[1:])
        else:
            timetable.run(name)
    except Exception:
        traceback.print_exc()
    sys.stdout.write("done\n")
    sys.stdout.flush()
