"""People, teams, machines' keys and the audit, as an administrator works with them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm import audit, keys, people
from crm.actors import Actor
from crm.models import ApiKey, AuditEntry, Team, User
from followups.models import Notice
from tests.cast import PASSWORD, START, SYSTEM, Cast, call_and_promise, person
from tests.pages.conftest import Enter
from tests.pages.test_account import LINK, letters, log_in

NEW = {
    "username": "farah",
    "first_name": "Farah",
    "last_name": "",
    "email": "farah@kept.example",
    "role": "agent",
    "language": "fr",
    "supervisor": "",
}


@pytest.fixture
def eva(monday: Cast) -> Client:
    """The administrator, who has just confirmed who she is."""
    client = log_in("eva")
    client.post("/account/confirm/", {"password": PASSWORD})
    return client


def form_of(user: User, **changes: Any) -> dict[str, Any]:
    names = ("first_name", "last_name", "email", "role", "language")
    facts = {name: getattr(user, name) for name in names}
    of = {"team": user.team_id or "", "supervisor": user.supervisor_id or ""}
    return facts | of | changes


def newest(subject: User | Team) -> AuditEntry:
    kind = "team" if isinstance(subject, Team) else "user"
    return AuditEntry.objects.filter(subject=f"{kind}:{subject.pk}").latest("pk")


# --- people -----------------------------------------------------------------------------------


def test_somebody_new_sets_their_own_password_by_a_link(monday: Cast, eva: Client) -> None:
    answer = eva.post("/people/add/", NEW | {"team": monday.liege.pk})
    assert answer["Location"] == "/people/"
    farah = User.objects.get(username="farah")
    assert not farah.has_usable_password()
    assert newest(farah).action == "person_added"
    [letter] = letters(farah)
    assert "farah" in letter and PASSWORD not in letter
    [link] = LINK.findall(letter)
    visitor = Client()
    form = visitor.get("/" + link.split("/", 3)[3])["Location"]
    new = "a password of her own"
    visitor.post(form, {"password1": new, "password2": new})
    assert log_in("farah", new).get("/desk/").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "AMINA"),
        ("username", "with blank"),
        ("email", "amina@KEPT.example"),
        ("email", "nowhere"),
        ("role", "king"),
        ("team", ""),
        ("supervisor", "bram"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    monday: Cast, eva: Client, field: str, value: str
) -> None:
    wrong = str(monday.bram.pk) if value == "bram" else value
    answer = eva.post("/people/add/", NEW | {"team": monday.liege.pk, field: wrong})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not User.objects.filter(first_name="Farah").exists()
    assert not Notice.objects.exists()


def test_another_role_and_team_are_written_down_without_names(monday: Cast, eva: Client) -> None:
    new = form_of(monday.amina, role="supervisor", team=monday.gent.pk, supervisor="")
    eva.post(f"/people/{monday.amina.pk}/", new | {"first_name": "Aminata"})
    monday.amina.refresh_from_db()
    assert (monday.amina.role, monday.amina.team) == ("supervisor", monday.gent)
    entry = newest(monday.amina)
    assert entry.data["changed"] == ["first_name", "role", "team", "supervisor"]
    assert "Amina" not in str(entry.data)


def test_nothing_changed_is_nothing_written(monday: Cast, eva: Client) -> None:
    eva.post(f"/people/{monday.amina.pk}/", form_of(monday.amina))
    assert not AuditEntry.objects.filter(action="person_changed").exists()


def test_the_last_administrator_stays_one(monday: Cast, eva: Client) -> None:
    answer = eva.post(f"/people/{monday.eva.pk}/", form_of(monday.eva, role="operations"))
    assert "last administrator" in str(answer.context["form"].errors["role"])
    with pytest.raises(people.Refused, match="last administrator"):
        people.close(user=monday.eva, by=SYSTEM, at=START)
    eva.post(f"/people/{monday.dirk.pk}/", form_of(monday.dirk, role="administrator"))
    people.close(user=monday.eva, by=person(monday.dirk), at=START)


def test_nobody_closes_themselves(monday: Cast, eva: Client) -> None:
    eva.post(f"/people/{monday.dirk.pk}/", form_of(monday.dirk, role="administrator"))
    eva.post(f"/people/{monday.eva.pk}/close/")
    assert User.objects.get(pk=monday.eva.pk).is_active


def test_who_leaves_is_out_at_once_and_the_open_promises_are_named(
    monday: Cast, eva: Client
) -> None:
    call_and_promise(monday.amina, monday.dupont)
    amina = log_in("amina")
    path = f"/people/{monday.amina.pk}/"
    assert "1 open promise is theirs" in eva.get(path).content.decode()
    eva.post(f"{path}close/")
    assert amina.get("/desk/").status_code == 302
    assert log_in("amina").get("/desk/").status_code == 302
    assert monday.amina.username in eva.get("/people/?left=1").content.decode()
    eva.post(f"{path}reopen/")
    assert log_in("amina").get("/desk/").status_code == 200


def test_a_lost_phone_is_taken_away_and_its_log_ins_end(monday: Cast, eva: Client) -> None:
    amina = log_in("amina")
    Authenticator.objects.create(user=monday.amina, type="totp", data={"secret": "x"})
    eva.post(f"/people/{monday.amina.pk}/second-factor/")
    assert not Authenticator.objects.exists()
    assert amina.get("/desk/").status_code == 302
    assert newest(monday.amina).action == "second_factor_reset"


def test_people_are_changed_only_by_who_has_just_confirmed(monday: Cast) -> None:
    eva = log_in("eva")
    answer = eva.post(f"/people/{monday.amina.pk}/close/")
    assert answer["Location"].startswith("/account/confirm/")
    assert User.objects.get(pk=monday.amina.pk).is_active
    # After the password it goes on where it was asked.
    eva.post(answer["Location"], {"password": PASSWORD})
    assert not User.objects.get(pk=monday.amina.pk).is_active


@pytest.mark.parametrize("name", ["amina", "chloe", "dirk"])
def test_nobody_else_sees_people_keys_or_the_audit(monday: Cast, enter: Enter, name: str) -> None:
    client = enter(getattr(monday, name))
    for path in ("/people/", "/people/add/", "/teams/", "/keys/", "/keys/add/", "/audit/"):
        assert client.get(path).status_code == 403, path


# --- teams ------------------------------------------------------------------------------------


def test_a_team_is_added_with_the_hours_of_another_and_renamed(monday: Cast, eva: Client) -> None:
    eva.post("/teams/add/", {"team-name": "Namur Süd", "team-like": monday.liege.pk})
    team = Team.objects.get(slug="namur-sud")
    assert team.calendar == monday.liege.calendar
    eva.post(f"/teams/{team.pk}/", {"team-name": "Namur"})
    team.refresh_from_db()
    assert (team.name, team.slug) == ("Namur", "namur-sud")
    assert newest(team).action == "team_renamed"


@pytest.mark.parametrize("name", ["liège", "Liège", "!!!", ""])
def test_a_team_has_a_name_of_its_own(monday: Cast, eva: Client, name: str) -> None:
    assert eva.post("/teams/add/", {"team-name": name}).status_code == 422
    assert Team.objects.count() == 2


# --- keys -------------------------------------------------------------------------------------


def test_a_key_is_shown_once_and_works(monday: Cast, eva: Client) -> None:
    wanted = {"key-name": "dialer", "key-scopes": ["gate:read"], "key-per_minute": "60"}
    answer = eva.post("/keys/add/", wanted | {"key-team": monday.liege.pk})
    [secret] = re.findall(r'value="(kept_[^"]+)"', answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert secret not in eva.get("/keys/").content.decode()
    key = ApiKey.objects.get()
    assert (key.team, key.per_minute, key.scopes) == (monday.liege, 60, ["gate:read"])
    bearer = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/api/v1/ping", headers=bearer).status_code == 200
    eva.post(f"/keys/{key.pk}/revoke/")
    assert Client().get("/api/v1/ping", headers=bearer).status_code == 401
    assert secret not in str(list(AuditEntry.objects.values_list("data", flat=True)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scopes", []),
        ("scopes", ["all"]),
        ("name", ""),
        ("per_minute", "0"),
        ("last", "2020-01-01"),
    ],
)
def test_a_key_that_cannot_be_is_not_made(
    monday: Cast, eva: Client, field: str, value: object
) -> None:
    wanted: dict[str, object] = {"key-name": "dialer", "key-scopes": ["gate:read"]}
    answer = eva.post("/keys/add/", wanted | {f"key-{field}": value})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not ApiKey.objects.exists()


# --- the audit --------------------------------------------------------------------------------


def told(number: int, *, action: str = "told", by: Actor = SYSTEM) -> None:
    for _ in range(number):
        audit.write(action=action, subject="house:1", by=by, at=START)


def test_the_audit_pages_without_losing_or_doubling_a_line(monday: Cast, eva: Client) -> None:
    told(120)
    seen: list[int] = []
    path: str | None = "/audit/?what=told"
    while path:
        page = eva.get(path).context["page"]
        seen += [line.entry.pk for line in page.lines]
        told(3)  # what is written meanwhile moves nothing
        path = f"/audit/?what=told&before={page.older}" if page.older else None
    assert len(seen) == len(set(seen)) == 120


def test_the_audit_is_sifted_by_person_act_subject_and_days(monday: Cast, eva: Client) -> None:
    told(1, by=person(monday.dirk))
    told(2, action="done")
    for query, count in (
        (f"who=user:{monday.dirk.pk}", 1),
        ("what=done", 2),
        ("about=house:1", 3),
        ("what=done&first=2026-03-02&last=2026-03-02", 2),
        ("what=done&first=2026-03-03", 0),
        ("what=done&last=2026-03-01", 0),
    ):
        assert len(eva.get(f"/audit/?{query}").context["page"].lines) == count, query


def test_the_audit_says_who_by_name_and_whom_by_id(monday: Cast, eva: Client) -> None:
    people.close(user=monday.amina, by=person(monday.dirk), at=START)
    page = eva.get("/audit/?what=person_closed").content.decode()
    assert "Dirk" in page
    assert f"user:{monday.amina.pk}" in page


@pytest.mark.parametrize("query", ["who=user:0", "first=yesterday", "before=-1", "what=x%00"])
def test_what_cannot_be_looked_for_is_said(monday: Cast, eva: Client, query: str) -> None:
    assert eva.get(f"/audit/?{query}").status_code == 422


@pytest.mark.parametrize("path", ["/people/", "/teams/", "/keys/", "/audit/?what=told"])
def test_a_list_asks_as_often_for_thirty_rows_as_for_one(
    monday: Cast, eva: Client, path: str
) -> None:
    def fill(number: int) -> None:
        told(1)
        keys.issue(name=f"k{number}", scopes=["gate:read"], team=monday.gent, by=SYSTEM, at=START)
        facts = NEW | {"email": f"p{number}@kept.example", "team": monday.liege}
        facts |= {"supervisor": monday.chloe}
        people.add(username=f"p{number}", facts=facts, by=SYSTEM, at=START)
        people.add_team(name=f"Team {number}", like=None, by=SYSTEM, at=START)

    fill(0)
    counts = []
    for numbers in (range(0), range(1, 30)):
        for number in numbers:
            fill(number)
        with CaptureQueriesContext(connection) as captured:
            assert eva.get(path).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_nobody_comes_back_to_a_mail_address_that_somebody_else_has(
    monday: Cast, eva: Client
) -> None:
    people.close(user=monday.amina, by=SYSTEM, at=START)
    mail = monday.amina.email
    people.change(user=monday.chloe, facts={"email": mail}, by=SYSTEM, at=START)
    page = eva.post(f"/people/{monday.amina.pk}/reopen/", follow=True)
    assert "Somebody has this mail address already." in page.content.decode()
    monday.amina.refresh_from_db()
    assert not monday.amina.is_active
