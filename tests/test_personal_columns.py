"""Every column that can hold somebody's data says who empties it, or why it holds none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from crm import forgetting
from crm.columns import XactField
from tests.personal import ERASED, KEPT, LIBRARIES
from tests.sources import STOREYS

SPEAKING = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.BinaryField,
    models.GenericIPAddressField,
    models.FileField,
    models.UUIDField,
    ArrayField,
)


def speaking(found: Iterable[type[models.Model]]) -> Iterator[str]:
    """The columns in which words, addresses or bytes can stand: not choices, not authors, which
    are codes of ours, and not the keys that we draw ourselves."""
    for model in found:
        for column in model._meta.concrete_fields:
            ours = column.choices or column.name == "by" or column.name.endswith("_by")
            drawn = isinstance(column, models.UUIDField | XactField)
            if isinstance(column, SPEAKING) and not ours and not drawn:
                yield f"{model.__name__}.{column.name}"


def declared() -> list[str]:
    return [name for part in (ERASED, KEPT) for columns in part.values() for name in columns]


def ours() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in STOREYS]


def test_every_column_is_declared_once_and_none_is_that_is_not_there() -> None:
    assert sorted(declared()) == sorted(speaking(ours()))


def test_every_other_app_is_known_to_hold_no_customer() -> None:
    others = {model._meta.app_label for model in apps.get_models()} - set(STOREYS)
    assert others <= LIBRARIES


def test_every_storey_that_holds_somebodys_data_has_its_eraser() -> None:
    storeys = {"crm": forgetting.CRM, "offers": forgetting.OFFERS}
    storeys["followups"] = forgetting.FOLLOWUPS
    assert {storeys[name] for name in ERASED} == set(forgetting._ERASERS)
    homes = {model.__name__: model._meta.app_label for model in ours()}
    strayed = [
        name for app, names in ERASED.items() for name in names if homes[name.split(".")[0]] != app
    ]
    assert strayed == []


def test_a_new_column_is_noticed() -> None:
    class Memo(models.Model):
        words = models.TextField()

        class Meta:
            app_label = "crm"
            managed = False

        def __str__(self) -> str:
            return self.words

    try:
        assert list(speaking([Memo])) == ["Memo.words"]
        assert "Memo.words" not in declared()
    finally:
        del apps.all_models["crm"]["memo"]
        apps.clear_cache()


@pytest.mark.parametrize("name", sorted(ERASED["crm"] | ERASED["offers"]))
def test_what_is_erased_stands_in_no_ledger(name: str) -> None:
    """An append-only row is never written again, so nothing of a person may stand in it."""
    model = next(one for one in ours() if one.__name__ == name.split(".")[0])
    names = [trigger.name for trigger in getattr(model._meta, "triggers", [])]
    assert not [one for one in names if one.endswith("_append_only")]
