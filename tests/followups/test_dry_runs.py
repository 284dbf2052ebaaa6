"""The dry run of a policy: a known day asked again, different only where the draft is."""

from __future__ import annotations

import copy
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import calls, consents, policies, suppressions
from crm.consents import Given
from crm.models import Campaign, Customer, Disposition, ListedNumber, NationalList, PolicyVersion
from followups import checks, dry_runs, gate
from followups.gate import Decision, Question
from tests.cast import (
    DAY,
    DUPONT_HOME,
    DUPONT_MOBILE,
    HOUR,
    MINUTE,
    PEETERS_MOBILE,
    START,
    SYSTEM,
    Cast,
    brussels,
    call_and_promise,
    call_of,
    sweeps_alive,
)
from tests.crm.drafts import RULES, activated, draft_of

WEDNESDAY = brussels("2026-03-04 10:00")
STRANGER = "+32470999999"


@pytest.fixture
def belgian(cast: Cast) -> Campaign:
    """A campaign under `be`, whose list is at hand and empty; both customers are known."""
    assert cast.dupont and cast.peeters
    checks.keep_partitions(at=START)
    NationalList.objects.create(
        name="dncm", as_of_date=date(2026, 3, 2), numbers=0, imported_at=START, imported_by="system"
    )
    return Campaign.objects.create(slug="be", name="BE", policy="be")


def ask(campaign: Campaign | None, moment: str, number: str, **more: Any) -> Decision:
    at = brussels(f"2026-03-03 {moment}")
    sweeps_alive(at)
    question = Question(number=number, campaign=campaign, reserve=False, **more)
    return gate.decide(question, by=SYSTEM, at=at)


def rang(cast: Cast, who: Customer | None, at: datetime, **more: Any) -> None:
    calls.log(call=call_of(cast.amina, who, at=at, **more), by=SYSTEM, at=at + MINUTE)


def opening(*tuesday: tuple[str, str]) -> dict[str, Any]:
    hours = copy.deepcopy(RULES["hours"])
    hours["week"]["tue"] = [list(period) for period in tuesday]
    return {"hours": hours}


def at_most(most: int) -> dict[str, Any]:
    return {"caps": [{**RULES["caps"][0], "most": most}]}


@pytest.fixture
def tuesday(cast: Cast, belgian: Campaign) -> Campaign:
    """Mme Dupont, called twice before, is called a third time; Dhr. Peeters is asked for at noon;
    a stranger; a survey; and what is not compared: a service call, another policy."""
    for days in (20, 19):
        rang(cast, cast.dupont, brussels("2026-03-03 11:00") - days * DAY)
    assert ask(belgian, "11:00", DUPONT_HOME).allow
    rang(cast, cast.dupont, brussels("2026-03-03 11:01"))
    assert ask(belgian, "16:30", DUPONT_MOBILE).code == "cap_attempts"
    assert ask(belgian, "11:59", PEETERS_MOBILE).allow
    assert ask(belgian, "12:00", PEETERS_MOBILE).allow
    assert ask(belgian, "12:01", STRANGER).allow
    assert ask(None, "13:00", PEETERS_MOBILE).allow
    assert ask(belgian, "13:01", PEETERS_MOBILE, purpose="survey").allow
    service = Campaign.objects.create(slug="s", name="S", policy="be", purpose="service")
    assert ask(service, "13:02", PEETERS_MOBILE, purpose="service", reference="T-1").allow
    return belgian


def found(draft: PolicyVersion, **expected: Any) -> dict[str, Any]:
    result = dry_runs.run(draft, at=WEDNESDAY)
    assert {key: result[key] for key in expected} == expected
    return result


@pytest.mark.usefixtures("tuesday")
def test_a_copy_that_changes_nothing_changes_no_answer(cast: Cast) -> None:
    result = found(
        draft_of(cast), same_allow=4, same_deny=1, denied={}, allowed={}, otherwise=0, unclear=0
    )
    assert (result["total"], result["looked"], result["strangers"]) == (6, 6, 1)
    assert (result["day"], result["against"]) == ("2026-03-03", "be@2015-07-11")


@pytest.mark.usefixtures("tuesday")
def test_hours_that_end_at_noon_deny_the_question_of_noon_and_not_that_before(cast: Cast) -> None:
    draft = draft_of(cast, **opening(("09:00", "12:00"), ("12:30", "20:00")))
    result = found(draft, denied={"calling_hours": 1}, allowed={}, same_allow=3, same_deny=1)
    [example] = result["examples"]
    assert example["people"] == [cast.peeters.pk]
    assert example["at"] == brussels("2026-03-03 12:00").isoformat()
    assert (example["before"], example["after"]) == ("", "calling_hours")


@pytest.mark.usefixtures("tuesday")
def test_a_higher_cap_allows_who_was_over_the_lower_one(cast: Cast) -> None:
    found(draft_of(cast, **at_most(4)), allowed={"cap_attempts": 1}, denied={}, same_allow=4)


@pytest.mark.usefixtures("tuesday")
def test_a_call_that_followed_a_question_does_not_speak_against_it(cast: Cast) -> None:
    """At 11:00 two calls were known; the third was made because of the answer."""
    found(draft_of(cast, **at_most(3)), denied={}, same_allow=4)
    found(draft_of(cast, version="two", **at_most(2)), denied={"cap_attempts": 1}, same_allow=3)


@pytest.mark.usefixtures("tuesday")
def test_another_first_reason_is_the_same_answer(cast: Cast) -> None:
    draft = draft_of(cast, **opening(("09:00", "16:00")), **at_most(4))
    found(draft, same_deny=1, otherwise=1, denied={}, allowed={})


def test_what_no_policy_decides_stays_as_it_was_answered(cast: Cast, belgian: Campaign) -> None:
    call_and_promise(cast.amina, cast.dupont, at=brussels("2026-03-03 09:00"))
    assert ask(belgian, "15:00", DUPONT_HOME).code == "open_promise"
    suppressions.add(customer=cast.peeters, kind="dnc_company", origin="call", by=SYSTEM, at=START)
    assert ask(belgian, "15:01", PEETERS_MOBILE).code == "dnc_company"
    found(draft_of(cast, hours=None, caps=[]), same_deny=2, fixed=2, denied={}, allowed={})


def test_a_question_that_cannot_be_answered_again_is_counted_apart(
    cast: Cast, tuesday: Campaign
) -> None:
    ListedNumber.objects.create(list_id="dncm", e164=PEETERS_MOBILE)
    found(draft_of(cast, **at_most(9)), unclear=3, allowed={"cap_attempts": 1}, same_allow=1)


def test_a_day_without_a_question_says_so(cast: Cast, belgian: Campaign) -> None:
    found(draft_of(cast), total=0, looked=0, same_allow=0, same_deny=0, examples=[])


@pytest.mark.usefixtures("tuesday")
def test_a_new_name_is_compared_with_the_policy_it_was_copied_from(cast: Cast) -> None:
    draft = draft_of(cast, name="be-summer", **at_most(4))
    found(draft, name="be", against="be@2015-07-11", allowed={"cap_attempts": 1})


def test_a_busy_day_is_sampled_and_says_so(
    cast: Cast, tuesday: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_runs, "MOST", 4)
    result = found(draft_of(cast), total=6, looked=4)
    assert result["same_allow"] + result["same_deny"] + result["strangers"] == 4


def test_as_many_queries_for_one_question_as_for_many(cast: Cast, belgian: Campaign) -> None:
    draft, counts = draft_of(cast), []
    for minute in (0, *range(1, 9)):
        ask(belgian, f"11:{minute:02}", PEETERS_MOBILE)
        with CaptureQueriesContext(connection) as asked:
            dry_runs.run(draft, at=WEDNESDAY)
        counts.append(len(asked))
    assert counts[0] == counts[-1]


def test_a_question_before_the_hours_and_one_within_are_judged_each_by_its_own(
    cast: Cast, belgian: Campaign
) -> None:
    assert ask(belgian, "08:59", PEETERS_MOBILE).code == "calling_hours"
    assert ask(belgian, "09:00", PEETERS_MOBILE).allow
    draft = draft_of(cast, **opening(("08:00", "09:00")))
    found(draft, denied={"calling_hours": 1}, allowed={"calling_hours": 1}, unclear=0)


def spoken(policy: policies.Policy) -> None:
    """The replay says of every question of Tuesday what the gate said."""
    day = dry_runs._asked_on(date(2026, 3, 3), policy.name)
    assert len(day.asked) == 12
    replayed = dry_runs._spoken(day.asked, policy)
    for one, codes in zip(day.asked, replayed, strict=True):
        assert codes == {code for code in one.codes if code in dry_runs.DECIDED}, one.at


@pytest.mark.parametrize("name", ["be", "fr", "nl", "de", "uk", "us-tcpa", "us-regf"])
def test_the_replay_says_what_the_gate_said_under_every_preset(
    cast: Cast, belgian: Campaign, name: str
) -> None:
    campaign = Campaign.objects.create(slug="c", name="C", policy=name)
    assert belgian
    no = Disposition.objects.get(pk="declined")
    for days in range(1, 6):
        at = brussels("2026-03-03 10:00") - days * DAY
        rang(cast, cast.dupont, at, result="answered", number=DUPONT_HOME)
        rang(cast, cast.dupont, at + HOUR, direction="inbound", result="answered")
    rang(cast, cast.peeters, brussels("2026-02-20 10:00"), result="answered", disposition=no)
    ListedNumber.objects.create(list_id="dncm", e164=PEETERS_MOBILE, since_date=date(2026, 2, 1))
    given = Given(origin="call", proof="R-1", given_at=brussels("2026-02-27 12:00"))
    consents.record(customer=cast.peeters, given=given, by=SYSTEM, at=brussels("2026-02-27 12:01"))
    wish = {"kind": "refusal_cooloff", "origin": "page", "by": SYSTEM}
    for moment in ("07:30", "09:30", "11:00", "13:30", "17:00", "21:30"):
        if moment == "13:30":
            suppressions.add(customer=cast.dupont, at=brussels("2026-03-03 13:00"), **wish)
        ask(campaign, moment, DUPONT_HOME)
        ask(campaign, moment, PEETERS_MOBILE)
    spoken(policies.get(name, at=WEDNESDAY - DAY))


@pytest.mark.django_db(transaction=True)
def test_the_next_question_is_judged_by_what_somebody_else_just_activated(
    cast: Cast, belgian: Campaign
) -> None:
    at = brussels("2026-03-03 11:00")
    assert ask(belgian, "11:00", PEETERS_MOBILE).allow
    before = policies.revision()
    draft = draft_of(cast, at=at, **opening(("14:00", "15:00")))
    activated(draft, cast, at=at)
    assert policies.revision() == before  # this process has not looked
    denied = ask(belgian, "11:00", PEETERS_MOBILE)
    assert denied.code == "calling_hours"
    assert denied.not_before == brussels("2026-03-03 14:00")
    with connection.cursor() as cursor:
        cursor.execute("SELECT policy FROM followups_gatecheck WHERE id = %s", [denied.id])
        assert cursor.fetchone()[0] == "be@ours"


def test_a_version_of_tomorrow_judges_from_its_midnight(cast: Cast, belgian: Campaign) -> None:
    draft = draft_of(cast, **opening(("14:00", "15:00")))
    activated(draft, cast, effective_from=date(2026, 3, 3))
    monday, tuesday = (brussels(f"2026-03-0{day} 11:00") for day in (2, 3))
    for at, code in ((monday, "ok"), (tuesday, "calling_hours")):
        sweeps_alive(at)
        question = Question(number=PEETERS_MOBILE, campaign=belgian, reserve=False)
        assert cast.peeters and gate.decide(question, by=SYSTEM, at=at).code == code


def test_the_feed_is_not_touched_by_a_policy_of_the_house(cast: Cast, belgian: Campaign) -> None:
    """It is judged by the policy without rules, of which there is no other version."""
    activated(draft_of(cast, **at_most(1)), cast)
    rang(cast, cast.dupont, START - 3 * DAY)
    sweeps_alive(START + timedelta(hours=2))
    blocks = gate.blocks([cast.dupont], purpose="sales", at=START + 2 * HOUR)
    assert blocks[cast.dupont.pk] == ()
