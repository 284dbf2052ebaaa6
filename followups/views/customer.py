"""The customer's page: a door that says nothing; behind it the offer, promises and choices.

A GET shows nothing personal and changes nothing: mail scanners fetch every link. All the rest is a
press, and works without scripts and without cookies.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_http_methods

from config import clock, limits
from config.celery import nudge
from crm.models import Preference
from crm.suppressions import LASTS
from followups import answering, promised, visits, wishing
from followups.presses import Said
from followups.views import doors
from followups.views.words import Words, chosen, clock_time, told, weekday
from followups.views.words import moment as said_moment
from followups.visits import Visit
from offers import answers, documents
from offers.models import Answer, Document
from offers.wording import LANGUAGES, day

OWN_DOMAIN = {"", "same-origin", "same-site", "none"}


@dataclass(frozen=True)
class Here:
    """One request by somebody whose link is good."""

    request: HttpRequest
    visit: Visit
    words: Words
    at: datetime

    @property
    def form(self) -> str:
        """The form that was pressed; one that is none is a new one."""
        try:
            return uuid.UUID(self.request.POST.get("form", "")).hex
        except ValueError:
            return uuid.uuid4().hex

    def said(self, name: str) -> str:
        return str(self.request.POST.get(name, ""))


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, token: str, name: str = "") -> HttpResponse:
    """Every page behind a link. Unknown, expired and revoked links look the same."""
    who, at = limits.caller(request), clock.now()
    if doors.kept_out(who):
        return doors.plain("often", 429)
    visit = visits.arrive(token, at=at)
    if visit is None or name not in PAGES:
        return doors.missed(who)
    here = Here(request, visit, Words(chosen(request, visit.customer.language)), at)
    foreign = request.headers.get("Sec-Fetch-Site", "") not in OWN_DOMAIN
    if request.method != "POST" or foreign:
        return _door(here, name)
    return PAGES[name](here)


def _render(here: Here, template: str, status: int = 200, **context: object) -> HttpResponse:
    with translation.override(here.words.language):
        text = render_to_string(
            f"page/{template}.html",
            {
                "words": here.words,
                "language": here.words.language,
                "languages": [(code, Words(code)["language_name"]) for code in LANGUAGES],
                "company": settings.COMPANY_NAME,
                "root": f"/o/{here.visit.token}/",
                "form": uuid.uuid4(),
                "offer_here": here.visit.version is not None,
                **context,
            },
        )
    return HttpResponse(text, status=status)


def _door(here: Here, name: str) -> HttpResponse:
    """The operator's name and one button."""
    where = name if name in ("promises", "preferences") else ""
    button = {"promises": "show_promises", "preferences": "show_wishes"}.get(where)
    shown = "show_offer" if here.visit.version else "show_document"
    return _render(
        here,
        "door",
        action=f"{where}/" if where else "",
        button=here.words[button or shown],
        door_words=here.words.say("door_words", company=settings.COMPANY_NAME),
    )


def _show(here: Here) -> HttpResponse:
    answering.show(here.visit, form=here.form, at=here.at)
    return _offer(here)


def _offer(here: Here) -> HttpResponse:
    visit, words = here.visit, here.words
    version = visit.version
    until = visits.valid_until(visit, at=here.at)
    return _render(
        here,
        "offer" if version else "document",
        offer=documents.worded(version, words.language) if version else None,
        ready=words.say("document_words", title=_title(visit)),
        decided=_decided(visit),
        standing=_standing(here),
        open=version is not None and answering.closed(visit, at=here.at) is None,
        valid=words.say("valid_until", date=day(until, words.language)) if until else "",
        promised=words.say(
            "promised_on",
            date=day(visit.local(visit.promise.made_at).date(), words.language),
            reference=visit.promise.reference,
        ),
        slots=_slots(here),
        pause_words=words.say("pause_words", days=LASTS[wishing.Kind.CUSTOMER_PAUSE].days),
        most=answering.LONGEST_QUESTION,
        contact=words.say(
            "contact", contact=settings.COMPANY_CONTACT, reference=visit.promise.reference
        ),
    )


def _title(visit: Visit) -> str:
    return visit.delivery.document.title if visit.delivery.document else ""


def _decided(visit: Visit) -> str:
    decided = answers.decision(visit.version)
    return decided.kind if decided else ""


def _standing(here: Here) -> str:
    """What was decided about this offer, or why nothing can be decided any more."""
    visit, words = here.visit, here.words
    decided = answers.decision(visit.version)
    if decided:
        key = "you_accepted" if decided.kind == Answer.Kind.ACCEPTED else "you_declined"
        return words.say(key, date=day(visit.local(decided.at).date(), words.language))
    refusal = answering.closed(visit, at=here.at) if visit.version else None
    return told(visit, refusal, words) if refusal else ""


def _slots(here: Here) -> list[tuple[str, list[tuple[str, str]]]]:
    """The slots by day: what the day is called, and value and time of each."""
    zone, language = here.visit.local, here.words.language
    found = [(zone(slot), slot.isoformat()) for slot in wishing.slots(here.visit, at=here.at)]
    return [
        (weekday(on, language), [(value, clock_time(local, language)) for local, value in slots])
        for on, slots in groupby(found, key=lambda slot: slot[0].date())
    ]


def _answer(here: Here) -> HttpResponse:
    """One of the buttons. What it says is what happened."""
    press = BUTTONS.get(here.said("do"))
    if press is None:
        return doors.plain("nothing", 404)
    said = press(here)
    if said.key == "no_such_promise":
        return doors.plain("nothing", 404)
    if said.done:
        nudge("send")
    return _render(
        here, "said", status=200 if said.done else 409, said=told(here.visit, said, here.words)
    )


def _ask(here: Here) -> Said:
    words = here.said("words").replace("\r\n", "\n")
    return answering.ask(here.visit, form=here.form, words=words, at=here.at)


def _call_me(here: Here) -> Said:
    try:
        slot = datetime.fromisoformat(here.said("slot"))
    except ValueError:
        slot = None
    if slot is not None and slot.tzinfo is None:
        slot = None
    return wishing.call_me(here.visit, form=here.form, slot=slot, at=here.at)


def _never_received(here: Here) -> Said:
    return answering.never_received(
        here.visit, form=here.form, reference=here.said("promise"), at=here.at
    )


BUTTONS: dict[str, Callable[[Here], Said]] = {
    "accept": lambda here: answering.accept(here.visit, form=here.form, at=here.at),
    "decline": lambda here: answering.decline(here.visit, form=here.form, at=here.at),
    "ask": _ask,
    "never_received": _never_received,
    "pause": lambda here: wishing.pause(here.visit, form=here.form, at=here.at),
    "never_call": lambda here: wishing.never_call(here.visit, form=here.form, at=here.at),
    "call_me": _call_me,
}


def _promises(here: Here) -> HttpResponse:
    visit, words = here.visit, here.words
    rows = []
    for line in promised.lines(visit.customer, at=here.at):
        made = day(visit.local(line.promise.made_at).date(), words.language)
        reference = line.promise.reference
        state = words.say(
            line.state,
            date=day(visit.local(line.at).date(), words.language),
            moment=said_moment(visit, line.at, words),
        )
        rows.append(
            {
                "made": words.say("we_promised", date=made),
                "words": line.promise.text.words,
                "reference": reference,
                "reference_words": words.say("reference_words", reference=reference),
                "state": state,
                "late": line.state.endswith("late"),
                "denied": words.say("never_received_of", reference=reference),
                "deniable": line.deniable,
            }
        )
    return _render(here, "promises", rows=rows)


def _preferences(here: Here) -> HttpResponse:
    """Shows the choices; with `do=choose` keeps them first."""
    topics = [*Preference.Topic.values, "calls"]
    said = ""
    if here.said("do") == "choose":
        wanted = {topic: here.said(topic) == "yes" for topic in topics}
        done = wishing.choose(here.visit, form=here.form, wanted=wanted, at=here.at)
        said = told(here.visit, done, here.words)
    now = wishing.wishes(here.visit)
    wishes = [(topic, here.words[f"wish_{topic}"], now[topic]) for topic in topics]
    return _render(here, "preferences", wishes=wishes, said=said)


def _pdf(here: Here) -> HttpResponse:
    visit = here.visit
    row: Document | None = visit.delivery.document
    if visit.version:
        language = here.words.language
        pdf = documents.preview(version=visit.version, language=language)
    elif row:
        pdf = bytes(row.pdf)
    else:
        return doors.plain("nothing", 404)
    response = HttpResponse(pdf, content_type="application/pdf")
    name = f"{visit.promise.reference}.pdf"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


PAGES: dict[str, Callable[[Here], HttpResponse]] = {
    "": _show,
    "answer": _answer,
    "promises": _promises,
    "preferences": _preferences,
    "pdf": _pdf,
}
