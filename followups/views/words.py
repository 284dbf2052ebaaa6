"""The words of the customer's page: its texts, dates and instants, in the customer's language."""

from __future__ import annotations

from datetime import date, datetime

from babel.dates import format_date, format_time
from django.conf import settings
from django.http import HttpRequest

from followups.presses import Said
from followups.visits import Visit
from offers.wording import LANGUAGES, LOCALES, day, say

WEEKDAY = {"fr": "EEEE d MMMM", "nl": "EEEE d MMMM", "de": "EEEE, d. MMMM", "en": "EEEE d MMMM"}


class Words:
    """The texts in one language, by name: `{{ words.accept }}`. KeyError for one that is none."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __getitem__(self, key: str) -> str:
        return say("page_texts", key, self.language)

    def say(self, key: str, **values: object) -> str:
        return say("page_texts", key, self.language, **values)


def chosen(request: HttpRequest, otherwise: str) -> str:
    """The language that was asked for, else the customer's."""
    asked = request.POST.get("lang") or request.GET.get("lang") or ""
    return asked if asked in LANGUAGES else otherwise


def weekday(on: date, language: str) -> str:
    return format_date(on, WEEKDAY[language], locale=LOCALES[language])


def clock_time(local: datetime, language: str) -> str:
    return format_time(local, "HH:mm", locale=LOCALES[language])


def moment(visit: Visit, at: datetime, words: Words) -> str:
    """An instant in the middle of a sentence, on the clock of the team."""
    local, language = visit.local(at), words.language
    spoken = weekday(local.date(), language)
    return words.say("moment", day=spoken, time=clock_time(local, language))


def told(visit: Visit, said: Said, words: Words) -> str:
    """What is said after a press, with its dates and people filled in."""
    values = dict(said.values)
    at, on = values.pop("at", None), values.pop("day", None)
    if isinstance(at, datetime):
        values["moment"] = moment(visit, at, words)
        values["date"] = day(visit.local(at).date(), words.language)
    if isinstance(on, date):
        values["date"] = day(on, words.language)
    values["owner"] = visit.promise.owner.first_name or settings.COMPANY_NAME
    return words.say(f"said_{said.key}", **values)
