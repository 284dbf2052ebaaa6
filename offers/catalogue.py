"""The catalogue: plans on sale, read from a file, and the offer that a plan becomes. The writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.db.models import QuerySet

from crm import audit, customers, instants
from crm.actors import Actor
from offers.comparison import month_start
from offers.drafts import Proposal
from offers.models import Plan, PlanLine
from offers.wording import DATA, LANGUAGES

PLANS = DATA / "plans.yaml"
LONGEST_COMMITMENT = 24  # months; Directive (EU) 2018/1972, article 105(1)


class NotACatalogue(ValueError):
    """A file that cannot be sold from; the message says which plan, and why."""


@dataclass(frozen=True)
class _Facts:
    """A plan of the file: the columns of its row, and of each of its lines."""

    code: str
    columns: dict[str, Any]
    lines: list[dict[str, Any]]


@dataclass(frozen=True)
class Loaded:
    """How many plans are on sale now, and how many that were are not any more."""

    on_sale: int
    retired: int


def active() -> QuerySet[Plan]:
    """The plans on sale with their lines, in the order of the catalogue."""
    return Plan.objects.filter(active=True).prefetch_related("lines")


@transaction.atomic
def load(file: Path = PLANS, *, by: Actor, at: datetime) -> Loaded:
    """Makes the file the catalogue: all of it or nothing; what it does not name is retired.

    Offers made before keep their lines. Raises NotACatalogue.
    """
    found = _read(file)
    for position, facts in enumerate(found):
        _keep(facts, position)
    codes = [facts.code for facts in found]
    retired = Plan.objects.filter(active=True).exclude(code__in=codes).update(active=False)
    data = {"plans": len(found), "retired": retired}
    audit.write(action="plans_loaded", subject="catalogue", by=by, at=at, data=data)
    return Loaded(on_sale=len(found), retired=retired)


def _read(file: Path) -> list[_Facts]:
    """Every plan of the file, checked."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise NotACatalogue(f"{file.name}: {error}") from error
    plans = content.get("plans") if isinstance(content, dict) else None
    if not isinstance(plans, list) or not plans:
        raise NotACatalogue(f"{file.name} names no plans.")
    found = [_plan(plan) for plan in plans]
    codes = [facts.code for facts in found]
    if len(set(codes)) < len(codes):
        raise NotACatalogue(f"{file.name} names a plan twice.")
    return found


def _plan(plan: object) -> _Facts:
    code = plan.get("code") if isinstance(plan, dict) else None
    if not isinstance(plan, dict) or not code:
        raise NotACatalogue("A plan has no code.")
    try:
        columns = {
            "name": str(plan["name"]),
            "commitment_months": int(plan.get("commitment_months", 0)),
            "termination_fee": _euro(plan.get("termination_fee", "0")),
            "valid_days": int(plan.get("valid_days", 30)),
        }
        facts = _Facts(str(code), columns, [_line(line) for line in plan["lines"]])
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise NotACatalogue(f"Plan {code}: {error!r} is missing or not what it must be.") from error
    _check(facts)
    return facts


def _check(facts: _Facts) -> None:
    wrong = {
        "it has no price line": not facts.lines,
        f"nobody may be bound for more than {LONGEST_COMMITMENT} months": (
            not 0 <= facts.columns["commitment_months"] <= LONGEST_COMMITMENT
        ),
        "an offer is valid for at least a day": facts.columns["valid_days"] < 1,
        "a promotion needs its price and its months": any(
            (line["promo_monthly"] is None) != (line["promo_months"] is None)
            for line in facts.lines
        ),
    }
    for why, is_so in wrong.items():
        if is_so:
            raise NotACatalogue(f"Plan {facts.code}: {why}.")


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    label, volume = line["label"], line.get("volume", {})
    promo, months = line.get("promo_monthly"), line.get("promo_months")
    return {
        "label": label["en"],
        "volume": volume.get("en", ""),
        "texts": {
            language: {"label": label[language], "volume": volume[language] if volume else ""}
            for language in LANGUAGES
        },
        "monthly": _euro(line["monthly"]),
        "promo_monthly": None if promo is None else _euro(promo),
        "promo_months": None if months is None else int(months),
        "one_off": _euro(line.get("one_off", "0")),
        "speed_down_mbps": line.get("down"),
        "speed_up_mbps": line.get("up"),
    }


def _euro(text: object) -> Decimal:
    """Amounts stand in quotes, so that none passes through a binary fraction."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no amount in quotes")
    return Decimal(text).quantize(Decimal("0.01"))


def _keep(facts: _Facts, position: int) -> None:
    columns = {**facts.columns, "position": position, "active": True}
    plan, _new = Plan.objects.update_or_create(code=facts.code, defaults=columns)
    PlanLine.objects.filter(plan=plan).delete()
    PlanLine.objects.bulk_create(
        PlanLine(plan=plan, position=place, **line) for place, line in enumerate(facts.lines)
    )


def proposal_of(plan: Plan, *, language: str, at: datetime) -> Proposal:
    """The plan as offered on that day: months become last days, labels the customer's language."""
    today = instants.house(at).date()
    lines = list(plan.lines.all())
    bound = plan.commitment_months
    return Proposal(
        plan=plan.name,
        lines=tuple(_offered(line, language, today) for line in lines),
        commitment_until=_last_day(today, bound) if bound else None,
        termination_fee=plan.termination_fee,
        one_offs={place: line.one_off for place, line in enumerate(lines) if line.one_off},
        valid_days=plan.valid_days,
    )


def _offered(line: PlanLine, language: str, today: date) -> customers.Line:
    words = line.texts.get(language, {})
    return customers.Line(
        label=words.get("label", line.label),
        monthly=line.monthly,
        promo_monthly=line.promo_monthly,
        promo_until=_last_day(today, line.promo_months) if line.promo_months else None,
        speed_down_mbps=line.speed_down_mbps,
        speed_up_mbps=line.speed_up_mbps,
        volume=words.get("volume", line.volume),
    )


def _last_day(on: date, months: int) -> date:
    """The last day of so many whole months that begin on that day."""
    return month_start(on, months) - timedelta(days=1)
