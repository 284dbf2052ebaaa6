"""Before the customer's page: a letter's code, the one-click of a mail, and who is not let in."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.http import require_http_methods

from config import clock, limits
from followups import visits, wishing
from followups.views.words import Words, chosen
from offers import links
from offers.wording import LANGUAGES, say

# Links that open nothing, from one place, before nobody is let in from there for a while.
MISSES, MOST_MISSES, MISSES_FOR = "page_miss", 60, 600


def kept_out(who: str) -> bool:
    """Whether this place has tried too many links."""
    return limits.full(MISSES, who, most=MOST_MISSES)


def missed(who: str) -> HttpResponse:
    """No link of ours, or one no more: counted, and always the same answer."""
    limits.count(MISSES, who, seconds=MISSES_FOR)
    return plain("nothing", 404)


def plain(name: str, status: int, languages: Sequence[str] = LANGUAGES) -> HttpResponse:
    """Without a visit no language is known: it is said in all of them."""
    texts = [
        {
            "language": code,
            "title": say("page_texts", f"{name}_title", code),
            "words": say("page_texts", f"{name}_words", code, contact=settings.COMPANY_CONTACT),
        }
        for code in languages
    ]
    context = {"texts": texts, "company": settings.COMPANY_NAME}
    return HttpResponse(render_to_string("page/plain.html", context), status=status)


@login_not_required
def nothing(request: HttpRequest) -> HttpResponse:
    """Any other address below the door."""
    return plain("nothing", 404)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def paper(request: HttpRequest) -> HttpResponse:
    """With a letter in hand: its code and the postcode open the door."""
    who = limits.caller(request)
    if kept_out(who):
        return plain("often", 429)
    words, wrong = Words(chosen(request, _preferred(request))), False
    if request.method == "POST" and "code" in request.POST:
        code, postcode = request.POST["code"][:40], request.POST.get("postcode", "")[:20]
        delivery = links.by_paper(code, postcode)
        visit = visits.arrive(links.token(delivery), at=clock.now()) if delivery else None
        if visit:
            return HttpResponseRedirect(f"/o/{visit.token}/?lang={words.language}")
        limits.count(MISSES, who, seconds=MISSES_FOR)
        wrong = True
    context = {
        "words": words,
        "language": words.language,
        "languages": [(code, Words(code)["language_name"]) for code in LANGUAGES],
        "company": settings.COMPANY_NAME,
        "wrong": wrong,
    }
    return HttpResponse(render_to_string("page/paper.html", context), status=409 if wrong else 200)


def _preferred(request: HttpRequest) -> str:
    """Whoever types a code has not said who they are: the language of their browser."""
    asked = request.headers.get("Accept-Language", "")[:200]
    for code, _weight in parse_accept_lang_header(asked):
        if code[:2] in LANGUAGES:
            return code[:2]
    return LANGUAGES[0]


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """One click of a mail program (RFC 8058). A GET changes nothing and leads to the choices."""
    who, at = limits.caller(request), clock.now()
    if kept_out(who):
        return plain("often", 429)
    visit = visits.arrive(token, at=at, expired=True)
    if visit is None:
        limits.count(MISSES, who, seconds=MISSES_FOR)
        return plain("nothing", 404)
    if request.method != "POST":
        return HttpResponseRedirect(f"/o/{token}/preferences/")
    wishing.unsubscribe(visit, at=at)
    return plain("left", 200, [visit.customer.language])
