"""Merging on the sheet: two are shown side by side first, and part again with one press."""

from __future__ import annotations

from crm import customers
from crm.customers import Facts
from crm.models import Customer, Merge
from tests.cast import DUPONT_HOME, START, Cast
from tests.pages.conftest import Enter
from tests.pages.test_sheet import address, page


def twin(monday: Cast) -> Customer:
    facts = Facts(name="E. <Dupont>", language="fr", team=monday.liege, phones=(DUPONT_HOME,))
    return customers.add(facts=facts, at=START)


def test_a_supervisor_sees_both_merges_them_and_takes_it_back(monday: Cast, enter: Enter) -> None:
    other, dupont = twin(monday), monday.dupont
    client = enter(monday.chloe)
    shown = client.get(address(dupont, "merge/"), {"other": other.reference}).content.decode()
    assert "E. &lt;Dupont&gt;" in shown
    assert "Mme Éléonore Dupont" in shown
    assert not Merge.objects.exists()
    answer = client.post(address(dupont, "merge/"), {"other": other.reference})
    assert answer.status_code == 302
    merge = Merge.objects.get()
    assert (merge.root, merge.customer) == (dupont, other)
    assert "One person with" in page(client, dupont)
    assert dupont.reference in page(client, other)
    client.post(address(other, f"merges/{merge.pk}/undo/"))
    merge.refresh_from_db()
    assert merge.undone_by == f"user:{monday.chloe.pk}"
    assert "One person with" not in page(client, dupont)


def test_nobody_is_merged_by_a_wrong_word(monday: Cast, enter: Enter) -> None:
    twin(monday)
    client = enter(monday.chloe)
    for wrong in ("C-999999", "", DUPONT_HOME + "0", monday.dupont.reference):
        answer = client.post(address(monday.dupont, "merge/"), {"other": wrong})
        assert answer.status_code == 422
    assert not Merge.objects.exists()


def test_only_a_supervisor_of_the_team_merges(monday: Cast, enter: Enter) -> None:
    other = twin(monday)
    for somebody in (monday.amina, monday.bram, monday.dirk, monday.eva):
        answer = enter(somebody).post(address(monday.dupont, "merge/"), {"other": other.reference})
        assert answer.status_code in (403, 404)
    assert not Merge.objects.exists()
