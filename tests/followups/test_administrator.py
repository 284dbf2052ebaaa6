"""The first administrator, and the way back in."""

from __future__ import annotations

from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from crm.models import AuditEntry, User
from tests.cast import Cast


def run(*words: str) -> str:
    said = StringIO()
    call_command("administrator", *words, stdout=said)
    return said.getvalue().strip()


def test_an_empty_house_gets_its_first_administrator_by_a_link(db: None) -> None:
    link = run("eva", "--mail", "eva@kept.example")
    client, new = Client(), "a password of her own"
    form = client.get("/" + link.split("/", 3)[3])["Location"]
    client.post(form, {"password1": new, "password2": new})
    client.post("/login/", {"username": "eva", "password": new})
    assert client.get("/people/").status_code == 200


def test_an_administrator_who_lost_everything_comes_back_in(cast: Cast) -> None:
    Authenticator.objects.create(user=cast.eva, type="totp", data={"secret": "x"})
    assert run("eva").startswith("http")
    assert not Authenticator.objects.exists()
    entry = AuditEntry.objects.get(action="second_factor_reset")
    assert (entry.by, entry.subject) == ("command:administrator", f"user:{cast.eva.pk}")


@pytest.mark.parametrize(
    "words", [["amina"], ["nobody"], ["nobody", "--mail", "AMINA@kept.example"]]
)
def test_nobody_else_is_made_one(cast: Cast, words: list[str]) -> None:
    with pytest.raises(CommandError):
        run(*words)
    assert User.objects.filter(role=User.Role.ADMINISTRATOR).count() == 1
