"""The page of the house, and the list of what it gave up."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config import clock
from crm.models import AuditEntry, Heartbeat
from followups import dead_letters, findings, notices, poison
from followups.models import Finding, Notice, Promise, SetAside, WebhookEndpoint, WebhookMessage
from followups.webhooks import endpoints, events, outbox
from offers import intake
from offers.models import UnmatchedReport
from tests.cast import HOUR, MINUTE, SYSTEM, Cast, call_and_promise
from tests.pages.conftest import Enter

REPORT = b"From: somebody@mail.example\r\nMessage-ID: <%d@x>\r\n\r\nhello"


@pytest.fixture
def dirk(monday: Cast, enter: Enter) -> Client:
    return enter(monday.dirk)


def page(client: Client, name: str = "house", **query: str) -> str:
    answer = client.get(reverse(name), query)
    assert answer.status_code == 200, answer
    return answer.content.decode()


# --- letters of each kind ---


def stuck(cast: Cast) -> Promise:
    promise = call_and_promise(cast.amina, cast.dupont, at=clock.now())
    rows = Promise.objects.filter(pk=promise.pk)
    rows.update(failures=poison.MOST, next_rung_at=clock.now() + HOUR)
    return rows.get()


def refused(cast: Cast, number: int = 0) -> Notice:
    told = notices.tell(user=cast.amina, kind="poison", at=clock.now())
    assert told
    rows = Notice.objects.filter(pk=told.pk)
    rows.update(status="failed", next_try_at=None, tries=96)
    return rows.get()


def endpoint() -> WebhookEndpoint:
    known = WebhookEndpoint.objects.first()
    given: dict[str, Any] = {"types": [*events.TYPES], "by": SYSTEM, "at": clock.now()}
    return known or endpoints.add(name="crm", url="https://crm.example/h", **given).endpoint


def dead(cast: Cast, number: int = 0) -> WebhookMessage:
    row = outbox.test(endpoint=endpoint(), by=SYSTEM, at=clock.now())
    rows = WebhookMessage.objects.filter(pk=row.pk)
    rows.update(status="dead", next_try_at=None, settled_at=clock.now(), last_error="timeout")
    return rows.get()


def unmatched(cast: Cast, number: int = 0) -> UnmatchedReport:
    row = intake.keep(raw=REPORT % number, by=SYSTEM, at=clock.now())
    UnmatchedReport.objects.filter(pk=row.pk).update(next_try_at=None)
    return row


MAKERS: dict[str, Any] = {
    "promise": stuck,
    "notice": refused,
    "webhook": dead,
    "report": unmatched,
}


def act(client: Client, do: str, *keys: str, **more: str) -> Any:
    return client.post(reverse("do_dead_letters"), {"letter": list(keys), "do": do, **more})


@pytest.mark.parametrize("kind", MAKERS)
def test_each_kind_is_listed_with_what_why_and_since_and_counts_as_one(
    dirk: Client, monday: Cast, kind: str
) -> None:
    row = MAKERS[kind](monday)
    assert dead_letters.counts() == {name: int(name == kind) for name in MAKERS}
    shown = page(dirk, "dead_letters")
    (letter,) = dead_letters.letters(dead_letters.keys(), at=clock.now())
    assert (letter.kind, letter.pk) == (kind, row.pk)
    assert letter.what in shown.replace("&#x27;", "'") and letter.why in shown
    assert f'value="{letter.key}"' in shown
    assert letter.key in page(dirk, "dead_letters", kind=kind)
    other = next(name for name in MAKERS if name != kind)
    assert "None of this kind" in page(dirk, "dead_letters", kind=other)
    assert "?kind=" + kind in page(dirk)


def test_a_stuck_promise_is_due_again_as_it_was_planned(dirk: Client, monday: Cast) -> None:
    promise = stuck(monday)
    assert act(dirk, "retry", f"promise-{promise.pk}").status_code == 302
    after = Promise.objects.get(pk=promise.pk)
    assert (after.failures, after.next_rung_at) == (0, promise.rungs[0])
    event = promise.events.latest("pk")
    assert (event.cause, event.by) == ("rung_retried", f"user:{monday.dirk.pk}")
    assert "1 was left as it is" in _said(act(dirk, "retry", f"promise-{promise.pk}"), dirk)


def _said(answer: Any, client: Client) -> str:
    assert answer.status_code == 302, answer.content
    return page(client, "dead_letters")


def test_of_a_promise_that_is_given_up_only_the_rung_is_left_out(
    dirk: Client, monday: Cast
) -> None:
    promise = stuck(monday)
    act(dirk, "give_up", f"promise-{promise.pk}", reason="by_hand")
    after = Promise.objects.get(pk=promise.pk)
    assert (after.status, after.rung, after.failures) == ("open", 1, 0)
    assert after.next_rung_at == promise.rungs[1]
    assert promise.events.latest("pk").data == {"rung": 0, "reason": "by_hand"}
    assert findings.auditing.everything(at=promise.made_at).get("rung_out_of_order") is None


def test_the_last_rung_left_out_leaves_none(dirk: Client, monday: Cast) -> None:
    promise = stuck(monday)
    Promise.objects.update(rung=len(promise.rungs) - 1)
    act(dirk, "give_up", f"promise-{promise.pk}", reason="by_hand")
    after = Promise.objects.get(pk=promise.pk)
    assert (after.rung, after.next_rung_at) == (len(promise.rungs), None)


def test_a_notice_is_mailed_again_from_the_beginning(dirk: Client, monday: Cast) -> None:
    row = refused(monday)
    act(dirk, "retry", f"notice-{row.pk}")
    row.refresh_from_db()
    assert (row.status, row.tries) == ("queued", 0) and row.next_try_at
    assert _audited("dead_letter_retried") == [(f"notice:{row.pk}", f"user:{monday.dirk.pk}")]


def _audited(action: str) -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(action=action).values_list("subject", "by"))


def test_a_webhook_goes_again_under_its_id(dirk: Client, monday: Cast) -> None:
    row = dead(monday)
    act(dirk, "retry", f"webhook-{row.pk}")
    row.refresh_from_db()
    assert (row.status, row.replayed_by) == ("pending", f"user:{monday.dirk.pk}")


def test_a_webhook_to_an_endpoint_that_is_off_stays(dirk: Client, monday: Cast) -> None:
    row = dead(monday)
    endpoints.switch_off(endpoint=endpoint(), by=SYSTEM, at=clock.now())
    assert "cannot go" in _said(act(dirk, "retry", f"webhook-{row.pk}"), dirk)
    row.refresh_from_db()
    assert row.status == "dead"


def test_a_report_is_tried_at_the_next_turn(dirk: Client, monday: Cast) -> None:
    row = unmatched(monday)
    act(dirk, "retry", f"report-{row.pk}")
    row.refresh_from_db()
    assert row.next_try_at and row.next_try_at <= clock.now()


def test_a_report_can_be_read_outside_and_that_is_written_down(dirk: Client, monday: Cast) -> None:
    row = unmatched(monday)
    answer = dirk.get(reverse("dead_report", args=[row.pk]))
    assert answer.content == REPORT % 0
    assert "attachment" in answer["Content-Disposition"]
    assert answer["Content-Type"] == "application/octet-stream"
    assert _audited("report_read") == [(f"report:{row.pk}", f"user:{monday.dirk.pk}")]
    assert dirk.get(reverse("dead_report", args=[row.pk + 1])).status_code == 404


@pytest.mark.parametrize("kind", ["notice", "webhook", "report"])
def test_what_is_given_up_leaves_the_list_with_its_reason(
    dirk: Client, monday: Cast, kind: str
) -> None:
    row = MAKERS[kind](monday)
    act(dirk, "give_up", f"{kind}-{row.pk}", reason="outdated")
    assert dead_letters.counts()[kind] == 0
    kept = SetAside.objects.get()
    assert (kept.kind, kept.row, kept.reason) == (kind, row.pk, "outdated")
    assert kept.set_by == f"user:{monday.dirk.pk}"
    assert _audited("dead_letter_set_aside") == [(f"{kind}:{row.pk}", kept.set_by)]
    assert type(row).objects.filter(pk=row.pk).exists(), "the letter itself stays"
    assert act(dirk, "retry", f"{kind}-{row.pk}").status_code == 302
    before = row.pk
    row.refresh_from_db()
    assert row.pk == before and SetAside.objects.count() == 1


def test_a_webhook_that_dies_again_after_it_was_given_up_is_listed_again(
    dirk: Client, monday: Cast
) -> None:
    row = dead(monday)
    act(dirk, "give_up", f"webhook-{row.pk}", reason="outdated")
    later = clock.now() + HOUR
    WebhookMessage.objects.filter(pk=row.pk).update(settled_at=later)
    assert dead_letters.counts()["webhook"] == 1


def test_many_are_tried_again_at_once(dirk: Client, monday: Cast) -> None:
    keys = [f"notice-{refused(monday).pk}", f"report-{unmatched(monday).pk}"]
    said = _said(act(dirk, "retry", *keys, f"webhook-{dead(monday).pk}"), dirk)
    assert "3 letters are tried again" in said
    # What is tried again stays listed while it matches nothing; the others are on their way.
    assert dead_letters.counts() == {"promise": 0, "notice": 0, "webhook": 0, "report": 1}


def test_all_of_a_kind_are_tried_again_by_one_button(dirk: Client, monday: Cast) -> None:
    for number in range(3):
        refused(monday), unmatched(monday, number)
    address = f"{reverse('do_dead_letters')}?kind=notice"
    assert "3 letters are tried again" in _said(dirk.post(address, {"do": "retry_all"}), dirk)
    assert dead_letters.counts()["notice"] == 0
    assert not UnmatchedReport.objects.exclude(next_try_at=None).exists()


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"do": "retry"}, "Choose the letters first"),
        ({"do": "retry", "letter": ["notice-x", "else-1", "1"]}, "Choose the letters first"),
        ({"do": "give_up", "letter": ["notice-1"]}, "Say why"),
        ({"do": "give_up", "letter": ["notice-1"], "reason": "because"}, "Say why"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    dirk: Client, monday: Cast, form: dict[str, Any], words: str
) -> None:
    row = refused(monday)
    answer = dirk.post(reverse("do_dead_letters"), form)
    assert answer.status_code == 422 and words in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "failed" and not SetAside.objects.exists()


def test_the_same_button_pressed_twice_does_it_once(dirk: Client, monday: Cast) -> None:
    row = dead(monday)
    for _ in range(2):
        dirk.post(reverse("do_dead_letters"), {"again": f"webhook-{row.pk}"})
    assert AuditEntry.objects.filter(action="webhook_replayed").count() == 1


@pytest.mark.parametrize("name", ["house", "dead_letters"])
def test_a_page_of_thirty_costs_what_a_page_of_one_costs(
    dirk: Client, monday: Cast, name: str
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            page(dirk, name)
        return len(seen)

    for maker in (refused, dead, unmatched):
        maker(monday)
    page(dirk, name)
    one = cost()
    for number in range(1, 30):
        for maker in (refused, dead, unmatched):
            maker(monday, number)
    assert cost() == one
    assert dead_letters.keys().count() == sum(dead_letters.counts().values()) == 90


def test_the_pages_of_the_list_hold_each_letter_once(dirk: Client, monday: Cast) -> None:
    for number in range(60):
        unmatched(monday, number)
    first, second = page(dirk, "dead_letters"), page(dirk, "dead_letters", page="2")
    assert first.count('name="letter"') == 50 and second.count('name="letter"') == 10
    assert "Page 2 of 2" in second


def test_nothing_given_up_says_so(dirk: Client) -> None:
    assert "Nothing was given up" in page(dirk, "dead_letters")
    assert "Nothing was given up" in page(dirk)


# --- the house ---


def test_a_house_that_is_well_says_so(dirk: Client, monday: Cast) -> None:
    shown = page(dirk)
    assert "all is well" in shown and "What waits" in shown
    assert shown.count('id="sweep-') == len(Heartbeat.objects.all())


def test_a_sweep_that_stopped_is_named_with_its_age(dirk: Client, monday: Cast) -> None:
    Heartbeat.objects.filter(pk="settle").update(beat_at=clock.now() - 3 * HOUR)
    shown = page(dirk)
    assert "1 sweep does not run" in shown
    row = shown.partition('id="sweep-settle"')[2].partition("</tr>")[0]
    assert "does not run" in row and "3 hr" in row and "guards the gate" in row


def test_a_finding_stands_there_with_what_to_do_and_its_promises(
    dirk: Client, monday: Cast
) -> None:
    promise = call_and_promise(monday.amina, monday.dupont, at=clock.now() - HOUR)
    Promise.objects.update(next_rung_at=None)
    intake.seen(name="sink", at=clock.now())
    findings.look(at=clock.now())
    shown = page(dirk)
    assert promise.reference in shown and "Agree the promise anew" in shown
    Promise.objects.update(next_rung_at=promise.rungs[0])
    findings.look(at=clock.now() + MINUTE)
    assert Finding.objects.get().closed_at
    shown = page(dirk)
    assert "all is well" in shown
    assert "never be called late" in shown.partition('id="gone-title"')[2]


def test_without_an_intake_a_canary_or_a_monitor_the_page_says_so(
    dirk: Client, monday: Cast, settings: Any
) -> None:
    settings.BOUNCE_INTAKE, settings.CANARY_ADDRESS, settings.HEARTBEAT_URL = "none", "", ""
    shown = page(dirk)
    for name in ("BOUNCE_INTAKE", "CANARY_ADDRESS", "HEARTBEAT_URL"):
        assert f"Set {name}" in shown


def test_the_first_page_of_operations_says_that_the_house_needs_somebody(
    monday: Cast, enter: Enter, settings: Any
) -> None:
    Finding.objects.create(
        code="canary_lost", opened_at=clock.now(), seen_at=clock.now(), rows=1, subjects=["1"]
    )
    settings.BOUNCE_INTAKE = "none"
    for who, sees in ((monday.dirk, True), (monday.chloe, False)):
        shown = page(enter(who), "board")
        assert ("needs somebody: 1 finding" in shown) == sees
        assert ("Nobody listens for returned mail" in shown) == sees


def test_the_queues_are_counted(dirk: Client, monday: Cast) -> None:
    call_and_promise(monday.amina, monday.dupont, at=clock.now())
    row = page(dirk).partition("Documents to send")[2].partition("</tr>")[0]
    assert row.count(">1<") == 2, "one waits, and it is due"


ROLES = ["amina", "chloe", "dirk", "eva"]


@pytest.mark.parametrize("who", ROLES)
def test_the_house_is_for_operations_and_administrators(
    monday: Cast, enter: Enter, who: str
) -> None:
    client = enter(getattr(monday, who))
    sees = who in ("dirk", "eva")
    assert client.get(reverse("house")).status_code == (200 if sees else 403)
    assert (reverse("house") in client.get(reverse("notices")).content.decode()) == sees


@pytest.mark.parametrize("who", ["amina", "chloe", "eva"])
def test_dead_letters_are_for_operations_and_a_refusal_changes_nothing(
    monday: Cast, enter: Enter, who: str
) -> None:
    client, row, report = enter(getattr(monday, who)), refused(monday), unmatched(monday)
    assert client.get(reverse("dead_letters")).status_code == 403
    assert act(client, "retry", f"notice-{row.pk}").status_code == 403
    assert act(client, "give_up", f"notice-{row.pk}", reason="outdated").status_code == 403
    assert client.get(reverse("dead_report", args=[report.pk])).status_code == 403
    row.refresh_from_db()
    assert row.status == "failed" and not SetAside.objects.exists()
    assert not AuditEntry.objects.filter(action="report_read").exists()


def test_a_notice_about_a_finding_leads_to_the_house(dirk: Client, monday: Cast) -> None:
    data = {"finding": "canary_lost", "rows": 1}
    notices.tell(user=monday.dirk, kind="finding", at=clock.now(), data=data)
    shown = page(dirk, "notices")
    assert "The canary did not come back" in shown
    assert f'href="{reverse("house")}">The watchdog' in shown
