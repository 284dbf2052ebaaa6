"""J9, the worst day: the database is gone, a backup is there. Nothing is sent a second time."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from config import lineup
from crm import customers
from crm.customers import Facts
from crm.models import Customer
from offers.deliveries import LEASE
from tests.cast import CONTRACT
from tests.journeys.scene import Scene
from tests.live import LiveSystem, until
from tests.races import Thread
from tests.servers import with_database

ROOT = Path(__file__).resolve().parent.parent.parent
COPY = "kept_restored"
LOAD = 24
# What a table holds, whatever the order of its rows.
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
DIGEST = "SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {} AS t"


class Copy:
    """Another, empty database on the same server, and the product on it."""

    def __init__(self, system: LiveSystem) -> None:
        self.url = with_database(system.database_url, COPY)
        port = urlsplit(system.base_url).port or 80
        self.env = {**system.env, "DATABASE_URL": self.url}
        self.port = lineup.free_port()
        self.env["BASE_URL"] = self.env["BASE_URL"].replace(str(port), str(self.port))

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return manage(self.env, *words)

    @contextmanager
    def web(self) -> Iterator[str]:
        member = lineup.web(self.env, port=self.port)
        member.start()
        try:
            yield self.env["BASE_URL"]
        finally:
            member.stop()


def manage(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(scene: Scene) -> Iterator[Copy]:
    server = with_database(scene.system.database_url, "postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {COPY} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {COPY}")
        yield Copy(scene.system)
        connection.execute(f"DROP DATABASE {COPY} WITH (FORCE)")


def contents(url: str) -> dict[str, tuple[int, int]]:
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        found = {name: connection.execute(DIGEST.format(f'"{name}"')).fetchone() for name in names}
    return {name: tuple(row) for name, row in found.items() if row}


def people(scene: Scene) -> list[Customer]:
    """Somebody for each promise of the load."""
    made = []
    for number in range(LOAD):
        facts = Facts(
            name=f"Client {number}",
            language="fr",
            team=scene.cast.liege,
            phones=(f"+324701234{number:02}",),
            emails=(f"client{number}@mail.example",),
            contract=CONTRACT,
        )
        made.append(customers.add(facts=facts, at=scene.now()))
    return made


def promise_all(scene: Scene, whom: list[Customer]) -> None:
    for customer in whom:
        scene.promise(customer, address=f"client{customer.text.name.split()[1]}@mail.example")


def ran(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def sent(system: LiveSystem) -> Counter[tuple[str, ...]]:
    """How often each customer was written to: the mail server's own count."""
    mails = system.mailbox.listed()
    return Counter(tuple(m.envelope_to) for m in mails if "client" in str(m.envelope_to))


def answers(scene: Scene, base_url: str, whom: list[Customer]) -> list[tuple[object, ...]]:
    """What the gate of this house says of each of them."""
    asked = {"numbers": [c.numbers.get().e164 for c in whom], "purpose": "sales"}
    told = scene.ask("POST", "/gate/batch", asked, base_url=base_url)
    return [(line["number"], line["decision"], line["code"]) for line in told["answers"]]


def test_a_house_that_stood_still_is_the_same_elsewhere(
    scene: Scene, copy: Copy, tmp_path: Path
) -> None:
    whom = people(scene)
    promise_all(scene, whom[:5])
    until(lambda: sum(sent(scene.system).values()) == 5, what="the mails")
    before = answers(scene, scene.system.base_url, whom)
    assert {code for _number, _decision, code in before} >= {"open_promise"}
    scene.system.sleep()
    file = tmp_path / "kept.dump"
    assert "HASH_PEPPER" in ran(manage(scene.system.env, "backup", str(file)))
    assert file.stat().st_mode & 0o077 == 0, "for its owner alone"
    ran(copy.manage("restore", str(file)))
    rows = contents(copy.url)
    assert rows == contents(scene.system.database_url)
    assert rows["offers_delivery"][0] == 5

    refused = copy.manage("sweep")
    assert refused.returncode != 0 and "after_restore" in refused.stderr
    ran(copy.manage("after_restore", "--nothing-lost"))
    ran(copy.manage("sweep"))
    with copy.web() as base_url:
        assert answers(scene, base_url, whom) == before


def test_a_dump_in_the_midst_of_work_sends_nothing_again(
    scene: Scene, copy: Copy, tmp_path: Path
) -> None:
    whom, file = people(scene), tmp_path / "kept.dump"
    half = LOAD // 2
    promise_all(scene, whom[:4])
    until(lambda: sum(sent(scene.system).values()) >= 2, what="the first mails")
    # What is in the queue at the dump leaves after it.
    scene.system.worker.stop()
    promise_all(scene, whom[4:half])
    load = Thread(lambda: promise_all(scene, whom[half:]))
    ran(manage(scene.system.env, "backup", str(file)))
    scene.system.wake()
    load.answer(60)
    # What the worker held when it was stopped comes back when its lease has run out.
    limit = LEASE.total_seconds() + 60
    until(lambda: len(sent(scene.system)) == LOAD, limit=limit, what="every mail to leave")
    scene.system.sleep()

    ran(copy.manage("restore", str(file)))
    ran(copy.manage("migrate", "--noinput", "--skip-checks"))
    said = ran(copy.manage("after_restore"))
    with psycopg.connect(copy.url) as connection:
        doubts = connection.execute(
            "SELECT count(*) FROM offers_deliveryevent WHERE cause = 'restored'"
        ).fetchone()
    assert doubts and doubts[0] >= half - 4 and f"{doubts[0]} mails" in said
    before = sent(scene.system)
    for _turn in range(3):
        ran(copy.manage("sweep"))
    assert sent(scene.system) == before
    assert set(before.values()) == {1}, "and nobody was written to twice"


def test_nothing_is_restored_over_what_is_there(scene: Scene, copy: Copy, tmp_path: Path) -> None:
    file = tmp_path / "kept.dump"
    ran(manage(scene.system.env, "backup", str(file)))
    again = manage(scene.system.env, "backup", str(file))
    assert again.returncode != 0 and "stays as it is" in again.stderr
    refused = manage(scene.system.env, "restore", str(file))
    assert refused.returncode != 0 and "is not empty" in refused.stderr
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert copy.manage("restore", str(file)).returncode != 0
    assert contents(copy.url) == {}, "all of it or nothing"
