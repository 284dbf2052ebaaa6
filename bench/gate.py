"""The gate over HTTP with everything real, beside the empty endpoint and the limit."""

from __future__ import annotations

import json

from bench import load, rig, seeds
from bench.report import TOO_WIDE, Series, keep, say, verdict

SHARE = 0.45  # of the empty endpoint with the same key: the pass line
AIM = 1500.0  # answers a second
SIZES = {"full": (100_000, 5, 5.0), "smoke": (2_000, 1, 0.5)}
CONNECTIONS = 8


def number(place: int, people: int) -> str:
    """Numbers in an order that jumps about, so that no page of an index stays warm for long."""
    return f"%2B3247{(place * 7919) % people + 1:07d}"


def asking(port: int, people: int) -> load.Request:
    return lambda i: load.get(port, f"/api/v1/gate?number={number(i, people)}", rig.KEY)


def looking_up(port: int, people: int) -> load.Request:
    return lambda i: load.get(port, f"/?number={number(i, people)}", rig.KEY)


def pinging(port: int) -> load.Request:
    return lambda i: load.get(port, "/api/v1/ping", rig.KEY)


def equal(port: int, people: int) -> None:
    """A faster wrong answer is no answer: every person is owed a document, so all are denied."""
    line = load.Line(port)
    for place in range(200):
        status, body = line.ask(asking(port, people)(place))
        answer = json.loads(body)
        if status != 200 or (answer["decision"], answer["code"]) != ("deny", "open_promise"):
            raise SystemExit(f"wrong answer {status}: {answer}")
    stranger = load.get(port, "/api/v1/gate?number=%2B32479999999&reserve=0", rig.KEY)
    if json.loads(line.ask(stranger)[1])["decision"] != "allow":
        raise SystemExit("a number that nobody has was denied")


def rounds(house: rig.Rig, people: int, times: int, seconds: float) -> dict[str, Series]:
    """Limit, peer and gate in turn, each on a fresh server, `times` over."""
    rates: dict[str, list[float]] = {"raw": [], "ping": [], "gate": []}
    cpu: dict[str, list[float]] = {"ping": [], "gate": []}
    p99: list[float] = []
    for _ in range(times):
        with rig.raw(house) as server:
            rates["raw"].append(measure(server, looking_up(server.port, people), seconds).rate)
        with rig.kept(house) as server:
            equal(server.port, people)
            for name, request in (
                ("ping", pinging(server.port)),
                ("gate", asking(server.port, people)),
            ):
                before = server.cpu()
                result = measure(server, request, seconds)
                rates[name].append(result.rate)
                cpu[name].append((server.cpu() - before) / len(result.latencies) * 1e6)
                if name == "gate":
                    p99.append(result.percentile(0.99))
    return {
        "raw": Series("raw WSGI + one look-up", "/s", tuple(rates["raw"])),
        "ping": Series("empty endpoint with the same key", "/s", tuple(rates["ping"])),
        "gate": Series("gate: key, lock, blocks, GateCheck", "/s", tuple(rates["gate"])),
        "ping_cpu": Series("  web server CPU, empty endpoint", "µs", tuple(cpu["ping"])),
        "gate_cpu": Series("  web server CPU, gate", "µs", tuple(cpu["gate"])),
        "p99": Series("  gate p99, saturated by 8 connections", "ms", tuple(p99)),
    }


def measure(server: rig.Server, request: load.Request, seconds: float) -> load.Result:
    """A warm-up that does not count, then the measurement. Errors end the bench."""
    load.closed(server.port, request, connections=CONNECTIONS, seconds=min(1.0, seconds))
    result = load.closed(server.port, request, connections=CONNECTIONS, seconds=seconds)
    if result.failed:
        raise SystemExit(f"{result.failed} answers were errors: {result.statuses}")
    return result


def run(profile: str) -> bool:
    people, times, seconds = SIZES[profile]
    say(
        f"gate: {people:,} customers, {people:,} open promises, 2 web workers, {CONNECTIONS}"
        f" connections from the same cores, {times} × {seconds:g} s"
    )
    with rig.house() as house:
        seeds.fill(house, people=people, promises=people)
        series = rounds(house, people, times, seconds)
    for one in series.values():
        say(str(one))
    share = series["gate"].median / series["ping"].median
    say(
        f"  gate / empty endpoint: {share:.2f}; gate / raw: "
        f"{series['gate'].median / series['raw'].median:.2f}; aim {AIM:,.0f}/s"
    )
    keep("gate", profile, list(series.values()), {"share_of_empty": share, "people": people})
    if profile == "smoke":
        return True
    return verdict(
        "the gate's share of the empty endpoint",
        share,
        SHARE,
        least=True,
        trusted=series["ping"].spread <= TOO_WIDE,
    )
