"""What goes wrong, drawn from a seed. Runs in the thread that owns the processes."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import redis

from config.sink import FAULTS
from offers.deliveries import LEASE
from tests.storm.house import House, stopped
from tests.storm.wire import ACCIDENTS

TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM (
    SELECT pid FROM pg_stat_activity
    WHERE datname = %(name)s AND pid <> pg_backend_pid() AND application_name = 'kept'
    ORDER BY md5(pid::text || %(salt)s) LIMIT %(most)s
) chosen
"""
HELD = """
SELECT d.id, d.token, d.status, e.by FROM offers_delivery d
JOIN LATERAL (
    SELECT by FROM offers_deliveryevent
    WHERE delivery_id = d.id AND to_status = 'claimed' ORDER BY id DESC LIMIT 1
) e ON true
WHERE d.status = 'claimed' AND e.by LIKE 'worker:%%' ORDER BY d.id
"""
SAME = "SELECT count(*) FROM offers_delivery WHERE id = %(id)s AND token = %(token)s"
STILL = f"{SAME} AND status = 'claimed'"
# Nobody else has taken it yet, or who has is only preparing it.
WAITING = """
SELECT count(*) FROM offers_delivery
WHERE id = %(id)s AND (token = %(token)s OR status IN ('queued', 'claimed'))
"""
# To the head of the queue: the sleeper shall not sleep for minutes.
FIRST = "UPDATE offers_delivery SET next_try_at = queued_at WHERE id = %(id)s AND status = 'queued'"
EXTRA = 40  # seconds
RUN_OUT = LEASE.total_seconds() + 5


class Chaos:
    """One accident after the other, each as likely as its weight says."""

    def __init__(self, house: House, *, seed: int) -> None:
        self.house = house
        self.rng = random.Random(f"chaos {seed}")
        self.done: Counter[str] = Counter()
        self.overtaken = 0  # zombies that woke after another had their delivery
        self.table: list[tuple[float, Callable[[], None]]] = [
            (4, self.kill_pool),
            (4, self.zombie),
            (4, self.change_weather),
            (3, self.empty_broker),
            (3, self.cut_database),
            (2, self.jump),
            (0.6, self.kill_web),
            (0.4, self.restart_worker),
            (0.4, self.restart_broker),
            (0.4, self.restart_sink),
            (0.3, self.restart_beat),
        ]

    def run(self, seconds: float, *, enough: Callable[[], bool]) -> None:
        """First each kind once, in the seed's order, so that no short storm misses one.

        Goes on for a while when the machine was too busy for what it shall show.
        """
        end = time.monotonic() + seconds
        last = end + EXTRA
        first = [act for _, act in self.table]
        self.rng.shuffle(first)
        self.change_weather()
        while (now := time.monotonic()) < end or (now < last and not enough()):
            weights = [weight for weight, _ in self.table]
            act = first.pop() if first else self.rng.choices(self.table, weights)[0][1]
            with suppress(redis.RedisError):
                act()
            self.house.mend()
            time.sleep(self.rng.uniform(0.05, 0.25))

    def kill_pool(self) -> None:
        self._kill(self.house.pool())

    def kill_web(self) -> None:
        self._kill(self.house.children("web"))

    def _kill(self, pids: list[int]) -> None:
        if pids:
            with suppress(ProcessLookupError):
                os.kill(self.rng.choice(pids), signal.SIGKILL)
                self.done["kill9"] += 1

    def restart_worker(self) -> None:
        self.done["kill9"] += 1
        self.house.restart(self.rng.choice(("worker1", "worker2")))

    def restart_beat(self) -> None:
        self.done["kill9"] += 1
        self.house.restart(self.rng.choice(("beat1", "beat2")))

    def restart_sink(self) -> None:
        self.done["smtp"] += 1
        self.house.restart("sink")

    def empty_broker(self) -> None:
        with redis.Redis.from_url(self.house.valkey.url, socket_timeout=2) as broker:
            broker.flushall()
            self.done["broker"] += 1

    def restart_broker(self) -> None:
        self.done["broker"] += 1
        self.house.valkey.kill()
        self.house.valkey.start()

    def cut_database(self) -> None:
        salt, most = str(self.rng.random()), self.rng.randint(1, 3)
        name = self.house.name
        self.done["pg"] += self.house.count(TERMINATE, name=name, salt=salt, most=most)

    def change_weather(self) -> None:
        """A few kinds of trouble at a time, for up to a third of the mails on each side."""
        kinds = self.rng.sample(FAULTS, 4)
        sink = {kind: round(self.rng.uniform(0.02, 0.1), 3) for kind in kinds}
        line = {"slow": 0.6}
        for kind in ACCIDENTS:
            line[kind] = round(self.rng.uniform(0, 0.06), 3)
        self.house.weather(sink=sink, line=line)

    def jump(self) -> None:
        """Waits and leases come due."""
        self.house.shift(RUN_OUT)
        self.done["clock"] += 1

    def zombie(self) -> None:
        """Stops a worker that holds a delivery until its lease has run out and another has
        taken it over; then the first wakes and goes on where it stood."""
        ours, end = set(self.house.pool()), time.monotonic() + 0.7
        while time.monotonic() < end:
            time.sleep(0.01)
            for row in self.house.rows(HELD):
                pid = int(row["by"].partition(":")[2])
                if pid in ours:
                    with suppress(ProcessLookupError), stopped(pid):
                        self.done["sigstop"] += 1
                        if self.house.count(STILL, id=row["id"], token=row["token"]):
                            self._overtake(row["id"], row["token"])
                    time.sleep(0.3)  # it wakes, and goes on where it stood
                    return

    def _overtake(self, delivery: int, token: int) -> None:
        self.jump()
        self.house.sweep("leases", limit=2)  # it may stand still with a lock in its hand
        self.house.run(FIRST, id=delivery)
        end = time.monotonic() + 2
        while time.monotonic() < end and self.house.count(WAITING, id=delivery, token=token):
            time.sleep(0.05)
        self.overtaken += not self.house.count(SAME, id=delivery, token=token)
