"""Latency under a mixed load: 200 gate questions and 50 calls with promises a second."""

from __future__ import annotations

import json
import threading
import uuid

from bench import load, rig, seeds
from bench.gate import asking
from bench.report import Series, keep, say, verdict

GATE_P99, CALL_P99 = 50.0, 150.0  # ms: the pass lines
GATE_RATE, CALL_RATE = 200.0, 50.0
SIZES = {"full": (100_000, 5, 20.0), "smoke": (2_000, 1, 1.0)}


def calling(port: int, people: int, run_id: str) -> load.Request:
    """A call with one promise; each is new, so each is a full transaction."""

    def request(place: int) -> bytes:
        person = (place * 104729) % people + 1
        call = {
            "source": "bench",
            "external_id": f"{run_id}-{place}",
            "direction": "outbound",
            "customer": f"C-{person:06d}",
            "agent": "agent-1",
            "started_at": "2026-01-05T10:00:00Z",
            "answered_at": "2026-01-05T10:00:05Z",
            "ended_at": "2026-01-05T10:02:00Z",
            "result": "answered",
            "disposition": "wants_in_writing",
            "promises": [
                {
                    "kind": "send_offer",
                    "words": "I'll e-mail you the offer",
                    "channel": "email",
                    "address": f"g{person}@bench.example",
                    "address_accepted": True,
                    "offer": f"O-{person:06d}",
                }
            ],
        }
        return load.post(port, "/api/v1/calls", rig.KEY, json.dumps(call).encode())

    return request


def mixed(server: rig.Server, people: int, seconds: float) -> tuple[load.Result, load.Result]:
    """Both kinds of request at once, each due at its own rate."""
    results: dict[str, load.Result] = {}
    run_id = uuid.uuid4().hex[:8]

    def gate() -> None:
        results["gate"] = load.opened(
            server.port,
            asking(server.port, people),
            connections=16,
            rate=GATE_RATE,
            seconds=seconds,
        )

    def calls() -> None:
        results["calls"] = load.opened(
            server.port,
            calling(server.port, people, run_id),
            connections=16,
            rate=CALL_RATE,
            seconds=seconds,
            seed=11,
        )

    threads = [threading.Thread(target=gate), threading.Thread(target=calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results["gate"], results["calls"]


def stored(house: rig.Rig) -> int:
    with house.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM followups_promise WHERE reference LIKE 'P-%'"
        ).fetchone()
    return int(row[0]) if row else 0


def run(profile: str) -> bool:
    people, times, seconds = SIZES[profile]
    say(
        f"promise: {people:,} customers, {people:,} open promises; {GATE_RATE:g} gate questions"
        f" and {CALL_RATE:g} calls with a promise a second, {times} × {seconds:g} s"
    )
    gate_p99, call_p99, gate_p50, call_p50 = [], [], [], []
    asked = 0
    with rig.house() as house:
        seeds.fill(house, people=people, promises=people)
        for _ in range(times):
            with rig.kept(house) as server:
                mixed(server, people, min(2.0, seconds))
                before = stored(house)
                gate, calls = mixed(server, people, seconds)
            if gate.failed or calls.failed:
                raise SystemExit(f"errors: gate {gate.statuses}, calls {calls.statuses}")
            if stored(house) - before != len(calls.latencies):
                raise SystemExit("not every acknowledged promise is there")
            asked += len(calls.latencies)
            gate_p50.append(gate.percentile(0.5))
            gate_p99.append(gate.percentile(0.99))
            call_p50.append(calls.percentile(0.5))
            call_p99.append(calls.percentile(0.99))
    series = [
        Series("gate p50 at 200/s", "ms", tuple(gate_p50)),
        Series("gate p99 at 200/s", "ms", tuple(gate_p99)),
        Series("call with a promise p50 at 50/s", "ms", tuple(call_p50)),
        Series("call with a promise p99 at 50/s", "ms", tuple(call_p99)),
    ]
    for one in series:
        say(str(one))
    say(f"  {asked:,} promises acknowledged, {asked:,} found")
    keep("promise", profile, series, {"people": people})
    if profile == "smoke":
        return True
    good = verdict("gate p99, ms", series[1].median, GATE_P99, least=False, trusted=True)
    return verdict("call p99, ms", series[3].median, CALL_P99, least=False, trusted=True) and good
