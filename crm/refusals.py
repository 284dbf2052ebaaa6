"""The file that an import writes beside its own: which lines were refused, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

from crm import exports
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
            self._file.write(exports.csv_lines([("line", "column", "reason")]))
        told = (refusal.line, refusal.column, refusal.reason)
        self._file.write(exports.csv_lines([told]))

    def close(self) -> None:
        if self._file:
            self._file.close()
