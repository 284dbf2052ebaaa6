"""Addresses of this storey: bill runs and deliveries, for operations."""

from __future__ import annotations

from django.urls import path

from offers import views

urlpatterns = [
    path("bill-runs/", views.bill_runs_page, name="bill_runs"),
    path("bill-runs/<int:pk>/", views.bill_run, name="bill_run"),
    path("bill-runs/<int:pk>/close/", views.close, name="close_run"),
    path("bill-runs/<int:pk>/printed/", views.printed, name="run_printed"),
    path("bill-runs/<int:pk>/mailed/", views.mailed, name="run_mailed"),
    path("bill-runs/<int:pk>/manifest.csv", views.manifest, name="run_manifest"),
    path("bill-runs/<int:pk>/volumes/<int:number>.pdf", views.volume, name="run_volume"),
    path("deliveries/", views.deliveries, name="deliveries"),
]
