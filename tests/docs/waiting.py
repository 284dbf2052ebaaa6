"""A `./kept` that has its start behind it: one process that waits, and forks for each command.

Starting Python and Django takes longer than most commands of the pages. What is asked runs in a
process of its own, in the folder of the caller, with its input and output. Run as a script, with
the address of its socket; `CLIENT` is what stands in the reader's folder instead of the front door.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import django
from django.core.management import execute_from_command_line

LONGEST = 65536
# On another database than the suite's own. With pytest at hand, so that a server of the suite does,
# which writes nothing through to the disk.
ELSEWHERE = """
import sys, pytest
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""
CLIENT = """\
#!{python} -IS
import json, os, socket, sys
if os.environ["DATABASE_URL"] != {database!r}:
    os.execve({python!r}, [{python!r}, "-c", {elsewhere!r}, *sys.argv[1:]], {{
        **os.environ, "PYTHONPATH": {root!r}}})
there = socket.socket(socket.AF_UNIX)
there.connect({address!r})
asked = json.dumps([os.getcwd(), sys.argv[1:]]).encode()
socket.send_fds(there, [asked], [0, 1, 2])
sys.exit(there.recv(1)[0])
"""


class Waiting:
    """The process and its address."""

    def __init__(self, *, env: dict[str, str], folder: Path, root: Path) -> None:
        self.address = str(folder / "waiting")
        self.env, self.root = env, root
        words = [sys.executable, "-m", "tests.docs.waiting", self.address]
        self._process = subprocess.Popen(words, env=env, cwd=root)

    def ready(self) -> None:
        end = time.monotonic() + 60
        while not Path(self.address).exists():
            assert self._process.poll() is None and time.monotonic() < end
            time.sleep(0.05)

    def client(self, path: Path) -> None:
        """Writes the front door that leads to it; for another database it starts one."""
        facts = {"python": sys.executable, "address": self.address}
        facts |= {"database": self.env["DATABASE_URL"], "root": str(self.root)}
        facts["elsewhere"] = ELSEWHERE
        path.write_text(CLIENT.format(**facts))
        path.chmod(0o755)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def wait(address: str) -> None:
    django.setup()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{address}.new")
        door.listen()
        os.rename(f"{address}.new", address)
        while True:
            caller, _from = door.accept()
            with caller:
                asked, handles, _flags, _from = socket.recv_fds(caller, LONGEST, 3)
                caller.sendall(bytes([_forked(*json.loads(asked), handles)]))


def _forked(folder: str, words: list[str], handles: list[int]) -> int:
    """Runs the command in a process of its own; its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            os.chdir(folder)
            for number, handle in enumerate(handles):
                os.dup2(handle, number)
            execute_from_command_line(["manage.py", *words])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    for handle in handles:
        os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    wait(sys.argv[1])
