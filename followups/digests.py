"""How notices read: one sentence each, and mails of them, grouped and counted, the worst first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from crm import instants
from followups import briefing, invitations, password_letters, watch_words
from followups.models import Notice, Promise

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


# What is said to the owner of a promise; and to who stands in, with the owner's name.
OWNERS = {
    "lateness_owner",
    "lateness_owner_and_team",
    "proof_owner",
    "proof_owner_and_team",
}
# Whoever leads the owner; a ladder may tell them before it is due.
LEADS = {"lateness_supervisor", "lateness_operations", "lateness_management"}


def about(notice: Notice) -> str:
    """The reference of the customer whom it is about; empty when it is about nobody."""
    return notice.promise.customer.reference if notice.promise else notice.data.get("customer", "")


def voiced(kind: str, promise: Promise | None, *, at: datetime) -> str:
    """The kind as it is said of a rung climbed at that moment: before due it is another matter
    than after it, and a promised call another than a document."""
    if promise is None:
        return kind
    early = at < promise.late_at
    if early and kind in LEADS:
        return "lateness_early"
    if kind in {"lateness_owner", "lateness_owner_and_team"}:
        kind = "lateness_owner" if early else "lateness_owner_and_team"
    callback = promise.kind == Promise.Kind.CALLBACK and f"callback_{kind}" in SENTENCES
    return f"callback_{kind}" if callback else kind


def sentence(notice: Notice) -> str:
    """The notice in words, in the language that is active."""
    promise = notice.promise
    values = {
        "reference": promise.reference if promise else "",
        "customer": about(notice),
        "owner": str(promise.owner) if promise else "",
        "slot": instants.brief(promise.due_at) if promise else "",
        "webhook": "",
        "source": "",
        **briefing.NOTHING,
        "rows": "",
        "what": watch_words.title(notice.data.get("finding", "")),
        **notice.data,
    }
    said = SENTENCES.get(_voiced(notice), _other)() % values
    return _("For %(owner)s: %(said)s") % {**values, "said": said} if _for_another(notice) else said


def _voiced(notice: Notice) -> str:
    return voiced(notice.kind, notice.promise, at=notice.at)


def _for_another(notice: Notice) -> bool:
    """Whether somebody is told of what concerns the owner: a deputy, or who leads them."""
    told = notice.kind in OWNERS or (notice.kind.startswith("item_") and notice.kind != "item_left")
    return bool(notice.promise and told and notice.user_id != notice.promise.owner_id)


def _other() -> str:
    return _("Promise %(reference)s needs a look.")


def _broken() -> str:
    return _("Promise %(reference)s of %(owner)s is broken: it was due on %(slot)s.")


def _proof_overdue() -> str:
    return _("Promise %(reference)s left in time, but its proof is overdue.")


def _unproven() -> str:
    return _("Promise %(reference)s of %(owner)s left in time, but nothing proves that it arrived.")


SENTENCES: dict[str, Callable[[], str]] = {
    "lateness_owner": lambda: _(
        "Promise %(reference)s to %(customer)s is due soon, and nothing has arrived yet."
    ),
    "lateness_owner_and_team": lambda: _(
        "Promise %(reference)s to %(customer)s was due on %(slot)s, and nothing has arrived."
    ),
    "lateness_early": lambda: _(
        "Promise %(reference)s of %(owner)s is due on %(slot)s, and nothing has arrived yet."
    ),
    **dict.fromkeys(sorted(LEADS), _broken),
    **dict.fromkeys(("proof_owner", "proof_owner_and_team"), _proof_overdue),
    **dict.fromkeys(("proof_supervisor", "proof_operations", "proof_management"), _unproven),
    briefing.DIGEST: briefing.sentence,
    "item_address_to_fix": lambda: _(
        "The address for promise %(reference)s to %(customer)s does not work: please fix it."
    ),
    "item_plan_exhausted": lambda: _(
        "Promise %(reference)s to %(customer)s cannot be delivered: no way is left."
    ),
    "item_unknown_send": lambda: _(
        "The mail for promise %(reference)s may or may not have left: please decide."
    ),
    "item_paper": lambda: _(
        "The mail room has not confirmed the sheet of promise %(reference)s to %(customer)s."
    ),
    "item_answer": lambda: _("%(customer)s answered about promise %(reference)s."),
    "item_answer_to_write": lambda: _(
        "%(customer)s asked a question: please write the answer (promise %(reference)s)."
    ),
    "item_conflict": lambda: _(
        "A call was promised to %(customer)s (%(reference)s), who wants none any more."
    ),
    "item_accepted": lambda: _("%(customer)s accepts the offer of promise %(reference)s."),
    "callback_lateness_owner": lambda: _(
        "You promised to call %(customer)s back (%(reference)s): the time is near."
    ),
    "callback_lateness_owner_and_team": lambda: _(
        "%(customer)s waits for the call that we promised for %(slot)s (%(reference)s)."
    ),
    "callback_agreed": lambda: _(
        "You call %(customer)s back on %(slot)s, as agreed (promise %(reference)s)."
    ),
    "callback_cancelled": lambda: _(
        "You need not call %(customer)s back on %(slot)s any more (promise %(reference)s)."
    ),
    "override_asked": lambda: _("An agent asks you to let one call to %(customer)s through."),
    "override_to_sign": lambda: _(
        "A supervisor let one call to %(customer)s through: over the quota, it needs you too."
    ),
    "override_granted": lambda: _("You may call %(customer)s once, within half an hour."),
    "override_refused": lambda: _("You may not call %(customer)s: your supervisor said no."),
    "withdrawal_to_sign": lambda: _(
        "Your signature is wanted: %(customer)s no longer wants what was promised (%(reference)s)."
    ),
    "arrival_to_sign": lambda: _(
        "Your signature is wanted: %(customer)s says that it came (promise %(reference)s)."
    ),
    "signature_given": lambda: _(
        "A supervisor has signed for promise %(reference)s: it is settled."
    ),
    "source_silent": lambda: _(
        "The dialer %(source)s tells nothing any more: its calls are not seen."
    ),
    "reassigned": lambda: _("Promise %(reference)s to %(customer)s is yours from now on."),
    "item_left": lambda: _("%(owner)s has left something undone for promise %(reference)s."),
    "poison": lambda: _(
        "Promise %(reference)s fails each time that its lateness is looked at: it needs a repair."
    ),
    "webhook_dead": lambda: _(
        "The webhook %(webhook)s was tried for three days and not taken: its messages wait for you."
    ),
    "finding": lambda: _("The watchdog found something: %(what)s (%(rows)s)."),
    "finding_gone": lambda: _("What the watchdog found has gone: %(what)s."),
    password_letters.INVITED: lambda: _("You have a log-in to Kept: its link is in your mail."),
    password_letters.ASKED: lambda: _(
        "A new password was asked for your log-in: its link is in your mail."
    ),
    "webhook_gone": lambda: _("The webhook %(webhook)s says that it is gone: it was switched off."),
}


# Somebody waits for these.
GOOD = ("reassigned", "signature_given", "override_granted", "override_refused")
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
    for kinds, kept in ((password_letters.KINDS, 1), ((briefing.DIGEST,), len(batch))):
        alone = [notice for notice in batch if notice.kind in kinds]
        if alone:
            rest = [notice for notice in batch if notice not in alone]
            return [alone[-kept:], *(letters(rest) if rest else [])]
    calls = {notice.promise_id for notice in batch if notice.kind in invitations.KINDS}
    if len(calls) > MOST_ENTRIES:
        return [batch]
    entries = [[n for n in batch if n.promise_id == call] for call in sorted(filter(None, calls))]
    rest = [notice for notice in batch if notice.promise_id not in calls]
    return [*entries, rest] if rest else entries


def compose(letter: list[Notice]) -> Mail:
    """One mail in the language that is active. About one matter its subject says which."""
    if letter[-1].kind == briefing.DIGEST:  # of several that wait, the newest says it all
        return _brief(letter[-1])
    if letter[0].kind in password_letters.KINDS:
        words = password_letters.compose(letter[0])
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
        found.setdefault(_voiced(notice), []).append(notice)
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
        lines=[sentence(notice) for notice in mine[:MOST_LINES]],
        more=_("and %(n)s more") % {"n": more} if more > 0 else "",
    )
