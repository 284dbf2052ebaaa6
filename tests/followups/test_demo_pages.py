"""The demo's pages: read a mail, report what becomes of it, move the clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config import clock, sink
from crm import customers, people
from crm.actors import SYSTEM, Actor
from crm.calls import Call
from crm.models import ClockOffset, Customer, Disposition, Suppression, Team, User
from crm.people import Person
from crm.workdays import DEFAULT
from followups import conversations
from followups.models import Item, Promise
from followups.terms import Terms
from offers import drafts, sending
from offers.models import Delivery, Evidence, UnmatchedReport
from tests.cast import START


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr("followups.views.demo.nudge", names.append)
    return names


@pytest.fixture
def mailbox(tmp_path: Path, settings: Any) -> Iterator[Path]:
    with sink.running(tmp_path / "mail") as url:
        settings.EMAIL_URL, settings.SINK_DIR = url, tmp_path / "mail"
        yield tmp_path / "mail"


@pytest.fixture
def amina(db: None) -> User:
    team = people.team(slug="liege", name="Liège", calendar=DEFAULT, by=SYSTEM, at=START)
    facts = Person(username="amina", first_name="Amina", role="agent", team=team)
    return people.person(facts, password="a-long-password")


@pytest.fixture
def visitor(client: Client, amina: User) -> Client:
    client.force_login(amina)
    return client


@pytest.fixture
def promise(amina: User, mailbox: Path) -> Promise:
    """Made, and its mail is in the sink."""
    at = clock.now()
    customer = _dupont(amina.team, at)
    by = Actor.person(amina)
    lines = (customers.Line("Internet", customer.contract.lines.get().monthly),)
    version = drafts.draft(customer=customer, proposal=drafts.Proposal("Plus", lines), by=by, at=at)
    call = Call(
        source="test",
        external_id="1",
        direction="outbound",
        started_at=at,
        purpose="sales",
        customer=customer,
        agent=amina,
        result="answered",
        disposition=Disposition.objects.get(pk="wants_in_writing"),
    )
    terms = Terms(
        "send_offer", "Par e-mail", address="d@mail.example", address_accepted=True, version=version
    )
    made = conversations.record(call=call, terms=[terms], by=by, at=at).promises[0]
    sending.send_due(clock=clock.now)
    return made


def _dupont(team: Team | None, at: datetime) -> Customer:
    assert team
    contract = customers.ContractFacts("Basic", (customers.Line("Internet", 30),))  # type: ignore[arg-type]
    facts = customers.Facts(
        name="Mme Dupont", language="fr", team=team, emails=("d@mail.example",), contract=contract
    )
    return customers.add(facts=facts, at=at)


def reported(visitor: Client, kind: str, number: int = 1) -> Any:
    return visitor.post(reverse("demo_report", args=[number]), {"kind": kind}, follow=True)


def test_the_list_and_the_mail_with_its_pdf(visitor: Client, promise: Promise) -> None:
    page = visitor.get(reverse("demo_mail")).content.decode()
    assert "d@mail.example" in page
    assert reverse("demo_mail_one", args=[1]) in page
    assert page.count('name="kind"') == 3
    one = visitor.get(reverse("demo_mail_one", args=[1])).content.decode()
    assert promise.reference in one
    assert "Par e-mail" in one
    pdf = visitor.get(reverse("demo_attachment", args=[1, 0]))
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf["Content-Disposition"].startswith("inline")
    assert pdf.content.startswith(b"%PDF-")
    saved = visitor.get(reverse("demo_attachment", args=[1, 0]), {"download": "1"})
    assert saved["Content-Disposition"].startswith("attachment")


def test_delivered_is_evidence(visitor: Client, promise: Promise, nudged: list[str]) -> None:
    assert "taken in" in reported(visitor, "delivered").content.decode()
    assert Evidence.objects.filter(delivery__attached__promise=promise, kind="delivered").exists()
    assert set(nudged) == {"send", "settle", "reconcile", "escalate", "items", "notices"}


def test_a_bounce_opens_an_item(visitor: Client, promise: Promise, nudged: list[str]) -> None:
    reported(visitor, "bounce")
    evidence = Evidence.objects.get(kind="failed")
    assert evidence.hard
    assert Item.objects.get(promise=promise).kind == Item.Kind.ADDRESS_TO_FIX
    assert promise.customer.emails.get().bad_at is not None


def test_a_complaint_shuts_the_gate(visitor: Client, promise: Promise, nudged: list[str]) -> None:
    reported(visitor, "complaint")
    assert Suppression.objects.get().customer == promise.customer


def test_a_report_that_does_not_exist_changes_nothing(
    visitor: Client, promise: Promise, nudged: list[str]
) -> None:
    before = Evidence.objects.count()
    assert reported(visitor, "eaten").status_code == 404
    assert reported(visitor, "bounce", number=77).status_code == 404
    assert visitor.get(reverse("demo_report", args=[1])).status_code == 405
    assert visitor.get(reverse("demo_mail_one", args=[77])).status_code == 404
    assert visitor.get(reverse("demo_attachment", args=[1, 9])).status_code == 404
    assert (Evidence.objects.count(), nudged) == (before, [])


def test_a_mail_of_nobodys_promise_has_no_buttons(
    visitor: Client, promise: Promise, nudged: list[str]
) -> None:
    Delivery.objects.filter(attached__promise=promise).update(key="0" * 32)
    assert 'name="kind"' not in visitor.get(reverse("demo_mail")).content.decode()
    assert "no promise" in reported(visitor, "bounce").content.decode()
    assert UnmatchedReport.objects.count() == 1


def test_the_empty_list_says_why_it_is_empty(visitor: Client, mailbox: Path) -> None:
    assert "No mail has been sent yet" in visitor.get(reverse("demo_mail")).content.decode()


def test_the_clock_moves_and_every_sweep_is_asked(visitor: Client, nudged: list[str]) -> None:
    answer = visitor.post(reverse("demo_clock"), {"step": "+1d", "next": "/notices/"})
    assert (answer.status_code, answer["Location"]) == (302, "/notices/")
    assert ClockOffset.objects.get().shift == timedelta(days=1)
    assert {"settle", "escalate", "intake"} <= set(nudged)


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "javascript:x", ""])
def test_the_clock_leads_back_to_our_own_pages_only(
    visitor: Client, nudged: list[str], back: str
) -> None:
    answer = visitor.post(reverse("demo_clock"), {"step": "+1h", "next": back})
    assert answer["Location"] == "/"


def test_a_step_that_is_none_changes_nothing(visitor: Client, nudged: list[str]) -> None:
    visitor.post(reverse("demo_clock"), {"step": "-1d"})
    assert not ClockOffset.objects.exists()


ADDRESSES = [
    ("get", "demo_mail", []),
    ("get", "demo_mail_one", [1]),
    ("get", "demo_attachment", [1, 0]),
    ("post", "demo_report", [1]),
    ("post", "demo_clock", []),
]


@pytest.mark.parametrize(("method", "name", "args"), ADDRESSES)
def test_outside_the_demo_there_is_no_such_page(
    visitor: Client, promise: Promise, settings: Any, method: str, name: str, args: list[int]
) -> None:
    settings.KEPT_DEMO = False
    answer = getattr(visitor, method)(reverse(name, args=args), {"kind": "bounce", "step": "+1d"})
    assert answer.status_code == 404
    assert not ClockOffset.objects.exists()
    assert not Evidence.objects.filter(kind="failed").exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "name", "args"), ADDRESSES)
def test_strangers_are_sent_to_the_log_in(
    client: Client, method: str, name: str, args: list[int]
) -> None:
    answer = getattr(client, method)(reverse(name, args=args), {"step": "+1d"})
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))
    assert not ClockOffset.objects.exists()
