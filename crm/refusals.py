"""The file that an import writes beside its own: which lines were refused, and why."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TextIO

from crm.imports import Refusal


class Refusals:
    """The file of refused rows; made with the first of them."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._file: TextIO | None = None

    def add(self, refusal: Refusal) -> None:
        if self.path is None:
            return
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self._file).writerow(["line", "column", "reason"])
        csv.writer(self._file).writerow([refusal.line, refusal.column, refusal.reason])

    def close(self) -> None:
        if self._file:
            self._file.close()
