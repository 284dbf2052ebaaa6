"""Addresses of people and teams, for administrators."""

from __future__ import annotations

from django.urls import path

from followups.views import people

urlpatterns = [
    path("people/", people.listed, name="people"),
    path("people/add/", people.add, name="add_person"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/close/", people.close, name="close_person"),
    path("people/<int:pk>/reopen/", people.reopen, name="reopen_person"),
    path("people/<int:pk>/link/", people.send_link, name="send_password_link"),
    path("people/<int:pk>/second-factor/", people.take_factors, name="reset_second_factor"),
    path("teams/", people.teams, name="teams"),
    path("teams/add/", people.team, name="add_team"),
    path("teams/<int:pk>/", people.team, name="team"),
]
