"""The six headings of the contract summary, in their fixed order, for one offer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from offers.comparison import ZERO, Line, bought
from offers.sheet import EMPTY, Draft, Section, Table
from offers.wording import number, read

SECTIONS = ("services", "speeds", "price", "duration", "disabilities", "other")


def section(name: str, draft: Draft, extra: tuple[str, ...]) -> Section:
    """One of SECTIONS, with the company's own paragraphs at its end."""
    frame = next(s for s in read("contract_summary")["sections"] if s["id"] == name)
    written = _WRITERS[name](draft, Section(name, frame[draft.language]["text"]))
    return replace(written, paragraphs=written.paragraphs + extra)


def _services(draft: Draft, section: Section) -> Section:
    items = tuple(_piece(line) for line in draft.proposed.lines)
    return replace(section, lead=draft("plan", plan=draft.proposed.plan), items=items)


def _piece(line: Line) -> str:
    times = f"{line.quantity} × " if line.quantity > 1 else ""
    return times + line.label + (f" – {line.volume}" if line.volume else "")


def _speeds(draft: Draft, section: Section) -> Section:
    lines = [line for line in draft.proposed.lines if line.speed_down_mbps or line.speed_up_mbps]
    if not lines:
        return replace(section, paragraphs=(draft("no_internet"),))
    rows = tuple(
        (line.label, draft.speed(line.speed_down_mbps), draft.speed(line.speed_up_mbps))
        for line in lines
    )
    table = Table((draft("service"), draft("download"), draft("upload")), rows)
    return replace(section, table=table, paragraphs=(draft("remedies"),))


def _price(draft: Draft, section: Section) -> Section:
    side = draft.comparison.proposed
    promoted = any(_running(line, draft.comparison.on) for line in draft.proposed.lines)
    columns = [draft("service"), draft("monthly_first" if promoted else "monthly")]
    columns += [draft("until"), draft("monthly_after")] if promoted else []
    total = [draft("total"), draft.money(side.monthly)]
    total += ["", draft.money(side.monthly_after)] if promoted else []
    rows = [_price_row(line, draft, promoted) for line in draft.proposed.lines]
    table = Table(
        (*columns, draft("one_off")), (*rows, (*total, draft.cost(side.one_off))), total=True
    )
    notes = (draft("vat"),) if side.one_off else (draft("vat"), draft("no_one_off"))
    return replace(section, table=table, paragraphs=(" ".join(notes),))


def _price_row(line: Line, draft: Draft, promoted: bool) -> tuple[str, ...]:
    on = draft.comparison.on
    times = f"{line.quantity} × " if line.quantity > 1 else ""
    due = line.one_off * line.quantity if line in bought(draft.today, draft.proposed) else ZERO
    cells = [times + line.label, draft.money(line.price(on))]
    if promoted:
        ends = line.promo_until if _running(line, on) else None
        cells += [draft.day(ends) if ends else EMPTY, draft.money(line.monthly * line.quantity)]
    return (*cells, draft.cost(due))


def _running(line: Line, on: date) -> bool:
    return line.promo_until is not None and line.promo_until >= on


def _duration(draft: Draft, section: Section) -> Section:
    comparison, proposed = draft.comparison, draft.proposed
    end = proposed.committed_until
    if end is None or end <= comparison.on:
        said = [draft("not_committed")]
    else:
        fee = proposed.termination_fee
        cost = draft("leaving_fee", amount=draft.money(fee)) if fee else draft("leaving_free")
        said = [draft("committed", date=draft.day(end)) + " " + cost]
    leaves, fee = comparison.today.commitment_until, comparison.proposed.termination
    if fee and leaves:
        said.append(draft("leaving_today", date=draft.day(leaves), amount=draft.money(fee)))
    said += _line_commitments(draft)
    return replace(section, paragraphs=tuple(said))


def _line_commitments(draft: Draft) -> list[str]:
    """Only ends that differ from the contract's own need a word."""
    return [
        draft("line_committed", label=line.label, date=draft.day(line.commitment_until))
        for line in draft.proposed.lines
        if line.commitment_until and line.commitment_until != draft.proposed.committed_until
    ]


def _disabilities(draft: Draft, section: Section) -> Section:
    return replace(section, paragraphs=(draft("disabilities"),))


def _other(draft: Draft, section: Section) -> Section:
    valid = draft("validity", days=number(draft.valid_days, draft.language))
    return replace(section, paragraphs=(valid, draft("nothing_yet")))


_WRITERS = {
    "services": _services,
    "speeds": _speeds,
    "price": _price,
    "duration": _duration,
    "disabilities": _disabilities,
    "other": _other,
}
