"""Addresses of this storey: desk, sheet, items, bell, board, what a policy would change."""

from __future__ import annotations

from django.urls import include, path

from followups.views import (
    boards,
    consents,
    desk,
    handovers,
    offers,
    overrides,
    persons,
    policies,
    pool,
    sheet,
    wishes,
)

urlpatterns = [
    path("demo/", include("followups.urls_demo")),
    path("webhooks/", include("followups.urls_webhooks")),
    path("desk/", desk.desk, name="desk"),
    path("call-backs/<str:reference>/take/", pool.take, name="take_call_back"),
    path("items/<int:pk>/", desk.item, name="item"),
    path("items/<int:pk>/decide/", desk.decide, name="decide_item"),
    path("items/<int:pk>/close/", desk.close_item, name="close_item"),
    path("notices/", desk.notices_page, name="notices"),
    path("hand-over/", handovers.page, name="hand_over"),
    path("board/", boards.board, name="board"),
    path("customers/<str:reference>/", sheet.sheet, name="sheet"),
    path("customers/<str:reference>/live/", sheet.live, name="sheet_live"),
    path("customers/<str:reference>/take/", sheet.take, name="take"),
    path("customers/<str:reference>/ask/", overrides.ask, name="ask_override"),
    path("customers/<str:reference>/let-through/", overrides.let_through, name="let_through"),
    path("overrides/<int:pk>/", overrides.override, name="override"),
    path("overrides/<int:pk>/refuse/", overrides.refuse, name="refuse_override"),
    path("customers/<str:reference>/calls/", sheet.save_call, name="save_call"),
    path("customers/<str:reference>/merge/", persons.merge, name="merge_customer"),
    path(
        "customers/<str:reference>/merges/<int:pk>/undo/",
        persons.separate,
        name="separate_customer",
    ),
    path("customers/<str:reference>/wishes/", wishes.record, name="record_wish"),
    path("customers/<str:reference>/wishes/<int:pk>/end/", wishes.end, name="end_wish"),
    path("customers/<str:reference>/consents/", consents.record, name="record_consent"),
    path(
        "customers/<str:reference>/consents/<int:pk>/withdraw/",
        consents.withdraw,
        name="withdraw_consent",
    ),
    path("customers/<str:reference>/offers/", offers.offers, name="offers"),
    path("customers/<str:reference>/offers/draft/", offers.draft, name="draft_offer"),
    path("customers/<str:reference>/documents/", offers.upload, name="upload_document"),
    path("customers/<str:reference>/offers/<str:offer>/", offers.offer, name="offer"),
    path(
        "customers/<str:reference>/offers/<str:offer>/withdraw/",
        offers.withdraw,
        name="withdraw_offer",
    ),
    path(
        "customers/<str:reference>/offers/<str:offer>/v<int:number>.pdf",
        offers.preview,
        name="preview_offer",
    ),
    path("leases/<uuid:decision>/renew/", sheet.renew, name="renew_lease"),
    path("documents/<int:pk>/", offers.document, name="document"),
    path("policies/<slug:name>/<str:version>/dry-run/", policies.dry_run, name="policy_dry_run"),
    path("policies/<slug:name>/<str:version>/compare/", policies.compare, name="compare_policy"),
    path("policies/<slug:name>/<str:version>/activate/", policies.activate, name="activate_policy"),
]
