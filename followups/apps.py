"""Registers the followups storey with Django, and its ear for the knock from below."""

from django.apps import AppConfig


class FollowupsConfig(AppConfig):
    name = "followups"

    def ready(self) -> None:
        from crm import forgetting
        from crm import own_data as crm_own_data
        from followups import ageing, erasing, own_data
        from followups.reception import hear
        from offers.signals import evidence_recorded

        evidence_recorded.connect(hear, dispatch_uid="followups.hear")
        forgetting.register(forgetting.FOLLOWUPS, erasing.erase)
        crm_own_data.register(forgetting.FOLLOWUPS, own_data.tell)
        ageing.register()
