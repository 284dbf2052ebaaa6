"""`manage.py policies [NAME]`: the rules of the gate by country, each figure with its source."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import clock
from crm import policies
from crm.policies import Policy
from crm.rules import Part


class Command(BaseCommand):
    help = "Lists the policies in force, or the figures of one of them. No legal advice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        policies.refresh()
        if not options["name"]:
            for policy in policies.in_force(at=clock.now()):
                read = "" if policy.rules.verified else " (not verified)"
                self.stdout.write(f"{policy.label}: {policy.title}{read}")
            return
        try:
            policy = policies.get(options["name"], at=clock.now())
        except policies.UnknownPolicy as error:
            raise CommandError(str(error)) from error
        for line in _lines(policy):
            self.stdout.write(line)


def _lines(policy: Policy) -> Iterator[str]:
    rules = policy.rules
    yield f"{policy.label}: {policy.title}"
    yield f"in force since {policy.effective_from}; {'' if rules.verified else 'not '}verified"
    if rules.hours:
        for day, periods in rules.hours.week.items():
            yield f"  {day}: {', '.join(f'{begins}-{ends}' for begins, ends in periods)}"
        yield f"  public holidays shut: {rules.hours.holidays or 'no'}"
        yield _source(rules.hours)
    for cap in rules.caps:
        yield f"  at most {cap.most} {cap.unit}s in {cap.days} days"
        yield _source(cap)
    if rules.refusal and rules.refusal.days:
        yield f"  {rules.refusal.days} days of rest after a no"
        yield _source(rules.refusal)
    if rules.consent and rules.consent.required:
        yield "  only with consent"
        yield _source(rules.consent)
    for one in rules.lists:
        yield f"  national list {one.name}, at most {one.max_age_days} days old"
        yield _source(one)
    hours = rules.product
    yield f"  {hours.reading_hours} h to read an offer, {hours.min_gap_hours} h between calls"
    yield _source(hours)
    if rules.watch:
        yield f"  watch: {rules.watch}"
    yield "This is data for the software, not legal advice."


def _source(part: Part) -> str:
    return f"      {part.kind}: {part.source}"
