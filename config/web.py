"""The web server: Granian, whose workers end with their main process.

    python -m config.web --port 8000 --workers 2 --threads 5

Started as `granian config.wsgi:application`, a kill -9 of the main process leaves workers that
live on and serve; here the kernel ends them.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import signal
import sys
from importlib import import_module

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from config.lanes import Application, Lanes
from config.tether import tie


def load(target: str) -> Application:
    """In each worker: ties it to the main process, then imports the application.

    An application that cannot be imported ends the server: another try would find the same.
    """
    parent = multiprocessing.parent_process()
    main_pid = (parent.pid if parent else None) or os.getppid()
    tie(main_pid, signal.SIGKILL)
    module, _, name = target.partition(":")
    try:
        application: Application = getattr(import_module(module), name)
    except Exception:
        os.kill(main_pid, signal.SIGTERM)
        raise
    # What was loaded stays: the collector need not walk through it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    # A question at the gate must not wait 5 ms (Python's own choice) behind each busy thread.
    sys.setswitchinterval(0.0005)
    return Lanes(application)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m config.web")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2)
    # Two for heavy work, the others for who waits for a turn or asks the gate (lanes.py).
    parser.add_argument("--threads", type=int, default=5, help="per worker, a connection each")
    asked = parser.parse_args()
    server = Granian(
        "config.wsgi:application",
        address=asked.host,
        port=asked.port,
        interface=Interfaces.WSGI,
        workers=asked.workers,
        blocking_threads=asked.threads,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
        workers_kill_timeout=3,
    )
    server.serve(target_loader=load)


if __name__ == "__main__":
    main()
