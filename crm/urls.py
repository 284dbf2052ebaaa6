"""Addresses of this storey: the way home, finding a customer, policies."""

from __future__ import annotations

from django.urls import path

from crm import (
    views,
    views_absences,
    views_audit,
    views_calendars,
    views_forgetting,
    views_imports,
    views_keys,
    views_policies,
)

urlpatterns = [
    path("", views.home, name="home"),
    path("customers/", views.search, name="customers"),
    path("pop", views.pop, name="pop"),
    path("absences/", views_absences.page, name="absences"),
    path("absences/<int:pk>/end/", views_absences.end, name="end_absence"),
    path("imports/", views_imports.imports_page, name="imports"),
    path("imports/<int:pk>/", views_imports.page, name="import"),
    path("imports/<int:pk>/columns/", views_imports.columns, name="import_columns"),
    path("imports/<int:pk>/start/", views_imports.start, name="start_import"),
    path("imports/<int:pk>/drop/", views_imports.drop, name="drop_import"),
    path("imports/<int:pk>/undo/", views_imports.undo, name="undo_import"),
    path("imports/<int:pk>/bad-lines.csv", views_imports.bad_lines, name="import_bad_lines"),
    path("calendars/", views_calendars.calendars_page, name="calendars"),
    path("calendars/add/", views_calendars.add, name="add_calendar"),
    path("calendars/regions/", views_calendars.regions, name="calendar_regions"),
    path("calendars/<int:pk>/", views_calendars.calendar, name="calendar"),
    path("calendars/<int:pk>/edit/", views_calendars.edit, name="edit_calendar"),
    path("calendars/<int:pk>/copy/", views_calendars.copy, name="copy_calendar"),
    path("calendars/<int:pk>/teams/", views_calendars.give, name="give_calendar"),
    path("audit/", views_audit.audit, name="audit"),
    path("audit/export.csv", views_audit.export, name="export_audit"),
    path("forgotten/", views_forgetting.forgotten, name="forgotten"),
    path("forgotten/add/", views_forgetting.forget, name="forget"),
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
