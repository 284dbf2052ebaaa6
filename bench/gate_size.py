"""The gate among ten thousand customers and among ten million, by turns in one run."""

from __future__ import annotations

import json
from contextlib import ExitStack

from bench import load, rig, seeds
from bench.gate import measure
from bench.report import TOO_WIDE, Series, keep, say, verdict

SHARE = 0.75  # of the rate among few: the pass line
# People of the small house and of the large one, rounds, seconds of one measurement.
SIZES = {"full": (10_000, 10_000_000, 5, 5.0), "smoke": (1_000, 4_000, 1, 0.5)}
CHECKED = 200


def place_of(turn: int, people: int) -> int:
    """Customers in an order that jumps about, so that no page of an index stays warm for long."""
    return (turn * 7919) % people + 1


def asking(port: int, people: int) -> load.Request:
    """Without a lease: among few people the same one is asked about again within two minutes."""

    def request(turn: int) -> bytes:
        number = f"%2B3247{place_of(turn, people) % 10_000_000:07d}"
        return load.get(port, f"/api/v1/gate?reserve=0&number={number}", rig.KEY)

    return request


def equal(port: int, people: int) -> None:
    """A faster wrong answer is no answer: the first tenth is denied, and nobody else."""
    line = load.Line(port)
    last = seeds.blocked(people)
    turns = range(0, CHECKED * 13, 13)
    for turn in turns:
        status, body = line.ask(asking(port, people)(turn))
        wanted = "deny" if place_of(turn, people) <= last else "allow"
        if status != 200 or json.loads(body)["decision"] != wanted:
            raise SystemExit(f"wrong answer {status} about {place_of(turn, people)}: {body!r}")
    if not any(place_of(turn, people) <= last for turn in turns):
        raise SystemExit("nobody who is blocked was asked about")


def run(profile: str) -> bool:
    few, many, times, seconds = SIZES[profile]
    say(
        f"gate_size: the whole gate without a lease, {few:,} and {many:,} customers by turns, a"
        f" tenth blocked, 2 web workers, {times} × {seconds:g} s each"
    )
    rates: dict[int, list[float]] = {few: [], many: []}
    p99: dict[int, list[float]] = {few: [], many: []}
    with ExitStack() as stack:
        houses = {people: stack.enter_context(rig.house()) for people in rates}
        for people, house in houses.items():
            seeds.crowd(house, people)
        for _ in range(times):
            for people, house in houses.items():
                with rig.kept(house) as server:
                    equal(server.port, people)
                    result = measure(server, asking(server.port, people), seconds)
                rates[people].append(result.rate)
                p99[people].append(result.percentile(0.99))
    return _told(profile, few, many, rates, p99)


def _told(
    profile: str, few: int, many: int, rates: dict[int, list[float]], p99: dict[int, list[float]]
) -> bool:
    series = [
        Series(f"the gate among {people:,} customers", "/s", tuple(rates[people]))
        for people in (few, many)
    ]
    series += [
        Series(f"  its p99 among {people:,}", "ms", tuple(p99[people])) for people in (few, many)
    ]
    for one in series:
        say(str(one))
    share = series[1].median / series[0].median
    keep("gate_size", profile, series, {"share": share})
    if profile == "smoke":
        say(f"  many / few: {share:.2f}")
        return True
    quiet = series[0].spread <= TOO_WIDE
    return verdict(
        "the rate among many, of that among few", share, SHARE, least=True, trusted=quiet
    )
