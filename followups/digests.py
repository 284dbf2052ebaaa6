"""How notices read: one sentence each, and mails of them, grouped and counted, the worst first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from crm import instants
from followups import briefing, invitations, notice_words, password_letters
from followups.models import Notice

# Nobody reads three hundred lines: so many of each group, and how many more there are.
MOST_LINES = 10
# A calendar takes one entry from one mail; more at once (after an outage) are a list in one mail.
MOST_ENTRIES = 3


@dataclass(frozen=True)
class Mail:
    """A mail to a person of the house, in words."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Group:
    """Notices of one matter; the title is empty where the sentence says it all."""

    title: str
    lines: list[str]
    more: str


GOOD = ("reassigned", "signature_given", "override_granted", "override_refused")
# Somebody waits for these.
SIGN = ("override_to_sign", "withdrawal_to_sign", "arrival_to_sign", "override_asked")
# What a notice is about, the worst first, and within each matter likewise.
GROUPS: tuple[tuple[Callable[[], str], tuple[str, ...]], ...] = (
    (lambda: _("Somebody waits for your word"), SIGN),
    (
        lambda: _("Calls that were promised"),
        (
            "callback_lateness_owner_and_team",
            "callback_lateness_owner",
            "item_conflict",
            invitations.CANCELLED,
            invitations.AGREED,
        ),
    ),
    (
        lambda: _("Broken promises"),
        (
            briefing.DIGEST,
            "lateness_management",
            "lateness_operations",
            "lateness_supervisor",
        ),
    ),
    (
        lambda: _("Machines that need a look"),
        ("finding", "source_silent", "webhook_dead", "webhook_gone", "poison", "finding_gone"),
    ),
    (lambda: _("Left undone"), ("item_left",)),
    (lambda: _("Due, and nothing has arrived"), ("lateness_owner_and_team",)),
    (
        lambda: _("Left, but not proven"),
        (
            "proof_management",
            "proof_operations",
            "proof_supervisor",
            "proof_owner_and_team",
            "proof_owner",
        ),
    ),
    (
        lambda: _("Yours to settle"),
        (
            "item_plan_exhausted",
            "item_unknown_send",
            "item_address_to_fix",
            "item_paper",
            "item_answer_to_write",
        ),
    ),
    (lambda: _("Customers who answered"), ("item_accepted", "item_answer")),
    (lambda: _("Due soon"), ("lateness_early", "lateness_owner")),
    (lambda: _("Good to know"), (*GOOD, *password_letters.KINDS)),
)
GROUPED = frozenset(chain.from_iterable(kinds for _title, kinds in GROUPS))


def letters(batch: list[Notice]) -> list[list[Notice]]:
    """Which mails these notices of one person are: one, save that the digest for management and
    the link to set a password come by themselves, and a call which was agreed or called off with
    all else of that promise."""
    for kinds in (password_letters.KINDS, (briefing.DIGEST,)):
        alone = [notice for notice in batch if notice.kind in kinds]
        if alone:
            rest = [notice for notice in batch if notice not in alone]
            return [alone, *(letters(rest) if rest else [])]
    calls = {notice.promise_id for notice in batch if notice.kind in invitations.KINDS}
    if len(calls) > MOST_ENTRIES:
        return [batch]
    entries = [[n for n in batch if n.promise_id == call] for call in sorted(filter(None, calls))]
    rest = [notice for notice in batch if notice.promise_id not in calls]
    return [*entries, rest] if rest else entries


def compose(letter: list[Notice]) -> Mail:
    """One mail in the language that is active. About one matter its subject says which."""
    # Of several that wait, the newest says it all, and an older link does not open any more.
    if letter[-1].kind == briefing.DIGEST:
        return _brief(letter[-1])
    if letter[-1].kind in password_letters.KINDS:
        words = password_letters.compose(letter[-1])
        return Mail(words.subject, words.text, words.html)
    since = instants.brief(min(notice.at for notice in letter))
    told = still_true(letter)
    lone = len(told) == 1 or _one_promise(told)
    groups = grouped(told)
    subject = groups[0].lines[0] if lone else _("%(n)s notices wait for you") % {"n": len(told)}
    since = "" if lone else _("Since %(when)s:") % {"when": since}
    return _written(letter[0], subject, groups, titled=not lone, since=since)


def _brief(notice: Notice) -> Mail:
    """The daily digest for management: its figures, then the list, the worst first."""
    parts = [Group(*part) for part in briefing.parts(notice)]
    return _written(notice, briefing.subject(notice), parts, titled=True, page="board")


def _written(
    notice: Notice,
    subject: str,
    groups: list[Group],
    *,
    titled: bool,
    since: str = "",
    page: str = "notices",
) -> Mail:
    context = {
        "groups": groups,
        "titled": titled,
        "since": since,
        "url": settings.BASE_URL + reverse(page),
        "language": notice.user.language,
    }
    text = render_to_string("emails/notice.txt", context)
    return Mail(subject, text, render_to_string("emails/notice.html", context))


def still_true(letter: list[Notice]) -> list[Notice]:
    """Without what a later one has overtaken: who reads that a promise is broken need not read
    that it is due soon, nor of an hour that was called off again."""
    last = {(notice.promise_id, _course(notice)): notice for notice in letter}
    return [n for n in letter if not _course(n) or last[n.promise_id, _course(n)] is n]


def _course(notice: Notice) -> str:
    """Of which course of events it is a step; empty when it stands for itself."""
    if notice.promise_id is None:
        return ""
    if notice.kind in invitations.KINDS:
        return "call"
    return "rung" if notice.kind.startswith(("lateness_", "proof_")) else ""


def _one_promise(letter: list[Notice]) -> bool:
    return letter[0].promise_id is not None and len({n.promise_id for n in letter}) == 1


def grouped(letter: list[Notice]) -> list[Group]:
    """The matters of these notices, the worst first; in each at most MOST_LINES sentences."""
    found: dict[str, list[Notice]] = {}
    for notice in letter:
        found.setdefault(notice_words.voiced_of(notice), []).append(notice)
    unknown = (_other_title, tuple(sorted(found.keys() - GROUPED)))
    groups = []
    for title, kinds in (*GROUPS, unknown):
        mine = [notice for kind in kinds for notice in found.get(kind, ())]
        if mine:
            groups.append(_group(title(), mine))
    return groups


def _other_title() -> str:
    return _("Other")


def _group(title: str, mine: list[Notice]) -> Group:
    more = len(mine) - MOST_LINES
    return Group(
        title=f"{title} ({len(mine)})",
        lines=[notice_words.sentence(notice) for notice in mine[:MOST_LINES]],
        more=_("and %(n)s more") % {"n": more} if more > 0 else "",
    )
