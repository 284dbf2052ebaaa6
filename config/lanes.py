"""Two lanes in each worker: the gate's question is answered at once, heavier work takes its turn.

Python runs one thread of a process at a time, so ten calls logged in the same instant share one
processor and all of them, and every question at the gate among them, end late. Two at a time are
done sooner. A question at the gate takes no place among them; it waits only when every thread of
the worker is held by requests that work or wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import BoundedSemaphore
from typing import Any

Application = Callable[..., Iterable[bytes]]
# One that waits for the database leaves the processor to the other.
ABREAST = 2
# Seconds. Who waited so long behind others that stand still (a lock, a slow disk) goes on anyway.
PATIENCE = 0.25
FAST = ("/api/v1/gate", "/api/v1/ping", "/health/live", "/health/ready")


class Lanes:
    """A WSGI application around another; `abreast` requests at most do heavy work together."""

    def __init__(
        self, application: Application, *, abreast: int = ABREAST, patience: float = PATIENCE
    ) -> None:
        self.application = application
        self.patience = patience
        self.places = BoundedSemaphore(abreast)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] in FAST:
            return self.application(environ, start_response)
        mine = self.places.acquire(timeout=self.patience)
        try:
            return self.application(environ, start_response)
        finally:
            if mine:
                self.places.release()
