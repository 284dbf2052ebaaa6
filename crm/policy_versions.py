"""Policies that the house writes: drafts, their dry run, their activation. The only writer.

A draft is changed by whoever saw its latest state; what was activated never changes (the trigger
policy_version_stands holds it as well). The presets are files of the release and have no row.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from pydantic import ValidationError

from crm import audit, calling_hours, instants, policies, rule_faults
from crm.actors import Actor
from crm.models import PolicyVersion
from crm.policies import Policy
from crm.rule_faults import Fault
from crm.rules import Rules

# Together with the @ between them they are a label, which rows keep in 40 characters.
LONGEST_LABEL = 40
NAME = re.compile(r"[a-z][a-z0-9-]{1,19}", re.ASCII)
VERSION = re.compile(r"[a-z0-9][a-z0-9.-]{0,19}", re.ASCII)
# By it calls without a campaign are judged, and the feed, whose readers nobody would tell.
BARE = "none"
TURN = "SELECT pg_advisory_xact_lock(hashtext('policy activation'))"
_TICK = timedelta(microseconds=1)


class Refused(ValueError):
    """What was given cannot be a version, or not now; `faults` say why, figure by figure."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(" ".join(fault.message for fault in faults))
        self.faults = faults


class Overtaken(Exception):
    """Somebody else changed, dropped or activated the draft since it was read."""


def copy(
    *,
    source: str,
    rules: dict[str, Any],
    name: str,
    version: str,
    title: str,
    by: Actor,
    at: datetime,
) -> PolicyVersion:
    """A draft with the figures of `source` (a label), every one of them. Raises Refused."""
    _check_label(name, version)
    _check(rules, title, at)
    facts = {"name": name, "version": version, "title": title.strip(), "rules": rules}
    try:
        with transaction.atomic():
            row = PolicyVersion.objects.create(
                **facts,
                copied_from=source,
                drafted_at=at,
                drafted_by=by.code,
                changed_at=at,
                changed_by=by.code,
            )
            data = {"copied_from": source}
            audit.write(action="policy_drafted", subject=_subject(row), by=by, at=at, data=data)
    except IntegrityError as error:
        raise Refused(_taken()) from error
    return row


def change(
    *,
    draft: PolicyVersion,
    seen_at: datetime,
    title: str,
    rules: dict[str, Any],
    by: Actor,
    at: datetime,
) -> datetime:
    """The draft as it is from now on; returns when it was changed. `seen_at` is the `changed_at`
    that the editor began from. Raises Refused, and Overtaken when somebody was faster.

    What a dry run found is forgotten: it was about other figures.
    """
    _check(rules, title, at)
    changed_at = max(at, seen_at + _TICK)
    with transaction.atomic():
        won = _standing(draft, changed_at=seen_at).update(
            title=title.strip(),
            rules=rules,
            changed_at=changed_at,
            changed_by=by.code,
            compared=None,
            compared_at=None,
            compared_by="",
        )
        if not won:
            raise Overtaken
        audit.write(action="policy_changed", subject=_subject(draft), by=by, at=at)
    return changed_at


@transaction.atomic
def drop(*, draft: PolicyVersion, by: Actor, at: datetime) -> bool:
    """The draft is given up, and its version's name is free again; False when it was gone."""
    won = _standing(draft).update(dropped_at=at, dropped_by=by.code)
    if won:
        audit.write(action="policy_dropped", subject=_subject(draft), by=by, at=at)
    return bool(won)


@transaction.atomic
def keep_comparison(
    *, draft: PolicyVersion, found: dict[str, Any], by: Actor, at: datetime
) -> datetime | None:
    """What a dry run of the draft, as it was read, found; None when it has changed since.

    Returns the instant by which whoever activates shows to have seen it. Figures and ids only.
    """
    compared_at = max(at, draft.changed_at + _TICK)
    won = _standing(draft, changed_at=draft.changed_at).update(
        compared=found, compared_at=compared_at, compared_by=by.code
    )
    if won:
        audit.write(action="policy_compared", subject=_subject(draft), by=by, at=at)
    return compared_at if won else None


@transaction.atomic
def activate(
    *, draft: PolicyVersion, seen_at: datetime, effective_from: date, by: Actor, at: datetime
) -> None:
    """From `effective_from` on the gate judges by this version; it never changes again.

    `seen_at` is the instant of the dry run that was read. Raises Refused: for nobody in person,
    a day that is over, a dry run of another day or against a version no longer in force. Raises
    Overtaken when the draft, or its dry run, is not the one that was seen.
    """
    with connection.cursor() as cursor:
        # One at a time: the gate looks at the newest instant only, so that a later commit must
        # never bring an earlier one.
        cursor.execute(TURN)
    row = _standing(draft, compared_at=seen_at).first()
    if row is None:
        raise Overtaken
    _check_activation(row, effective_from, by, at)
    newest = PolicyVersion.objects.aggregate(newest=Max("activated_at"))["newest"]
    won = _standing(row, compared_at=seen_at, changed_at__lt=seen_at).update(
        effective_from=effective_from,
        activated_at=max(at, newest + _TICK) if newest else at,
        activated_by=by.code,
    )
    if not won:
        raise Overtaken
    data = {"effective_from": effective_from.isoformat(), "compared_at": seen_at.isoformat()}
    audit.write(action="policy_activated", subject=_subject(row), by=by, at=at, data=data)


def stands_for(draft: PolicyVersion, *, at: datetime) -> Policy:
    """The version in force beside which a draft is compared.

    Of its own policy; of a name that is not in force yet, that of what it was copied from.
    """
    policies.refresh()
    row: PolicyVersion | None = draft
    name = draft.name
    while name not in {policy.name for policy in policies.in_force(at=at)}:
        if row is None:
            return policies.get(BARE, at=at)
        name, _at, version = row.copied_from.partition("@")
        row = PolicyVersion.objects.filter(name=name, version=version, dropped_at=None).first()
    return policies.get(name, at=at)


def _standing(draft: PolicyVersion, **seen: Any) -> Any:
    """The row while it is a draft, and as it was seen."""
    return PolicyVersion.objects.filter(pk=draft.pk, activated_at=None, dropped_at=None, **seen)


def _check_activation(row: PolicyVersion, effective_from: date, by: Actor, at: datetime) -> None:
    today = instants.house(at).date()
    if by.user is None:
        raise Refused(Fault("", _("A person has to activate it, by name.")))
    if effective_from < today:
        raise Refused(Fault("effective_from", _("This day is over: today or later.")))
    compared = row.compared or {}
    if row.compared_at is None or instants.house(row.compared_at).date() != today:
        raise Refused(Fault("", _("The dry run is of another day. Let it run again.")))
    if compared["against"] != stands_for(row, at=at).label:
        words = _("Another version has come into force since the dry run. Let it run again.")
        raise Refused(Fault("", words))
    _check(row.rules, row.title, at)


def _check_label(name: str, version: str) -> None:
    if name == BARE:
        words = _("The policy without rules stays as it is. Give the copy a name of its own.")
        raise Refused(Fault("name", words))
    if NAME.fullmatch(name) is None:
        words = _("2 to 20 small letters, digits or hyphens, beginning with a letter.")
        raise Refused(Fault("name", words))
    if VERSION.fullmatch(version) is None:
        words = _("1 to 20 small letters, digits, points or hyphens.")
        raise Refused(Fault("version", words))
    if len(name) + 1 + len(version) > LONGEST_LABEL:
        raise Refused(Fault("version", _("Name and version are too long together.")))
    if f"{name}@{version}" in {policy.label for policy in policies.every()}:
        raise Refused(_taken())


def _taken() -> Fault:
    return Fault("version", _("This policy has a version of that name already."))


def _check(rules: dict[str, Any], title: str, at: datetime) -> None:
    """Everything that is wrong at once, so that nobody mends one figure after the other."""
    found = []
    if not 3 <= len(title.strip()) <= 120:
        found.append(Fault("title", _("A title of 3 to 120 characters.")))
    try:
        found += _unusable(Rules.read(rules), at)
    except ValidationError as error:
        found += rule_faults.faults(error)
    if found:
        raise Refused(*found)


def _unusable(rules: Rules, at: datetime) -> list[Fault]:
    """Hours that the gate could not work with: it would deny everybody with an error."""
    if rules.hours is None:
        return []
    if not rules.country:
        return [Fault("country", _("Hours need a country, by whose clocks they are read."))]
    try:
        calling_hours.until_change(rules.hours, country=rules.country, at=at)
    except ValueError:
        words = _("There is no moment at which these hours are open everywhere in the country.")
        return [Fault("hours.week.mon", words)]
    return []


def _subject(row: PolicyVersion) -> str:
    return f"policy:{row.name}@{row.version}"
