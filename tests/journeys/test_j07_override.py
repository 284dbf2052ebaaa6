"""J7: the override. A supervisor lets one call through, once, for half an hour; it stays to see."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from config import clock
from crm import suppressions
from crm.models import AuditEntry
from followups.models import Override
from tests import cast
from tests.journeys.scene import Scene

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
WHY = "She rang the shop: the old box is broken and she wants it today."


class Desk:
    """Somebody at a screen: pages and forms over real HTTP, with cookies of their own."""

    def __init__(self, scene: Scene, name: str) -> None:
        self.base = scene.system.base_url
        self.opener = build_opener(HTTPCookieProcessor())
        self.send("/login/", username=name, password=cast.PASSWORD)

    def open(self, path: str) -> str:
        return self._said(lambda: self.opener.open(f"{self.base}{path}", timeout=20))

    def send(self, path: str, *, form: str = "", **fields: Any) -> str:
        """Sends a form of the page `form` (the same page by default); answers where that leads."""
        found = TOKEN.search(self.open(form or path))
        assert found, path
        body = urlencode({"csrfmiddlewaretoken": found[1], **fields}).encode()
        request = Request(f"{self.base}{path}", data=body, headers={"Referer": self.base})  # noqa: S310
        return self._said(lambda: self.opener.open(request, timeout=20))

    @staticmethod
    def _said(act: Callable[[], Any]) -> str:
        try:
            with act() as answer:
                return str(answer.read().decode())
        except HTTPError as refusal:
            return refusal.read().decode()


def test_a_supervisor_lets_one_call_through_and_it_stays_on_the_board(scene: Scene) -> None:
    dupont = scene.cast.dupont
    promise = scene.promise(dupont, address=cast.DUPONT_MAIL)
    sheet = f"/customers/{dupont.reference}/"
    amina, chloe = Desk(scene, "amina"), Desk(scene, "chloe")
    number = {"form": sheet, "number": cast.DUPONT_HOME}
    assert "no proof yet" in amina.send(f"{sheet}take/", **number)

    asked = amina.send(f"{sheet}ask/", form=sheet, reason="She rang the shop.")
    assert "You asked your supervisor" in asked
    page = f"/overrides/{Override.objects.get().pk}/"
    assert promise.reference in chloe.open(page)
    sent = {"reason": WHY, "password": cast.PASSWORD}
    assert "at least 15 characters" in chloe.send(page, **{**sent, "reason": "because"})
    assert "not your password" in chloe.send(page, **{**sent, "password": "a guess"})
    assert "Amina may call once" in chloe.send(page, **sent)

    # The permission is Amina's: no dialer has it, whatever it says.
    machine = scene.gate(cast.DUPONT_HOME, reserve="1", agent="amina")
    assert (machine["decision"], machine["code"]) == ("deny", "open_promise")
    assert "Yours for one call until" in amina.open(sheet)
    assert f"tel:{cast.DUPONT_HOME}" in amina.send(f"{sheet}take/", **number)
    assert "Yours for one call" not in amina.open(sheet)
    assert "no proof yet" in amina.send(f"{sheet}take/", **number)

    row = Override.objects.get()
    board = chloe.open("/board/?rows=overrides")
    assert WHY in board
    assert str(row.decision_id) in board
    told = AuditEntry.objects.filter(subject=f"override:{row.pk}").order_by("pk")
    assert list(told.values_list("action", flat=True)) == [
        "override_asked",
        "override_granted",
        "override_used",
    ]


def test_a_company_do_not_call_cannot_be_overridden(scene: Scene) -> None:
    dupont = scene.cast.dupont
    scene.promise(dupont, address=cast.DUPONT_MAIL)
    chloe = Desk(scene, "chloe")
    page = f"/customers/{dupont.reference}/let-through/"
    fields = {"agent": scene.cast.amina.pk, "reason": WHY, "password": cast.PASSWORD}
    assert "Let one call through" in chloe.open(page)
    suppressions.add(
        customer=dupont, kind="dnc_company", origin="call", by=cast.SYSTEM, at=clock.now()
    )
    said = chloe.send(page, form="/board/", **fields)
    assert "The customer asked never to be called." in said
    assert not Override.objects.exists()
    assert scene.gate(cast.DUPONT_HOME)["code"] == "dnc_company"
