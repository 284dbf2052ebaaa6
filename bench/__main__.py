"""`python -m bench NAME [--profile smoke|full]`: one of the benches below."""

from __future__ import annotations

import argparse
import sys

from bench import (
    bill_run,
    board,
    bounces,
    campaign,
    desk,
    documents,
    feed,
    gate,
    gate_size,
    importing,
    lateness,
    promise,
    scrub,
    sweep,
    watchdog,
)

BENCHES = {
    "bill_run": bill_run.run,
    "board": board.run,
    "bounces": bounces.run,
    "campaign": campaign.run,
    "desk": desk.run,
    "documents": documents.run,
    "feed": feed.run,
    "gate": gate.run,
    "gate_size": gate_size.run,
    "lateness": lateness.run,
    "import": importing.run,
    "promise": promise.run,
    "scrub": scrub.run,
    "sweep": sweep.run,
    "watchdog": watchdog.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES))
    parser.add_argument("--profile", choices=("smoke", "tenth", "full"), default="full")
    more = parser.add_argument_group("campaign only")
    more.add_argument("--full", action="store_true", help="everybody, not one person in ten")
    more.add_argument("--round-the-clock", action="store_true", help="calls also out of hours")
    more.add_argument("--all-answered", action="store_true", help="every call is a conversation")
    more.add_argument("--seed", type=int, default=11)
    asked = parser.parse_args()
    if asked.profile == "tenth" and asked.name != "board":
        parser.error("only the board has a tenth")
    if asked.name == "campaign":
        wanted = campaign.Wanted(
            everybody=asked.full,
            round_the_clock=asked.round_the_clock,
            all_answered=asked.all_answered,
            seed=asked.seed,
        )
        sys.exit(0 if campaign.run(asked.profile, wanted) else 1)
    sys.exit(0 if BENCHES[asked.name](asked.profile) else 1)


if __name__ == "__main__":
    main()
