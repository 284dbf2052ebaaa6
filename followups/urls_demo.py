"""Addresses of the demo's mail and clock; outside the demo they lead nowhere."""

from __future__ import annotations

from django.urls import path

from followups.views import demo, tour

urlpatterns = [
    path("mail/", demo.mails, name="demo_mail"),
    path("mail/<int:number>/", demo.one_mail, name="demo_mail_one"),
    path("mail/<int:number>/<int:place>/", demo.attachment, name="demo_attachment"),
    path("mail/<int:number>/report/", demo.report, name="demo_report"),
    path("clock/", demo.move_clock, name="demo_clock"),
    path("tour/", tour.tour, name="demo_tour"),
    path("tour/<int:number>/", tour.step, name="demo_tour_step"),
]
