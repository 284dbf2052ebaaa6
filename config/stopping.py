"""Somebody asked this process to stop: whoever works through rows ends after the one in hand."""

from __future__ import annotations

import threading

_ASKED = threading.Event()


def ask() -> None:
    """From now on no new row is begun."""
    _ASKED.set()


def asked() -> bool:
    """Whether a sweep should leave the rest for later: its rows stay due."""
    return _ASKED.is_set()


def wait(seconds: float) -> bool:
    """Sleeps so long, or until somebody asks; True when somebody has."""
    return _ASKED.wait(seconds)


def forget() -> None:
    """The loop that was asked has ended; this process may run another one."""
    _ASKED.clear()
