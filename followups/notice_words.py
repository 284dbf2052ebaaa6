"""What a notice says: one sentence for each kind, in the language that is active."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext as _

from crm import instants
from followups import briefing, password_letters, watch_words
from followups.models import Notice, Promise

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
    said = SENTENCES.get(voiced_of(notice), _other)() % values
    return _("For %(owner)s: %(said)s") % {**values, "said": said} if _for_another(notice) else said


def voiced_of(notice: Notice) -> str:
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
