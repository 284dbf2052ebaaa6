"""Registers the followups storey with Django, and its ear for the knock from below."""

from django.apps import AppConfig


class FollowupsConfig(AppConfig):
    name = "followups"

    def ready(self) -> None:
        from followups.reception import hear
        from offers.signals import evidence_recorded

        evidence_recorded.connect(hear, dispatch_uid="followups.hear")
