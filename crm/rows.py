"""From the cells of a file to the facts about a customer, or the reason why not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from crm import mappings, phone
from crm.customers import ContractFacts, Facts, Line
from crm.mappings import BadCell, Cells, ColumnMap, ContractRule, LineRule
from crm.models import Customer, Team

LONGEST = {
    "external_id": 64,
    "name": 200,
    "street": 200,
    "postcode": 16,
    "city": 100,
    "note": 2000,
    "plan": 120,
    "phones": 200,
    "email": 600,
}
MOST_AMOUNT = Decimal(1_000_000)
MOST_MONTHS = 1200
_SPACES = re.compile(r"[\s\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}'’]")
_PLAIN_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True)
class Frame:
    """What holds for the whole file: its mapping, the teams there are, and as of which day."""

    mapping: ColumnMap
    teams: Mapping[str, Team]
    country: str
    as_of: date
    team: Team | None = None


def facts(row: Mapping[str, str], frame: Frame) -> Facts:
    """Everything one row says. Raises BadCell for the first thing that cannot be taken."""
    cells = Cells(row, frame.mapping.seed)
    external_id = cells.key = _needed(cells, frame, "external_id")
    country = (_text(cells, frame, "country") or frame.country).upper()
    if not re.fullmatch("[A-Z]{2}", country):
        raise BadCell("country", _("is not a country code of two letters"))
    language = _needed(cells, frame, "language").lower()
    return Facts(
        external_id=external_id,
        name=_needed(cells, frame, "name"),
        language=_one_of("language", language, Customer.Language.values),
        team=_team(cells, frame),
        country=country,
        phones=_phones(_text(cells, frame, "phones"), country),
        emails=_emails(_text(cells, frame, "email")),
        street=_text(cells, frame, "street"),
        postcode=_text(cells, frame, "postcode"),
        city=_text(cells, frame, "city"),
        bill_medium=_one_of(
            "bill_medium",
            _text(cells, frame, "bill_medium").lower() or Customer.BillMedium.PAPER,
            Customer.BillMedium.values,
        ),
        bill_day=_whole("bill_day", _text(cells, frame, "bill_day"), least=1, most=28),
        note=_text(cells, frame, "note"),
        generated=frame.mapping.generates,
        contract=_contract(cells, frame, language) if frame.mapping.contract else None,
    )


def _text(cells: Cells, frame: Frame, name: str) -> str:
    column = frame.mapping.columns.get(name)
    return _clean(name, cells.value(name, column)) if column else ""


def _clean(name: str, value: str) -> str:
    if len(value) > LONGEST.get(name, 200):
        raise BadCell(name, _("is longer than %(n)s characters") % {"n": LONGEST.get(name, 200)})
    allowed = "\n\t" if name == "note" else ""
    if any(unicodedata.category(c) == "Cc" and c not in allowed for c in value):
        raise BadCell(name, _("has a control character or a line break in it"))
    return unicodedata.normalize("NFC", value)


def _needed(cells: Cells, frame: Frame, name: str) -> str:
    value = _text(cells, frame, name)
    if not value:
        raise BadCell(name, _("is missing"))
    return value


def _one_of(name: str, value: str, known: list[str]) -> str:
    if value not in known:
        raise BadCell(name, _("is none of %(known)s") % {"known": ", ".join(known)})
    return value


def _whole(name: str, text: str, *, least: int, most: int) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9 and least <= int(text) <= most):
        limits = {"least": least, "most": most}
        raise BadCell(name, _("is no whole number from %(least)s to %(most)s") % limits)
    return int(text)


def _team(cells: Cells, frame: Frame) -> Team:
    named = _text(cells, frame, "team")
    team = frame.teams.get(named.casefold()) if named else frame.team
    if team is None:
        raise BadCell("team", _("names no team that exists") if named else _("is missing"))
    return team


def _phones(text: str, country: str) -> tuple[str, ...]:
    try:
        return tuple(
            dict.fromkeys(phone.normalise(p.strip(), country) for p in text.split(";") if p.strip())
        )
    except phone.NotANumber as error:
        raise BadCell("phones", _("has something that is no telephone number")) from error


def _emails(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(part.strip() for part in text.split(";") if part.strip()))
    try:
        for address in found:
            validate_email(address)
    except ValidationError as error:
        raise BadCell("email", _("has something that is no mail address")) from error
    return found


def _contract(cells: Cells, frame: Frame, language: str) -> ContractFacts:
    rule = frame.mapping.contract
    if rule is None:
        raise AssertionError("a contract without its rule")
    values = {name: _clean(name, cells.value(name, c)) for name, c in rule.columns.items()}
    plan = values["plan"]
    if not plan:
        raise BadCell("plan", _("is missing"))
    months = _whole("months", values.get("months", ""), least=0, most=MOST_MONTHS)
    bound = _whole("commitment_months", values.get("commitment_months", ""), least=0, most=120)
    until = _commitment_until(frame.as_of, months, bound)
    fee = amount("termination_fee", values.get("termination_fee") or "0")
    return ContractFacts(
        plan=plan,
        lines=_lines(rule, cells.row, amount("monthly", values["monthly"]), language, plan),
        commitment_until=until,
        termination_fee=fee if until else Decimal("0.00"),
        since=_month(frame.as_of, -months) if months is not None else None,
    )


def _commitment_until(as_of: date, months: int | None, bound: int | None) -> date | None:
    """The end of the running period, when periods of `bound` months follow one another."""
    if not bound or months is None:
        return None
    return _month(as_of, bound - months % bound)


def _month(day: date, months: int) -> date:
    """The first of the month that many months later."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def _lines(
    rule: ContractRule, row: Mapping[str, str], monthly: Decimal, language: str, plan: str
) -> tuple[Line, ...]:
    """The price lines that the row has; their amounts sum up to the cent."""
    rules = [line for line in rule.lines if all(row.get(n, "") in v for n, v in line.when.items())]
    rules = rules or [LineRule(label={language: plan}, weight=1, when={})]
    shares = shared_out(monthly, [line.weight for line in rules])
    return tuple(
        Line(
            label=line.label.get(language) or next(iter(line.label.values()), plan),
            monthly=share,
            speed_down_mbps=line.speed_down_mbps,
            speed_up_mbps=line.speed_up_mbps,
        )
        for line, share in zip(rules, shares, strict=True)
    )


def shared_out(total: Decimal, weights: list[int]) -> list[Decimal]:
    """`total` by weight, in whole cents; the cents that are left go to the heaviest."""
    cents, whole = int(total * 100), sum(weights)
    shares = [cents * weight // whole for weight in weights]
    shares[weights.index(max(weights))] += cents - sum(shares)
    return [Decimal(share) / 100 for share in shares]


def amount(name: str, text: str) -> Decimal:
    """Euro and cents, with a decimal comma or point. Raises BadCell, also for 1.234: that is
    one euro in one country and a thousand in the next."""
    plain = _SPACES.sub("", text).replace("€", "")
    last = max(plain.rfind(","), plain.rfind("."))
    if last >= 0:
        whole, cents = plain[:last], plain[last + 1 :]
        sign = plain[last]
        other = "," if sign == "." else "."
        if sign in whole or len(cents) > 2:
            raise BadCell(name, _("is no amount in euro and cents"))
        plain = f"{whole.replace(other, '')}.{cents}" if cents else whole.replace(other, "")
    if not _PLAIN_AMOUNT.fullmatch(plain):
        raise BadCell(name, _("is no amount in euro and cents"))
    try:
        value = Decimal(plain)
    except InvalidOperation as error:
        raise BadCell(name, _("is no amount in euro and cents")) from error
    if not 0 <= value < MOST_AMOUNT:
        raise BadCell(name, _("is below 0 or too large"))
    return value.quantize(Decimal("0.01"))


def check_columns(columns: tuple[str, ...], mapping: ColumnMap) -> list[str]:
    """The columns of the mapping that the file does not have, in order."""
    wanted = mapping.sources()
    if mapping is mappings.PLAIN:
        wanted = {"external_id", "name", "language"}
    return sorted(wanted - set(columns))
