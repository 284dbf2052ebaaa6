"""Field maps: how a dialer's own payload tells of a call in our words. Pure; a map is data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from crm import wallclock
from crm.models import Attempt, Campaign

EVENTS = ("started", "answered", "ended", "failed")
IGNORE = "ignore"
OVER = ("ended", "failed")
INSTANTS = ("at", "started_at", "answered_at", "ended_at")
TEXTS = (
    "external_id",
    "number",
    "customer",
    "campaign",
    "agent",
    "disposition",
    "note",
    "decision_id",
    "scrub_id",
    "recording_ref",
)
# What may stand there, whatever the dialer calls it; "" says nothing.
CLOSED: dict[str, frozenset[str]] = {
    "event": frozenset({*EVENTS, IGNORE}),
    "direction": frozenset(Attempt.Direction.values),
    "purpose": frozenset({*Campaign.Purpose.values, ""}),
    "result": frozenset({*Attempt.Result.values, ""}),
}
# A dialer repeats its fields in every event; how a call went is known when it is over.
AT_THE_END = frozenset({"result", "disposition", "talk_seconds"})
FIELDS = frozenset({*TEXTS, *INSTANTS, *CLOSED, "talk_seconds"})
NEEDED = ("external_id", "event", "direction")
RULE = frozenset({"from", "values", "default", "present", "absent", "format"})
FORMATS = frozenset({"iso", "unix", "unix_ms", "rfc2822"})
LONGEST = {"external_id": 120, "note": 10_000, "recording_ref": 200}
LONGEST_TEXT = 250
LONGEST_TALK = timedelta(days=1)
UTC_ZONE = ZoneInfo("UTC")
# What the readers of instants raise, each in its own way.
NO_INSTANT = (ValueError, TypeError, ArithmeticError, OSError)


class BadMap(ValueError):
    """A map that cannot be used; the message says where and why."""


class Unreadable(ValueError):
    """A payload that cannot be taken: (field of ours, why), one for each field that is wrong."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{name}: {why}" for name, why in faults))


@dataclass(frozen=True)
class Told:
    """One event of one call, as the dialer tells it. Instants are aware."""

    event: str
    texts: Mapping[str, str]
    instants: Mapping[str, datetime] = field(default_factory=dict)
    talk: timedelta | None = None

    def __getitem__(self, name: str) -> str:
        return self.texts.get(name, "")


# --- reading a payload ------------------------------------------------------------------------


def read(field_map: Mapping[str, Any], payload: Mapping[str, Any], *, zone: str) -> Told | None:
    """What the payload says; None for an event that the map knows and does not want.

    Raises Unreadable, naming each field that is wrong. Wall-clock times are those of `zone`.
    """
    reading = _Reading(field_map, payload, wallclock.zone_of(zone))
    event = reading.text("event")
    if event == IGNORE:
        return None
    wanted = {name for name in field_map if event in OVER or name not in AT_THE_END}
    named = sorted(wanted - {"event", "talk_seconds", *INSTANTS})
    texts = {name: value for name in named if (value := reading.text(name))}
    instants = {
        name: instant
        for name in INSTANTS
        if name in wanted and (instant := reading.instant(name)) is not None
    }
    talk = reading.talk() if "talk_seconds" in wanted else None
    for name in NEEDED:
        if name != "event" and name not in texts:
            reading.wrong(name, _("This is missing."))
    if reading.faults:
        raise Unreadable(*reading.faults.items())
    return Told(event=event, texts=texts, instants=instants, talk=talk)


@dataclass
class _Reading:
    """One payload under one map, with what is wrong in it."""

    field_map: Mapping[str, Any]
    payload: Mapping[str, Any]
    zone: ZoneInfo
    faults: dict[str, str] = field(default_factory=dict)

    def wrong(self, name: str, why: str) -> None:
        self.faults.setdefault(name, why)

    def text(self, name: str) -> str:
        """The value of a field of ours, translated; "" when it is not there, or is wrong."""
        rule = self.field_map.get(name, {})
        raw = self._raw(name, rule)
        if "present" in rule:
            value = rule["present"] if raw else rule["absent"]
        elif raw == "":
            value = rule.get("default", "")
        elif "values" in rule:
            value = rule["values"].get(raw)
        else:
            value = raw
        if value is None or (value not in CLOSED.get(name, {value}) and (value or name == "event")):
            self.wrong(name, _unknown(rule, raw))
            return ""
        return str(value)

    def instant(self, name: str) -> datetime | None:
        text = self.text(name)
        if not text:
            return None
        try:
            return instant_of(text, self.field_map[name].get("format", "iso"), self.zone)
        except NO_INSTANT:
            self.wrong(name, _("This is not an instant as the map of this source writes it."))
            return None

    def talk(self) -> timedelta | None:
        text = self.text("talk_seconds")
        try:
            talk = timedelta(seconds=float(text)) if text else None
        except (ValueError, OverflowError):
            talk = timedelta(-1)
        if talk is not None and not timedelta() <= talk <= LONGEST_TALK:
            self.wrong("talk_seconds", _("This is not a number of seconds within a day."))
            return None
        return talk

    def _raw(self, name: str, rule: Mapping[str, Any]) -> str:
        source = rule.get("from", "")
        if isinstance(source, dict):
            source = source.get(self.text("direction"), "")
        value: Any = self.payload if source else None
        for step in source.split(".") if source else ():
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, bool):
            value = str(value).lower()
        if value is None or isinstance(value, str | int | float):
            return self._storable(name, "" if value is None else str(value))
        self.wrong(name, _("This must be text or a number."))
        return ""

    def _storable(self, name: str, text: str) -> str:
        """NUL and half characters pass through JSON; no database keeps them."""
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            self.wrong(name, _("There is a character in it that cannot be stored."))
            return ""
        most = LONGEST.get(name, LONGEST_TEXT)
        if len(text) > most:
            self.wrong(name, _("At most %(most)d characters.") % {"most": most})
            return ""
        return text if name == "number" else text.strip()


def _unknown(rule: Mapping[str, Any], raw: str) -> str:
    if not raw:
        return _("This is missing.")
    told = {"field": rule.get("from", ""), "value": raw[:60]}
    return _("The map of this source does not know %(field)s = %(value)s.") % told


def instant_of(text: str, form: str, zone: ZoneInfo) -> datetime | None:
    """An instant as a dialer writes it, in UTC; None for the zero that stands for "never".

    Raises one of NO_INSTANT for what is none.
    """
    if form in {"unix", "unix_ms"}:
        seconds = Decimal(text) / (1000 if form == "unix_ms" else 1)
        return datetime.fromtimestamp(float(seconds), UTC) if seconds else None
    if form == "rfc2822":
        instant = parsedate_to_datetime(text)
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    if form == "iso":
        if len(text) < len("2026-03-02T09:00"):  # a day is not an instant
            raise ValueError(form)
        instant = datetime.fromisoformat(text)
    else:
        instant = datetime.strptime(text, form)  # noqa: DTZ007 (the zone follows)
    return instant.astimezone(UTC) if instant.tzinfo else wallclock.instant_of(instant, zone)


# --- reading a map ----------------------------------------------------------------------------


def check(stored: Any) -> dict[str, dict[str, Any]]:
    """The map as it may be kept. Raises BadMap."""
    fields = _object(stored, "fields")
    _known(set(fields), FIELDS, "fields")
    missing = [name for name in NEEDED if name not in fields]
    if missing or not {"number", "customer"} & set(fields):
        what = ", ".join(missing or ["number"])
        raise BadMap(_("The map does not say where %(what)s is.") % {"what": what})
    return {name: _rule(name, _object(rule, name)) for name, rule in fields.items()}


def _rule(name: str, rule: dict[str, Any]) -> dict[str, Any]:
    _known(set(rule), RULE, name)
    source = rule.get("from", "")
    if isinstance(source, dict):
        if name == "direction" or set(source) != set(Attempt.Direction.values):
            raise BadMap(_("%(place)s: a field for each direction, or one.") % {"place": name})
    elif not source and "default" not in rule:
        raise BadMap(_("%(place)s: neither a field nor a default.") % {"place": name})
    if ("present" in rule) != ("absent" in rule):
        raise BadMap(_("%(place)s: present and absent go together.") % {"place": name})
    form = rule.get("format", "iso")
    if ("format" in rule and name not in INSTANTS) or not (form in FORMATS or "%" in str(form)):
        raise BadMap(_("%(place)s: unknown %(what)s.") % {"place": name, "what": "format"})
    sources = source.values() if isinstance(source, dict) else [source]
    words = [*sources, *(rule[key] for key in ("default", "present", "absent") if key in rule)]
    values = _object(rule.get("values", {}), name)
    if not all(isinstance(word, str) for word in [*words, form, *values.values()]):
        raise BadMap(_("%(place)s: everything in it is text.") % {"place": name})
    said = {*values.values(), *words[len(sources) :]}
    if name in CLOSED and said - CLOSED[name]:
        what = ", ".join(sorted(said - CLOSED[name]))
        raise BadMap(_("%(place)s: unknown %(what)s.") % {"place": name, "what": what})
    return rule


def dispositions(field_map: Mapping[str, Any]) -> set[str]:
    """The dispositions that a map speaks of."""
    rule = field_map.get("disposition", {})
    named = {*rule.get("values", {}).values(), *(rule.get(k, "") for k in ("default", "present"))}
    return named - {""}


def _object(stored: Any, place: str) -> dict[str, Any]:
    if not isinstance(stored, dict):
        raise BadMap(_("%(place)s must be an object.") % {"place": place})
    return stored


def _known(given: set[str], allowed: frozenset[str], place: str) -> None:
    if given - allowed:
        what = ", ".join(sorted(given - allowed))
        raise BadMap(_("%(place)s: unknown %(what)s.") % {"place": place, "what": what})
