"""Addresses of the ladders' pages."""

from __future__ import annotations

from django.urls import path

from followups.views import ladders

urlpatterns = [
    path("", ladders.ladders_page, name="ladders"),
    path("teams/", ladders.choose, name="choose_ladder"),
    path("management/", ladders.name_management, name="name_management"),
    path("<slug:name>/<int:version>/", ladders.version, name="ladder"),
    path("<slug:name>/<int:version>/new/", ladders.draw, name="draw_ladder"),
    path("<slug:name>/<int:version>/activate/", ladders.activate, name="activate_ladder"),
    path("<slug:name>/<int:version>/drop/", ladders.drop, name="drop_ladder"),
]
