"""The replay of a campaign: what is assumed, what the gate refuses, and a second count of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bench import campaign, replay
from bench.replay import Assumptions, Call, Hand, Outcome, Person
from crm import calling_hours, phone, policies
from crm.models import Attempt
from crm.policies import Policy

ASSUMED = Assumptions()
PRESETS = sorted(policies.installed())
# Once, at the cap of three, two beyond it, and so often that calls follow each other closely.
PEOPLE = [Person(1, True), Person(3, True), Person(5, True), Person(40, False)]


def preset(name: str) -> Policy:
    return policies.get(name, at=ASSUMED.start)


@pytest.mark.parametrize("name", PRESETS)
def test_calls_are_placed_only_when_the_preset_lets_its_country_be_called(name: str) -> None:
    policy = preset(name)
    calls = replay.spread(PEOPLE, replay.openings(policy, ASSUMED), seed=3)
    assert len(calls) == 49
    for call in calls:
        assert ASSUMED.start <= call.at < ASSUMED.end
        hours = policy.rules.hours
        assert not hours or not calling_hours.shut(hours, country=policy.rules.country, at=call.at)


def test_round_the_clock_the_calls_of_a_person_are_equally_far_apart() -> None:
    assumed = Assumptions(round_the_clock=True)
    calls = replay.spread([Person(10, False)], replay.openings(preset("be"), assumed), seed=3)
    gaps = {round((after.at - call.at) / timedelta(days=1), 6) for call, after in pairwise(calls)}
    assert gaps == {3.0}
    assert [call.last for call in calls] == [False] * 9 + [True]


def test_the_same_seed_places_the_same_calls() -> None:
    spans = replay.openings(preset("be"), ASSUMED)
    assert replay.spread(PEOPLE, spans, seed=3) == replay.spread(PEOPLE, spans, seed=3)
    assert replay.spread(PEOPLE, spans, seed=3) != replay.spread(PEOPLE, spans, seed=4)


@pytest.mark.parametrize("country", replay.NUMBERS)
def test_everybody_has_a_number_of_the_country(country: str) -> None:
    for place, n in ((0, 0), (7, 41_187)):
        number = replay.number_of(country, place, n)
        assert phone.normalise(number) == number
        assert phone.region_of(number) == (country or "BE")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "refused", "beyond"),
    [
        ("be", {"cap_attempts": 39}, {"cap_attempts": 1}),
        ("uk", {"cap_attempts": 39}, {"cap_attempts": 1}),
        ("us-tcpa", {}, {}),
        ("none", {}, {}),
        ("fr", {"no_consent": 49}, {"no_consent": 3}),
        ("nl", {"no_consent": 49}, {"no_consent": 3}),
        ("de", {"no_consent": 49}, {"no_consent": 3}),
    ],
)
def test_what_a_preset_refuses_is_counted_by_code(
    name: str, refused: dict[str, int], beyond: dict[str, int]
) -> None:
    outcome = replay.replay(preset(name), PEOPLE, ASSUMED, place=1)
    assert (outcome.calls, outcome.sales, outcome.differs) == (49, 3, 0)
    assert (+outcome.refused, +outcome.beyond) == (refused, beyond)
    assert Attempt.objects.count() == 49 - sum(refused.values())


@pytest.mark.django_db
def test_who_is_spoken_to_rests_when_the_preset_says_so() -> None:
    people, policy = [Person(4, True)], preset("us-regf")
    rung = replay.replay(policy, people, ASSUMED, place=1)
    assert (+rung.refused, rung.differs) == ({}, 0)
    answered = Assumptions(all_answered=True, days=10)
    spoken = replay.replay(policy, people, answered, place=2)
    assert spoken.refused["cap_conversations"] > 0
    assert spoken.differs == 0


@pytest.mark.django_db
def test_out_of_hours_the_hours_refuse() -> None:
    assumed = Assumptions(round_the_clock=True)
    outcome = replay.replay(preset("be"), [Person(1, False)] * 60, assumed, place=1)
    assert 0 < outcome.refused["calling_hours"] < 60


def test_the_hand_forgets_what_has_left_the_window() -> None:
    hand, at = Hand(preset("be")), datetime(2026, 9, 1, 9, tzinfo=UTC)
    days = [0, 1, 2, 3, 30, 31]
    allowed = [hand.allows(Call(at + timedelta(days=d), 0, False), False) for d in days]
    assert allowed == [True, True, True, False, True, True]
    assert not hand.allows(Call(at + timedelta(days=31, hours=3), 0, False), False)


def test_a_disagreement_is_told_and_the_bench_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wrong = vars(Outcome("be@x", calls=4, sales=1, differs=2))
    monkeypatch.setattr(campaign, "FILE", written(tmp_path))
    monkeypatch.setattr(campaign, "SAMPLE", {"smoke": 1})
    monkeypatch.setattr(campaign, "replayed", lambda people, wanted: iter([wrong]))
    assert not campaign.run("smoke")
    assert "WRONG: a count by hand differs on 2 calls" in capsys.readouterr().out


def written(folder: Path) -> Path:
    path = folder / "calls.csv"
    path.write_text("age;campaign;y\n56;1;0\n57;9;1\n37;2;1\n")
    return path


def test_the_file_tells_how_often_and_whether_it_sold(tmp_path: Path) -> None:
    assert campaign.read(written(tmp_path)) == [(1, False), (9, True), (2, True)]


def test_a_sample_is_the_same_by_its_seed_and_holds_who_was_called_most_often() -> None:
    people = [(n % 50 + 1, False) for n in range(1_000)]
    chosen = campaign.sampled(people, 10, 11)
    assert chosen == campaign.sampled(people, 10, 11) != campaign.sampled(people, 10, 12)
    assert (len(chosen), max(chosen)) == (100, (50, False))
    assert campaign.sampled(people, 1, 11) == people


def test_without_its_file_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(campaign, "FILE", tmp_path / "none.csv")
    assert campaign.run("smoke")
    assert "nothing measured" in capsys.readouterr().out
