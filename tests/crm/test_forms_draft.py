"""The editor of a policy: what it shows is what is kept, and what is wrong is said beside it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation

from crm import policies
from crm.forms_draft import DraftForm
from crm.policy_versions import Refused
from crm.rule_faults import Fault
from crm.rules import Rules

PRESETS = [policy for versions in policies.presets().values() for policy in versions]


def sent(form: DraftForm, **more: Any) -> dict[str, Any]:
    """What a browser sends back when nobody touches the fields, but for `more`."""
    data = {
        name: field.initial
        for name, field in form.fields.items()
        if field.initial not in (None, False)
    }
    return {**data, **{name.replace("__", "-"): value for name, value in more.items()}}


def written(stored: dict[str, Any], **more: Any) -> DraftForm:
    empty = DraftForm(stored=stored, title="A title", seen="x")
    return DraftForm(sent(empty, **more), stored=stored, title="A title", seen="x")


@pytest.mark.parametrize("policy", PRESETS, ids=lambda policy: policy.label)
def test_saving_untouched_changes_no_figure_of_any_preset(policy: policies.Policy) -> None:
    form = written(policy.rules.model_dump(mode="json"))
    assert form.is_valid(), form.errors
    assert Rules.read(form.written()) == policy.rules


def be() -> dict[str, Any]:
    return policies.presets()["be"][0].rules.model_dump(mode="json")


def test_hours_are_written_as_people_write_them() -> None:
    form = written(be(), hours__week__mon="9:00 – 12.30; 13h30-18:00", hours__week__sat="")
    assert form.is_valid(), form.errors
    week = form.written()["hours"]["week"]
    assert week["mon"] == [["09:00", "12:30"], ["13:30", "18:00"]]
    assert "sat" not in week and week["tue"] == [["09:00", "20:00"]]


def test_a_line_that_is_no_opening_is_named() -> None:
    form = written(be(), hours__week__mon="09:00-13:00, mornings", hours__early_ends="Christmas")
    assert not form.is_valid()
    assert "“mornings” is not an opening" in form.errors["hours-week-mon"][0]
    assert "“Christmas” is not a day" in form.errors["hours-early_ends"][0]


def test_rows_are_added_and_taken_away() -> None:
    form = written(
        be(), caps__0__unit="", caps__1__unit="contact", caps__1__most="2", caps__1__days="7",
        caps__1__source="our own rule", caps__1__kind="product",
    )  # fmt: skip
    assert form.is_valid(), form.errors
    caps = Rules.read(form.written()).caps
    assert [(cap.unit, cap.inbound, cap.most, cap.days) for cap in caps] == [
        ("conversation", True, 2, 7)
    ]


def test_a_limit_is_taken_away_as_a_whole() -> None:
    form = written(be(), refusal__rule="", lists__0__name="")
    del form.data["hours-said"]  # type: ignore[attr-defined]
    assert form.is_valid(), form.errors
    rules = Rules.read(form.written())
    assert (rules.hours, rules.refusal, rules.lists) == (None, None, ())


def test_a_fault_of_a_row_is_said_in_its_own_row() -> None:
    form = written(be(), caps__0__unit="", caps__1__unit="attempt", caps__1__source="our own rule")
    assert form.is_valid(), form.errors
    form.refuse(Refused(Fault("caps.0.most", "fill it in"), Fault("somewhere", "else")))
    assert form.errors["caps-1-most"] == ["fill it in"]
    assert form.non_field_errors() == ["else"]


def test_a_rest_without_its_days_is_missing_them() -> None:
    form = written(be(), refusal__rule="days", refusal__days="")
    assert form.is_valid(), form.errors
    assert "days" not in form.written()["refusal"]


def test_the_days_of_the_week_are_in_the_readers_language() -> None:
    with translation.override("nl"):
        form = DraftForm(stored=be())
        assert form.fields["hours-week-mon"].label == "Maandag"
