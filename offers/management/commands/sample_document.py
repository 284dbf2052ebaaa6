"""`manage.py sample_document LANGUAGE FILE`: an invented offer as a customer would get it."""

from __future__ import annotations

from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from offers import content
from offers.comparison import Line, Terms, compare
from offers.rendering import render_pdf
from offers.sheet import Content
from offers.wording import LANGUAGES, read


class Command(BaseCommand):
    help = "Writes the PDF of an invented offer, to be looked at, printed or checked."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("language", choices=LANGUAGES)
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        options["file"].write_bytes(render_pdf(_sample(options["language"])))
        self.stdout.write(str(options["file"]))


def _sample(language: str) -> Content:
    written = read("sample_offer")
    today, proposed = (_terms(written[side], language) for side in ("today", "proposed"))
    return content.build(
        today=today,
        proposed=proposed,
        comparison=compare(today, proposed, written["issued"]),
        language=language,
        company=written["company"][language],
        contact=written["contact"],
        reference="O-000001",
        version=1,
        issued=written["issued"],
        valid_days=30,
    )


def _terms(side: dict[str, Any], language: str) -> Terms:
    lines = tuple(_line(line, language) for line in side["lines"])
    return Terms(side["plan"], lines, side["committed"], Decimal(side["fee"]))


def _line(line: dict[str, Any], language: str) -> Line:
    return Line(
        label=line["label"][language],
        monthly=Decimal(line["monthly"]),
        promo_monthly=Decimal(line["promo"]) if "promo" in line else None,
        promo_until=line.get("until"),
        one_off=Decimal(line.get("once", "0")),
        speed_down_mbps=line.get("down"),
        speed_up_mbps=line.get("up"),
        volume=line.get("volume", {}).get(language, ""),
    )
