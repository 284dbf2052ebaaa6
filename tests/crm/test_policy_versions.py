"""Policies of the house: drafts, who changes them, what may be activated, and that it stands."""

from __future__ import annotations

import copy
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from crm import policies, policy_versions
from crm.models import AuditEntry, PolicyVersion
from crm.policy_versions import Overtaken, Refused
from tests.cast import DAY, HOUR, START, SYSTEM, Cast, person
from tests.crm.drafts import RULES, activated, compared, draft_of
from tests.races import Thread, until_somebody_waits

TODAY = date(2026, 3, 2)


def changed(draft: PolicyVersion, cast: Cast, **figures: Any) -> None:
    rules = {**copy.deepcopy(draft.rules), **figures}
    policy_versions.change(
        draft=draft,
        seen_at=draft.changed_at,
        title=draft.title,
        rules=rules,
        by=person(cast.dirk),
        at=START + HOUR,
    )
    draft.refresh_from_db()


@pytest.mark.parametrize("label", ["nl@2021-07-01", "de@2021-10-01", "us-tcpa", "be@2015-07-11"])
def test_a_copy_has_every_figure_of_what_it_was_copied_from(cast: Cast, label: str) -> None:
    source = next(p for p in policies.every() if p.label.startswith(label))
    draft = draft_of(cast, source=source.label, version="ours")
    found = PolicyVersion.objects.get(pk=draft.pk)
    assert found.rules == source.rules.model_dump(mode="json")
    assert policies.Rules.read(found.rules) == source.rules
    assert found.copied_from == source.label
    entry = AuditEntry.objects.get(action="policy_drafted")
    assert (entry.subject, entry.by) == (f"policy:{draft}", f"user:{cast.dirk.pk}")


@pytest.mark.parametrize(
    ("name", "version", "field", "words"),
    [
        ("none", "ours", "name", "stays as it is"),
        ("BE", "ours", "name", "small letters"),
        ("be@x", "ours", "name", "small letters"),
        ("be", "two words", "version", "small letters"),
        ("be", "2015-07-11", "version", "already"),
        ("a-name-of-20-letters", "a-version-of-20-lett", "version", "too long together"),
    ],
)
def test_a_label_that_cannot_be_one_is_refused_beside_its_field(
    cast: Cast, name: str, version: str, field: str, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        draft_of(cast, name=name, version=version)
    assert [fault.path for fault in refused.value.faults] == [field]
    assert not PolicyVersion.objects.exists()


def test_a_version_is_there_once_and_its_name_is_free_when_the_draft_is_dropped(
    cast: Cast,
) -> None:
    draft = draft_of(cast)
    with pytest.raises(Refused, match="already"):
        draft_of(cast)
    assert policy_versions.drop(draft=draft, by=person(cast.dirk), at=START)
    assert not policy_versions.drop(draft=draft, by=person(cast.dirk), at=START)
    assert draft_of(cast).pk != draft.pk


def test_two_editors_do_not_overwrite_each_other(cast: Cast) -> None:
    draft = draft_of(cast)
    late = PolicyVersion.objects.get(pk=draft.pk)
    changed(draft, cast, watch="the first")
    with pytest.raises(Overtaken):
        changed(late, cast, watch="the second")
    assert PolicyVersion.objects.get().rules["watch"] == "the first"


@pytest.mark.parametrize(
    ("figures", "path"),
    [
        ({"caps": [{**RULES["caps"][0], "most": 0}]}, "caps.0.most"),
        ({"caps": [{**RULES["caps"][0], "source": ""}]}, "caps.0.source"),
        ({"hours": {**RULES["hours"], "week": {"mon": []}}}, "hours.week.mon"),
        ({"hours": {**RULES["hours"], "week": {"tue": [["13:00", "09:00"]]}}}, "hours.week.tue"),
        ({"hours": {**RULES["hours"], "week": {"tue": [["9:00", "11:00"]]}}}, "hours.week.tue"),
        ({"hours": {**RULES["hours"], "holidays": "XX"}}, "hours.holidays"),
        ({"hours": {**RULES["hours"], "early_ends": {"13-01": "12:00"}}}, "hours.early_ends"),
        ({"country": "Belgium"}, "country"),
        ({"country": ""}, "country"),
        ({"country": "US", "hours": {**RULES["hours"], "week": {"mon": [["09:00", "09:30"]]}}},
         "hours.week.mon"),
        ({"lists": [{**RULES["lists"][0], "name": "Robinson list"}]}, "lists.0.name"),
        ({"regime": "whatever"}, "regime"),
    ],
)  # fmt: skip
def test_what_the_gate_could_not_judge_by_is_refused_in_words_at_its_figure(
    cast: Cast, figures: dict[str, Any], path: str
) -> None:
    draft = draft_of(cast)
    with pytest.raises(Refused) as refused:
        changed(draft, cast, **figures)
    assert path in [fault.path for fault in refused.value.faults]
    assert "cannot be read" not in str(refused.value)
    assert PolicyVersion.objects.get().rules == draft.rules


def test_every_fault_is_said_at_once(cast: Cast) -> None:
    draft = draft_of(cast)
    with pytest.raises(Refused) as refused:
        changed(draft, cast, country="Belgium", caps=[{**RULES["caps"][0], "days": 0}])
    assert {fault.path for fault in refused.value.faults} == {"country", "caps.0.days"}


def test_an_activated_version_is_in_force_from_its_day(cast: Cast) -> None:
    draft = activated(draft_of(cast), cast, effective_from=TODAY + timedelta(days=1))
    assert policies.refresh() == draft.activated_at
    assert policies.get("be", at=START).label == "be@2015-07-11"
    assert policies.get("be", at=START + DAY).label == "be@ours"
    entry = AuditEntry.objects.get(action="policy_activated")
    assert (entry.subject, entry.by) == ("policy:be@ours", f"user:{cast.dirk.pk}")
    assert entry.data["effective_from"] == "2026-03-03"


def test_nothing_is_activated_unseen(cast: Cast) -> None:
    draft = draft_of(cast)
    with pytest.raises(Overtaken):
        activate(draft, cast)
    compared(draft, cast)
    changed(draft, cast, watch="another word")
    assert draft.compared is None
    with pytest.raises(Overtaken):
        activate(draft, cast)
    compared(draft, cast, at=START + HOUR)
    seen = draft.compared_at
    compared(draft, cast, at=START + 2 * HOUR)
    with pytest.raises(Overtaken):  # not the run that was shown
        activate(draft, cast, seen_at=seen)
    activate(draft, cast)
    assert PolicyVersion.objects.get().activated_by == f"user:{cast.dirk.pk}"


def activate(draft: PolicyVersion, cast: Cast, **more: Any) -> None:
    facts = {
        "seen_at": draft.compared_at or START,
        "effective_from": TODAY,
        "by": person(cast.dirk),
        "at": START + 3 * HOUR,
    }
    policy_versions.activate(draft=draft, **{**facts, **more})


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"by": SYSTEM}, "A person"),
        ({"effective_from": TODAY - timedelta(days=1)}, "This day is over"),
        ({"at": START + DAY, "effective_from": TODAY + timedelta(days=1)}, "of another day"),
    ],
)
def test_it_is_refused_to_nobody_for_the_past_and_after_an_old_run(
    cast: Cast, more: dict[str, Any], words: str
) -> None:
    draft = draft_of(cast)
    compared(draft, cast)
    with pytest.raises(Refused, match=words):
        activate(draft, cast, **more)
    assert PolicyVersion.objects.get().activated_at is None


def test_a_run_beside_a_version_that_is_no_longer_in_force_is_not_enough(cast: Cast) -> None:
    late = draft_of(cast, version="late")
    compared(late, cast)
    activated(draft_of(cast), cast)
    with pytest.raises(Refused, match="come into force since"):
        activate(late, cast)


def test_a_run_of_other_figures_is_not_kept(cast: Cast) -> None:
    draft = draft_of(cast)
    late = PolicyVersion.objects.get(pk=draft.pk)
    changed(draft, cast, watch="another word")
    assert policy_versions.keep_comparison(
        draft=late, found={}, by=person(cast.dirk), at=START + HOUR
    ) is None  # fmt: skip
    assert PolicyVersion.objects.get().compared is None


def test_a_draft_is_compared_with_what_is_in_force_of_its_own_or_of_what_it_came_from(
    cast: Cast,
) -> None:
    ours = draft_of(cast, name="summer", version="one")
    assert policy_versions.stands_for(ours, at=START).label == "be@2015-07-11"
    activated(ours, cast, effective_from=TODAY + timedelta(days=5))
    two = draft_of(cast, source="summer@one", version="two")
    assert policy_versions.stands_for(two, at=START).label == "be@2015-07-11"
    assert policy_versions.stands_for(two, at=START + 5 * DAY).label == "summer@one"


def test_what_was_activated_never_changes(cast: Cast) -> None:
    draft = activated(draft_of(cast), cast)
    with pytest.raises(Overtaken):
        changed(draft, cast, watch="later")
    assert not policy_versions.drop(draft=draft, by=person(cast.dirk), at=START)
    for act in (
        lambda: PolicyVersion.objects.update(title="Another"),
        lambda: PolicyVersion.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError, match="what was activated stands"), transaction.atomic():
            act()
    assert PolicyVersion.objects.get().title == draft.title


def test_a_later_activation_is_later_whatever_the_clock_says(cast: Cast) -> None:
    first = activated(draft_of(cast), cast, at=START + HOUR)
    policies.refresh()
    second = activated(draft_of(cast, name="ours"), cast, at=START)
    assert first.activated_at and second.activated_at
    assert second.activated_at > first.activated_at


@pytest.mark.django_db(transaction=True)
def test_of_two_who_activate_one_draft_one_does(cast: Cast) -> None:
    draft = draft_of(cast)
    compared(draft, cast)
    with transaction.atomic():
        activate(draft, cast)
        other = Thread(lambda: activate(draft, cast))
        until_somebody_waits(other)
    with pytest.raises(Overtaken):
        other.answer()
    assert AuditEntry.objects.filter(action="policy_activated").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_drafts_of_a_policy_the_second_has_to_be_compared_again(cast: Cast) -> None:
    one, other = draft_of(cast), draft_of(cast, version="other")
    compared(one, cast)
    compared(other, cast)
    with transaction.atomic():
        activate(one, cast)
        late = Thread(lambda: activate(other, cast))
        until_somebody_waits(late)
    with pytest.raises(Refused, match="come into force since"):
        late.answer()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_one_draft_one_is_told(cast: Cast) -> None:
    draft = draft_of(cast)
    late = PolicyVersion.objects.get(pk=draft.pk)
    with transaction.atomic():
        changed(draft, cast, watch="the first")
        other = Thread(lambda: changed(late, cast, watch="the second"))
        other.join(0.5)
        assert other.is_alive()
    with pytest.raises(Overtaken):
        other.answer()
    assert PolicyVersion.objects.get().rules["watch"] == "the first"
