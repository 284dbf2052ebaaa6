"""J12: forget me. Nothing of her is left, nobody calls her to sell, and what stays still stands."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from crm import filing
from crm.models import AuditEntry, Customer, Erasure
from tests import canaries, cast
from tests.journeys.scene import ROOT, Scene
from tests.live import until

NAMES = re.compile(rb"(?i)dupont|\xc3\x89l\xc3\xa9onore|470123456|42223344")


def erase(scene: Scene, reference: str, folder: Path) -> str:
    """As an administrator does it on the machine."""
    words = ["erase_customer", reference, "--ground", "asked", "--case", "GDPR-1", "--by", "eva"]
    env = {**scene.system.env, "FORGOTTEN_LIST": str(folder / "forgotten.csv")}
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        env=env,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def link_in(scene: Scene) -> str:
    body = scene.mail(cast.DUPONT_MAIL).get_body(("plain",))
    assert body is not None
    found = re.search(r"https?://\S+/o/[\w-]+/", body.get_content())
    assert found
    return found.group()


def answer_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310 (loopback)
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_who_asks_to_be_forgotten_is_and_stays_protected(scene: Scene, tmp_path: Path) -> None:
    scene.to_working_morning()
    dupont = scene.cast.dupont
    facts = filing.facts_of(filing.whole().get(pk=dupont.pk))
    promise = scene.promise(dupont, address=cast.DUPONT_MAIL)
    scene.accepted(promise)
    link = link_in(scene)
    assert answer_of(link) == 200
    assert NAMES.search(canaries.dump())
    entries = AuditEntry.objects.count()

    assert dupont.reference in erase(scene, dupont.reference, tmp_path)

    scene.status(promise, "erased")
    assert answer_of(link) == 404
    scene.report("failed", cast.DUPONT_MAIL)
    delivery = promise.attached.get().delivery
    until(lambda: delivery.evidence.filter(kind="failed").exists(), what="the late bounce")
    scene.run_sweeps()

    left = canaries.dump()
    assert not NAMES.search(left), NAMES.findall(left)
    assert not NAMES.search(canaries.broker())
    assert not NAMES.search(scene.system.said().encode())
    listed = (tmp_path / "forgotten.csv").read_text()
    assert dupont.reference in listed and not NAMES.search(listed.encode())

    for number in (cast.DUPONT_MOBILE, cast.DUPONT_HOME, "0470 12 34 56"):
        answer = scene.gate(number)
        assert (answer["decision"], answer["code"]) == ("deny", "dnc_company")
    assert AuditEntry.objects.count() > entries
    assert Erasure.objects.get(customer=dupont).case == "GDPR-1"

    _comes_again(scene, facts)


def _comes_again(scene: Scene, facts: filing.Facts) -> None:
    """The same person, brought by another system under another id: on file, and not called."""
    row, became = filing.put(facts=facts, by=cast.SYSTEM, at=scene.now())
    assert became == filing.NEW
    assert scene.gate(cast.DUPONT_MOBILE)["code"] == "dnc_company"
    assert Customer.objects.get(pk=row.pk).numbers.filter(barred=True).count() == 2
