"""The figures of a policy in words, each with its source and its kind; two versions side by side.

A figure's `key` is its place in crm/rules.py. Caps are known by what they count and lists by their
name, so that a changed one stands beside what it was before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from babel.dates import get_day_names
from django.utils.functional import Promise as Lazy
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from crm import rule_texts
from crm.rules import WEEKDAYS, Cap, Hours, ListRule, Part, Product, Rules

KINDS: dict[str, str | Lazy] = {
    "statutory": gettext_lazy("a law"),
    "regulator": gettext_lazy("a regulator"),
    "self_regulatory": gettext_lazy("the trade's own code"),
    "presumption": gettext_lazy("a presumption"),
    "product": gettext_lazy("our own choice"),
}
REGIMES: dict[str, str | Lazy] = {
    "opt_in": gettext_lazy("only with consent"),
    "opt_out_list": gettext_lazy("a national list of who wants no calls"),
    "presumption": gettext_lazy("allowed unless presumed unwanted"),
    "none": gettext_lazy("none is named"),
}
UNITS: dict[str, str | Lazy] = {
    "attempt": gettext_lazy("calls that we place"),
    "conversation": gettext_lazy("conversations"),
    "contact": gettext_lazy("conversations, also when the customer called"),
}
PARDONS: dict[str, str | Lazy] = {
    "": gettext_lazy("no consent beats it"),
    "later": gettext_lazy("a consent given later beats it"),
    "any": gettext_lazy("any consent beats it"),
}
CHANNELS: dict[str, str | Lazy] = {
    "email": gettext_lazy("e-mail"),
    "email_accepted": gettext_lazy("e-mail to an address that was read back"),
    "portal": gettext_lazy("page on the web"),
    "portal_attached": gettext_lazy("page on the web, announced with the document itself"),
    "post": gettext_lazy("letter"),
    "bill_insert": gettext_lazy("with the bill"),
}
GRADES: dict[int, str | Lazy] = {
    1: gettext_lazy("the next carrier has it"),
    2: gettext_lazy("the last carrier has it"),
    3: gettext_lazy("and it did not come back"),
    4: gettext_lazy("the customer acted on it"),
    5: gettext_lazy("the customer said so"),
}


@dataclass(frozen=True)
class Figure:
    """One figure. `kind` and `source` are empty for what needs none (the country, the watch)."""

    key: str
    section: str
    label: str
    value: str
    kind: str = ""
    source: str = ""

    @property
    def kind_words(self) -> str:
        return str(KINDS[self.kind]) if self.kind else ""


@dataclass(frozen=True)
class Change:
    """A figure that differs; one of both is missing when it came or went."""

    before: Figure | None
    after: Figure | None

    @property
    def figure(self) -> Figure:
        found = self.after or self.before
        if found is None:
            raise ValueError("a change of nothing")
        return found

    @property
    def same_value(self) -> bool:
        """Only where it comes from was rewritten."""
        return bool(self.before and self.after and self.before.value == self.after.value)


def of(rules: Rules) -> list[Figure]:
    """All figures, in the order in which people read them."""
    return [
        *_scope(rules),
        *(_hours(rules.hours) if rules.hours else ()),
        *(_cap(cap) for cap in rules.caps),
        *_refusal(rules),
        *_consent(rules),
        *(_list(one) for one in rules.lists),
        *_product(rules.product),
    ]


def changes(before: Rules, after: Rules) -> list[Change]:
    """What differs, figure by figure; what went comes last."""
    return beside((*of(before), *_notes(before)), (*of(after), *_notes(after)))


def beside(before: Iterable[Figure], after: Iterable[Figure]) -> list[Change]:
    """The figures that differ, each beside what stands at its key on the other side."""
    old = {figure.key: figure for figure in before}
    new = {figure.key: figure for figure in after}
    kept = [Change(old.get(key), new[key]) for key in new if old.get(key) != new[key]]
    return kept + [Change(old[key], None) for key in old if key not in new]


def weekday(day: str) -> str:
    """The name of "mon" in the reader's language."""
    names = get_day_names("wide", locale=(get_language() or "en").replace("-", "_"))
    return str(names[WEEKDAYS.index(day)]) if day in WEEKDAYS else day


def _figure(key: str, section: str, label: str, value: str, part: Part | None = None) -> Figure:
    kind, source = (part.kind, part.source) if part else ("", "")
    return Figure(key, section, label, value, kind, source)


def _scope(rules: Rules) -> Iterator[Figure]:
    section = _("For whom")
    yield _figure("country", section, _("Country"), rules.country or _("any"))
    yield _figure("regime", section, _("Rule"), str(REGIMES[rules.regime]))


def _notes(rules: Rules) -> Iterator[Figure]:
    section = _("Notes")
    yield _figure("watch", section, _("To watch"), rules.watch)
    yield _figure("verified", section, _("Sources"), verified(rules))


def verified(rules: Rules) -> str:
    return _("have been read") if rules.verified else _("still to be read")


def _hours(hours: Hours) -> Iterator[Figure]:
    section = _("Calling hours")
    for day in WEEKDAYS:
        periods = hours.week.get(day, ())
        value = rule_texts.periods_text(periods) or _("shut")
        yield _figure(f"hours.week.{day}", section, weekday(day).capitalize(), value, hours)
    shut = hours.holidays or ""
    if shut and hours.any_region:
        shut = _("%(country)s, those of every region") % {"country": shut}
    yield _figure(
        "hours.holidays",
        section,
        _("Public holidays that are shut"),
        shut or _("none of them"),
        hours,
    )
    if hours.early_ends:
        early = rule_texts.early_text(hours.early_ends)
        yield _figure("hours.early_ends", section, _("Days that end early"), early, hours)


def _cap(cap: Cap) -> Figure:
    unit = "contact" if cap.inbound else cap.unit
    words = ngettext(
        "at most %(most)s in %(days)s day", "at most %(most)s in %(days)s days", cap.days
    )
    value = words % {"most": cap.most, "days": cap.days}
    key = f"caps.{unit}.{cap.days}"
    return _figure(key, _("How often"), str(UNITS[unit]).capitalize(), value, cap)


def _refusal(rules: Rules) -> Iterator[Figure]:
    if rules.refusal is None:
        return
    days = rules.refusal.days
    rest = ngettext("%(n)s day of rest", "%(n)s days of rest", days or 0) % {"n": days}
    value = rest if days else _("no rest: only an objection counts")
    yield _figure("refusal", _("After a no"), _("Who said no"), value, rules.refusal)


def _consent(rules: Rules) -> Iterator[Figure]:
    if rules.consent is None:
        return
    asked = _("needed, with proof") if rules.consent.required else _("not needed")
    yield _figure("consent.required", _("Consent"), _("To be sold to"), asked, rules.consent)
    if rules.consent.instead:
        value = "; ".join(rules.consent.instead)
        yield _figure(
            "consent.instead", _("Consent"), _("What stands for one"), value, rules.consent
        )


def _list(one: ListRule) -> Figure:
    words = ngettext(
        "our copy at most %(days)s day old, %(pardon)s",
        "our copy at most %(days)s days old, %(pardon)s",
        one.max_age_days,
    )
    value = words % {"days": one.max_age_days, "pardon": PARDONS[one.consent_beats]}
    return _figure(f"lists.{one.name}", _("National lists"), one.name, value, one)


def _product(product: Product) -> Iterator[Figure]:
    ours = _("Our own figures")
    rows = (
        ("reading_hours", _("Time to read an offer"), _("%(n)s h"), product.reading_hours),
        ("min_gap_hours", _("Between two calls"), _("%(n)s h"), product.min_gap_hours),
        ("lease_seconds", _("Nobody else calls for"), _("%(n)s s"), product.lease_seconds),
        ("permit_seconds", _("An answer is good for"), _("%(n)s s"), product.permit_seconds),
    )
    for name, label, unit, value in rows:
        yield _figure(f"product.{name}", ours, label, unit % {"n": value}, product)
    for channel, label_ in CHANNELS.items():
        grade = product.grades[channel]  # type: ignore[index]
        value_ = f"{grade}: {GRADES[grade]}"
        yield _figure(
            f"product.grades.{channel}",
            _("What proves arrival"),
            str(label_).capitalize(),
            value_,
            product,
        )
