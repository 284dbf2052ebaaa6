"""Addresses of this storey: logging in and out, the way home, finding a customer."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from crm import views

urlpatterns = [
    path("", views.home, name="home"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("customers/", views.search, name="customers"),
    path("pop", views.pop, name="pop"),
]
