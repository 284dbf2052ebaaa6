"""docs/webhooks.md: its snippet verifies, its table and its examples are true."""

from __future__ import annotations

import json
import re
import time

import pytest

from followups.webhooks import endpoints, events, outbox, signing, wire
from tests.sources import ROOT

PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
SNIPPET = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_the_receivers_few_lines_tell_ours_from_forged() -> None:
    assert SNIPPET
    room: dict[str, object] = {}
    exec(SNIPPET[1], room)  # noqa: S102  (our own page)
    verified = room["verified"]
    assert callable(verified)
    new, old, body, now = signing.new_secret(), signing.new_secret(), b'{"a":1}', int(time.time())

    def headers(stamp: int) -> dict[str, str]:
        signed = signing.signature([new, old], message_id="one", timestamp=stamp, body=body)
        return {
            "webhook-id": "one",
            "webhook-timestamp": str(stamp),
            "webhook-signature": signed,
        }

    assert verified(new, headers(now), body) and verified(old, headers(now), body)
    assert not verified(signing.new_secret(), headers(now), body)
    assert not verified(new, headers(now), body + b" ")
    assert not verified(new, headers(now - 301), body)
    assert not verified(new, headers(now) | {"webhook-id": "two"}, body)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["type"])
def test_each_example_is_a_cloudevent_of_ours(example: dict[str, object]) -> None:
    assert example["specversion"] == "1.0"
    assert example["type"] in events.TYPES


def test_every_type_stands_on_the_page() -> None:
    assert EXAMPLES
    told = set(re.findall(r"^\| `(kept\.[a-z.]+)`", PAGE, re.MULTILINE))
    assert told == {*events.TYPES, events.TEST}


def test_the_table_of_retries_is_the_one_that_runs() -> None:
    rows = re.findall(r"^\| (\d+) \| (?:at once|(\d+) (s|min|h) later)", PAGE, re.MULTILINE)
    units = {"s": 1, "min": 60, "h": 3600}
    waits = [int(n) * units[unit] for _row, n, unit in rows if n]
    assert waits == [wait.total_seconds() for wait in outbox.WAITS]
    assert len(rows) == outbox.MOST_TRIES


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    assert wire.SECONDS == 5 and "five seconds" in PAGE
    assert endpoints.BOTH_SIGN.total_seconds() == 24 * 3600 and "24 hours" in PAGE
    assert outbox.KEPT_FOR.days == 90 and "90 days" in PAGE
