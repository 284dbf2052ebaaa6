"""The demo's five minutes: what each kind of user tries first, and whether it was done. Reads.

A step is done when its row is there, not when somebody said so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise as Lazy
from django.utils.translation import gettext_lazy as _

from crm.models import Attempt, Import, User
from followups import gate, leases, overrides, wrapup
from followups.models import Promise
from offers.models import Delivery

Role = User.Role
PLACE = "tour"  # in the session: the step whose strip goes along; nothing there, no strip


@dataclass(frozen=True)
class Place:
    """Where a step leads: the name of an address, and what stands in it."""

    name: str
    argument: str = ""


Where = Callable[[User, datetime], Place]
Done = Callable[[User, datetime], bool]


@dataclass(frozen=True)
class Step:
    """One thing to try. Without `done` there is nothing that could show it."""

    title: str | Lazy
    words: str | Lazy
    where: Where
    done: Done | None = None


@dataclass(frozen=True)
class Shown:
    number: int
    step: Step
    done: bool


def steps(user: User) -> tuple[Step, ...]:
    """The tour of this person's role, in order."""
    return TOURS[user.role]


def shown(user: User, *, at: datetime) -> list[Shown]:
    return [
        Shown(number, step, bool(step.done and step.done(user, at)))
        for number, step in enumerate(steps(user), start=1)
    ]


def _at(name: str) -> Where:
    return lambda user, at: Place(name)


def _promise(user: User) -> Promise | None:
    """What this person promised last, on the screen."""
    rows = Promise.objects.filter(attempt__source=wrapup.SOURCE, attempt__agent=user)
    return rows.select_related("customer").order_by("-pk").first()


def _called(user: User, at: datetime) -> bool:
    return Attempt.objects.filter(source=wrapup.SOURCE, agent=user).exists()


def _sheet(user: User, at: datetime) -> Place:
    """Of whom this person promised something last; or holds; else the desk."""
    made = _promise(user)
    held = leases.held(user=user, at=at).first()
    person = held.customer if held else made.customer if made else None
    return Place("sheet", person.reference) if person else Place("desk")


def _sheet_of_promise(user: User, at: datetime) -> Place:
    made = _promise(user)
    return Place("sheet", made.customer.reference) if made else Place("desk")


def _left(user: User, at: datetime) -> bool:
    made = _promise(user)
    sent = Delivery.objects.filter(attached__promise=made, status=Delivery.Status.SENT)
    return bool(made and sent.exists())


def _shut(user: User, at: datetime) -> bool:
    made = _promise(user)
    if made is None:
        return False
    return bool(gate.blocks([made.customer], purpose="sales", at=at)[made.customer_id])


def _kept(user: User, at: datetime) -> bool:
    made = _promise(user)
    return bool(made and made.status == Promise.Status.KEPT)


def _again(user: User, at: datetime) -> bool:
    return _kept(user, at) and not _shut(user, at)


def _asked(user: User, at: datetime) -> Place:
    row = overrides.pending().filter(agent__team=user.team_id).order_by("asked_at").first()
    return Place("override", str(row.pk)) if row else Place("desk")


def _answered(user: User, at: datetime) -> bool:
    return not overrides.pending().filter(agent__team=user.team_id).exists()


def _waiting_import(user: User, at: datetime) -> Place:
    row = Import.objects.filter(status=Import.Status.CHECKED).order_by("-pk").first()
    return Place("import", str(row.pk)) if row else Place("imports")


def _brought_in(user: User, at: datetime) -> bool:
    return not Import.objects.filter(status=Import.Status.CHECKED).exists()


AGENT = (
    Step(
        _("Whom to call next"),
        _(
            "The left side of the desk says whom to call next, and why that one. Who waits for"
            " something from us is not on it. Press n: the customer is yours, and nobody else's."
        ),
        _at("desk"),
        _called,
    ),
    Step(
        _("Log the call, and promise the offer"),
        _(
            "Answered, wants it in writing. Under “We promise” choose an offer by e-mail, read the"
            " address back and tick that you did. One save keeps the call and the promise."
        ),
        _sheet,
        lambda user, at: _promise(user) is not None,
    ),
    Step(
        _("See the mail leave"),
        _(
            "Seconds later the sheet says “accepted”. The mail itself, with its PDF, is here: in"
            " the demo no mail leaves this machine."
        ),
        _at("demo_mail"),
        _left,
    ),
    Step(
        _("The gate is shut"),
        _(
            "From now on nobody may call this customer to sell, you neither. The lamp at the top"
            " of the sheet says why, and what opens it. A dialer that asks is told the same."
        ),
        _sheet_of_promise,
        _shut,
    ),
    Step(
        _("Proof, not a tick"),
        _(
            "Nobody can mark a promise as done. At your mail, press “delivered”: the report of a"
            " mail server. A day of silence later it counts as arrived: press “+1 day” in the bar."
        ),
        _at("demo_mail"),
        _kept,
    ),
    Step(
        _("Call again, with a rested head"),
        _(
            "The customer has three days to read. Move the clock on: then the follow-up stands on"
            " your desk, and the lamp is open."
        ),
        _at("desk"),
        _again,
    ),
)
SUPERVISOR = (
    Step(
        _("The morning in six numbers"),
        _(
            "What is broken, what is due, how many calls were spared. Each number opens its rows;"
            " “Formula” says how it is counted. The history here is made up, the figures are not."
        ),
        _at("board"),
    ),
    Step(
        _("Why promises broke"),
        _(
            "Below stand the broken ones, worst first, each with its cause and whose lateness it"
            " is. Choose some and send them by the next way, with a reason that stays."
        ),
        _at("board"),
    ),
    Step(
        _("An agent asks you"),
        _(
            "Somebody of your team wants to call in spite of the gate. Let this one call through,"
            " with a reason, or refuse: either way it stays on the board."
        ),
        _asked,
        _answered,
    ),
    Step(
        _("Calls that nobody had to take"),
        _(
            "Another campaign's dialer asked for people who wait for an offer from you, and was"
            " denied. Here is how often, why, and how many minutes that spared."
        ),
        _at("avoided"),
    ),
    Step(
        _("For the wall"),
        _("The same numbers, readable from across the room. The page renews itself."),
        _at("wall"),
    ),
)
OPERATIONS = (
    Step(
        _("Is the house well?"),
        _("Every sweep, what waits, and what to do about each finding. Start here on a bad day."),
        _at("house"),
    ),
    Step(
        _("What did not arrive"),
        _("Mails that bounced or may have left, addresses to mend, each with what to do about it."),
        _at("deliveries"),
    ),
    Step(
        _("A file that waits for you"),
        _(
            "It was checked line by line and nothing is written yet. Look at what each line would"
            " change, take the file of bad lines, then start it. It can be undone for 30 days."
        ),
        _waiting_import,
        _brought_in,
    ),
    Step(
        _("Offers in the paper bill"),
        _(
            "The run that is open takes inserts until its cut-off. Then print file, manifest, and"
            " the mail room's answer line by line."
        ),
        _at("bill_runs"),
    ),
    Step(
        _("The rules, and what they would change"),
        _(
            "Hours, caps and lists by country, each figure with its source. A version in force is"
            " never edited; the next one is, with a dry run first."
        ),
        _at("policies"),
    ),
)
ADMINISTRATOR = (
    Step(
        _("Who works here"),
        _("Add somebody: they set their own password. Who leaves hands over what they still owe."),
        _at("people"),
    ),
    Step(
        _("Machines' keys"),
        _("Dialers ask with a key of their own, for the purposes that it was made for."),
        _at("keys"),
    ),
    Step(
        _("Who did what"),
        _("Every decision, by whom, when and why. Nobody edits it."),
        _at("audit"),
    ),
)
TOURS: dict[str, tuple[Step, ...]] = {
    Role.AGENT: AGENT,
    Role.SUPERVISOR: SUPERVISOR,
    Role.OPERATIONS: OPERATIONS,
    Role.ADMINISTRATOR: ADMINISTRATOR,
}
