"""Single sign-on with a provider that really answers: over HTTP, on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config import env
from crm.models import AuditEntry, User
from tests.cast import Cast

AMINA = {"sub": "p-1", "email": "amina@kept.example", "email_verified": True, "name": "Amina X"}


class Provider(ThreadingHTTPServer):
    """Answers as an OpenID Connect provider does; `claims` is who comes."""

    claims: dict[str, Any] = AMINA

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Desk(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        at = self.server.url
        self._answer(
            self.server.claims
            if self.path.startswith("/userinfo")
            else {
                "issuer": at,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "userinfo_endpoint": f"{at}/userinfo",
                "jwks_uri": f"{at}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
            }
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"access_token": "t", "token_type": "Bearer", "expires_in": 60})

    def _answer(self, words: dict[str, Any]) -> None:
        body = json.dumps(words).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Says nothing."""


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    server = Provider(("127.0.0.1", 0), Desk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.OIDC = env.single_sign_on(
        url=server.url, client="kept", secret="s" * 16, name="Example"
    )
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"APPS": settings.OIDC, "OAUTH_PKCE_ENABLED": True}
    }
    yield server
    server.shutdown()
    server.server_close()


def come(provider: Provider, client: Client, **claims: Any) -> Any:
    """The button, the provider's yes, and the way back."""
    provider.claims = AMINA | claims
    leads = client.post("/login/sso/house/")["Location"]
    assert leads.startswith(f"{provider.url}/authorize")
    state = parse_qs(urlsplit(leads).query)["state"][0]
    return client.get("/login/sso/house/back/", {"code": "c", "state": state})


def test_a_person_is_known_by_the_confirmed_address_and_then_by_the_providers_mark(
    cast: Cast, provider: Provider
) -> None:
    client = Client()
    assert "Log in with Example" in client.get("/login/").content.decode()
    assert come(provider, client)["Location"] == "/"
    assert client.get("/account/").status_code == 200
    again = Client()
    come(provider, again, email="married@kept.example")
    assert again.get("/account/").context["user"] == cast.amina
    account = SocialAccount.objects.get()
    assert (account.user, account.uid, account.extra_data) == (cast.amina, "p-1", {})
    assert AuditEntry.objects.filter(action="logged_in", by=f"user:{cast.amina.pk}").count() == 2


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@kept.example"},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email": ""},
    ],
)
def test_a_stranger_gets_no_account(cast: Cast, provider: Provider, claims: dict[str, Any]) -> None:
    people, client = User.objects.count(), Client()
    answer = come(provider, client, **claims)
    assert answer.status_code == 403
    assert "not known here" in answer.content.decode()
    assert client.get("/account/").status_code == 302
    assert (User.objects.count(), SocialAccount.objects.count()) == (people, 0)


def test_an_address_of_two_people_is_nobodys(cast: Cast, provider: Provider) -> None:
    User.objects.filter(pk=cast.bram.pk).update(email="AMINA@kept.example")
    assert come(provider, Client()).status_code == 403


def test_who_has_left_does_not_come_in_by_the_other_door(cast: Cast, provider: Provider) -> None:
    come(provider, Client())
    User.objects.filter(pk=cast.amina.pk).update(is_active=False)
    client = Client()
    come(provider, client)
    assert client.get("/account/").status_code == 302


def test_the_provider_answers_for_the_second_factor(
    cast: Cast, provider: Provider, settings: Any
) -> None:
    settings.REQUIRE_SECOND_FACTOR = frozenset({"agent"})
    client = Client()
    come(provider, client)
    assert client.get("/desk/").status_code == 200


def test_without_a_provider_there_is_no_button(db: None) -> None:
    assert "/login/sso/" not in Client().get("/login/").content.decode()
    assert Client().post("/login/sso/house/").status_code == 404


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"url": "http://login.example/"}, "OIDC_SERVER_URL"),
        ({"url": "login.example"}, "OIDC_SERVER_URL"),
        ({"client": ""}, "OIDC_CLIENT_ID"),
        ({"secret": ""}, "OIDC_CLIENT_SECRET"),
    ],
)
def test_half_a_provider_is_refused_at_the_start(given: dict[str, str], name: str) -> None:
    whole = {"url": "https://login.example/", "client": "kept", "secret": "s" * 16, "name": "x"}
    with pytest.raises(ImproperlyConfigured, match=name):
        env.single_sign_on(**(whole | given))
