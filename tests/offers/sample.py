"""One offer that the tests of comparison, document and letter share."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from offers import content
from offers.comparison import Line, Terms, compare
from offers.sheet import Content

ON = date(2026, 3, 2)

TODAY = Terms(
    "Tempo Duo",
    (
        Line("Internet", Decimal("45.00"), speed_down_mbps=100, speed_up_mbps=20),
        Line("Fixed phone", Decimal("9.95")),
        Line("Decoder", Decimal("6.00")),
    ),
    date(2026, 9, 30),
    Decimal("75.00"),
)

PROPOSED = Terms(
    "Flex Fibre 500",
    (
        Line(
            "Fibre internet",
            Decimal("48.00"),
            promo_monthly=Decimal("29.00"),
            promo_until=date(2027, 3, 31),
            one_off=Decimal("59.00"),
            speed_down_mbps=500,
            speed_up_mbps=100,
            volume="unlimited",
        ),
        Line("Mobile", Decimal("8.00"), volume="10 GB", quantity=2),
        Line("Decoder", Decimal("6.00")),
    ),
    date(2028, 5, 31),
    Decimal("120.00"),
)


def document(
    language: str = "fr", today: Terms = TODAY, proposed: Terms = PROPOSED, **other: Any
) -> Content:
    return content.build(
        **{
            "today": today,
            "proposed": proposed,
            "comparison": compare(today, proposed, ON),
            "language": language,
            "company": "Exemple Télécom SA, rue du Pont 1, 4000 Liège",
            "contact": "0800 12 345",
            "reference": "O-7K3M2P",
            "version": 2,
            "issued": ON,
            "valid_days": 30,
            **other,
        }
    )
