"""What the watchdog's findings and the sweeps are called, and what to do about them."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

Text = str | Lazy


@dataclass(frozen=True)
class Words:
    """A finding in words: what it is, what to do, and what its subjects are."""

    title: Text
    todo: Text
    about: str  # promise, delivery, sweep; empty where there is no row to look at


FINDINGS: dict[str, Words] = {
    "unserved_promise": Words(
        _("Promises whose document nobody is sending"),
        _(
            "The reconcile sweep starts the next channel or gives somebody an item within a minute."
            " When these stay, its log says which row throws; the promise's page can send it."
        ),
        "promise",
    ),
    "no_next_rung": Words(
        _("Promises that will never be called late"),
        _(
            "Rungs are left, and none has an instant. Agree the promise anew on its page: that"
            " makes its rungs again."
        ),
        "promise",
    ),
    "rung_out_of_order": Words(
        _("Promises whose next rung is not the one that was planned"),
        _(
            "Somebody wrote to the database by hand, or a clock went back. Agree the promise anew"
            " on its page: that makes its rungs again."
        ),
        "promise",
    ),
    "rung_overdue": Words(
        _("Rungs that should have been climbed"),
        _(
            "Nobody is told of these late promises. Look whether the escalate sweep runs, and for"
            " its errors in the worker's log."
        ),
        "promise",
    ),
    "lease_overrun": Words(
        _("Deliveries that somebody holds for too long"),
        _(
            "The leases sweep takes them back. Look whether it runs; what was leaving becomes"
            " “may or may not have left”."
        ),
        "delivery",
    ),
    "unknown_unattended": Words(
        _("Mails that may not have left, and nobody was asked"),
        _(
            "A day has passed. The reconcile sweep asks the owner; when these stay, its log says"
            " which row throws."
        ),
        "promise",
    ),
    "unjudged_call": Words(
        _("Calls that could not be judged"),
        _("Whether they should have been made is not known. The conduct sweep's log says why."),
        "",
    ),
    "sweep_late": Words(
        _("Sweeps that do not run"),
        _(
            "Look at the worker, at beat and at the Redis between them. “manage.py sweep” runs all"
            " of them once, and says which one fails."
        ),
        "sweep",
    ),
    "intake_silent": Words(
        _("Nobody listens for returned mail"),
        _(
            "What the mail server accepted does not become proof meanwhile. Look at the mailbox or"
            " the pipe of BOUNCE_ADDRESS, and at the log of the intake sweep."
        ),
        "",
    ),
    "audit_unsealed": Words(
        _("What was written into the audit is not sealed"),
        _(
            "A transaction has been running for more than ten minutes, and the seal waits for it."
            " pg_stat_activity says which; when it ends, the sealing goes on by itself."
        ),
        "",
    ),
    "audit_altered": Words(
        _("The audit was changed behind our back"),
        _(
            "The last verification found rows or seals that are not as they were sealed. Run"
            " “verify_audit” for their names, keep a copy of the database, and find out who had"
            " access to it."
        ),
        "",
    ),
    "canary_lost": Words(
        _("The canary did not come back"),
        _(
            "A mail that had to bounce did not return, so a customer's bounce would not either."
            " Look in the mail server's log for CANARY_ADDRESS and for the return path."
        ),
        "",
    ),
}

SWEEPS: dict[str, Text] = {
    "send": _("sends documents by mail and page"),
    "leases": _("frees what a dead worker held"),
    "settle": _("turns time without a bounce into proof"),
    "reconcile": _("compares evidence with promises, starts missing channels"),
    "intake": _("listens for returned mail"),
    "escalate": _("tells who must know that a promise is late"),
    "bill_runs": _("builds and follows what goes on paper"),
    "items": _("passes on what was left undone"),
    "notices": _("mails notices to people of the house"),
    "slips": _("tells customers that a promise is late"),
    "consents": _("closes consents that have ended"),
    "webhooks": _("tells other systems what happened"),
    "imports": _("brings in the files that were uploaded"),
    "management": _("writes the daily digest for management"),
    "rollups": _("counts the figures of the board"),
    "webhooks_tidy": _("clears old webhooks away"),
    "conduct": _("judges calls that were made"),
    "seal": _("seals what was written into the audit chain"),
    "partitions": _("makes room for next month's decisions"),
    "forgetting": _("forgets what came late about people who were forgotten"),
    "retention": _("empties what is older than its term"),
    "forgotten_list": _("writes down who was forgotten, for a restore"),
    "tidy": _("forgets old answers to machines"),
    "denials_tidy": _("forgets denied calls of long ago"),
    "watchdog": _("watches all the others"),
}


def title(code: str) -> str:
    """The finding in words; its code where nobody has words for it."""
    return str(FINDINGS[code].title) if code in FINDINGS else code
