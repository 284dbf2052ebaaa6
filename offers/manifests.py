"""The manifest of a run: one line for each sheet, for the mail room to fill in and send back."""

from __future__ import annotations

from collections.abc import Iterator

from crm import exports
from offers import postal, print_lines
from offers.models import PrintLine, PrintRun

COLUMNS = (
    "sequence",
    "of",
    "delivery",
    "reference",
    "name",
    "street",
    "postcode",
    "city",
    "pages",
    "sha256",
)
# What the mail room adds.
RETURNED = ("status", "at")
AT_ONCE = 1_000


def write(run: PrintRun) -> Iterator[str]:
    """The file, some lines at a time, in the order of the sheets; only the header before that."""
    yield exports.csv_lines([COLUMNS])
    for first in range(1, (run.total or 0) + 1, AT_ONCE):
        lines = print_lines.stretch(run, first=first, last=first + AT_ONCE - 1)
        yield exports.csv_lines(_cells(line, run) for line in lines)


def _cells(line: PrintLine, run: PrintRun) -> tuple[str, ...]:
    text = line.delivery.text
    street, postcode, city = postal.parts(text.address)
    told = (text.reference, text.to_name, street, postcode, city)
    place = (str(line.sequence), str(run.total), line.code)
    return (*place, *told, str(line.pages), line.sha256)
