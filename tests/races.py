"""Two at once: threads with connections of their own, and a look at who waits for whom."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection


class Thread(threading.Thread):
    """Runs in its own connection; its result or its exception comes out of `answer()`."""

    def __init__(self, act: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.act = act
        self.result: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self.act()
        except BaseException as error:
            self.error = error
        finally:
            connection.close()

    def answer(self, limit: float = 30) -> Any:
        self.join(limit)
        assert not self.is_alive(), "it still waits"
        if self.error:
            raise self.error
        return self.result


def waiting_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def until_somebody_waits(thread: Thread) -> None:
    while not waiting_for_a_lock():
        assert thread.is_alive(), f"it did not wait: {thread.error or thread.result}"
