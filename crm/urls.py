"""Addresses of this storey: the way home, finding a customer, policies."""

from __future__ import annotations

from django.urls import path

from crm import views, views_absences, views_audit, views_keys, views_policies

urlpatterns = [
    path("", views.home, name="home"),
    path("customers/", views.search, name="customers"),
    path("pop", views.pop, name="pop"),
    path("absences/", views_absences.page, name="absences"),
    path("absences/<int:pk>/end/", views_absences.end, name="end_absence"),
    path("audit/", views_audit.audit, name="audit"),
    path("keys/", views_keys.listed, name="keys"),
    path("keys/add/", views_keys.add, name="add_key"),
    path("keys/<int:pk>/revoke/", views_keys.revoke, name="revoke_key"),
    path("policies/", views_policies.policies_page, name="policies"),
    path("policies/<slug:name>/<str:version>/", views_policies.policy, name="policy"),
    path(
        "policies/<slug:name>/<str:version>/difference/",
        views_policies.difference,
        name="policy_difference",
    ),
    path("policies/<slug:name>/<str:version>/copy/", views_policies.copy, name="copy_policy"),
    path("policies/<slug:name>/<str:version>/edit/", views_policies.edit, name="edit_policy"),
    path("policies/<slug:name>/<str:version>/drop/", views_policies.drop, name="drop_policy"),
]
