"""Runs one program on a tether: when the process that started it dies, the kernel ends it too.

    python -I -S tether.py PARENT_PID SIGNAL PROGRAM [ARGUMENT ...]

It replaces itself by the program, so the pid stays. `unshare` in front of the program keeps the
tether; a change of uid cuts it (then `setpriv --pdeathsig` has to tie it again).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tie(parent: int, death_signal: int) -> None:
    """Asks the kernel for `death_signal` on the death of `parent`; ends here if it is gone.

    The kernel watches the thread that made this process, so it must be one that lives on.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        os._exit(1)


def main(arguments: list[str]) -> None:
    parent, death_signal, *command = arguments
    tie(int(parent), int(death_signal))
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606  the caller is this project
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
