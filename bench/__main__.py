"""`python -m bench bill_run|bounces|documents|gate|promise|scrub [--profile smoke|full]`."""

from __future__ import annotations

import argparse
import sys

from bench import bill_run, bounces, documents, gate, promise, scrub

BENCHES = {
    "bill_run": bill_run.run,
    "bounces": bounces.run,
    "documents": documents.run,
    "gate": gate.run,
    "promise": promise.run,
    "scrub": scrub.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("name", choices=sorted(BENCHES))
    parser.add_argument("--profile", choices=("smoke", "full"), default="full")
    asked = parser.parse_args()
    sys.exit(0 if BENCHES[asked.name](asked.profile) else 1)


if __name__ == "__main__":
    main()
