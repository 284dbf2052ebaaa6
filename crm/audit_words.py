"""What stands in the audit, in words: the acts by group, what they are about, what else is told."""

from __future__ import annotations

from django.utils.functional import Promise as Lazy
from django.utils.translation import pgettext_lazy

Text = str | Lazy

# Group -> its title, and its acts by their code.
GROUPS: dict[str, tuple[Text, dict[str, Text]]] = {
    "log_ins": (
        pgettext_lazy("audit", "Log-ins and factors"),
        {
            "logged_in": pgettext_lazy("audit", "logged in"),
            "logged_out": pgettext_lazy("audit", "logged out"),
            "login_failed": pgettext_lazy("audit", "a wrong password at the log-in"),
            "password_wrong": pgettext_lazy("audit", "a wrong password when asked again"),
            "password_changed": pgettext_lazy("audit", "changed the password"),
            "password_reset": pgettext_lazy("audit", "set a password by the link"),
            "password_link_sent": pgettext_lazy("audit", "sent a link for a password"),
            "second_factor_added": pgettext_lazy("audit", "added a second factor"),
            "second_factor_removed": pgettext_lazy("audit", "removed a second factor"),
            "second_factor_wrong": pgettext_lazy("audit", "a wrong second factor"),
            "second_factor_reset": pgettext_lazy("audit", "took somebody’s second factors away"),
            "recovery_codes_renewed": pgettext_lazy("audit", "made new recovery codes"),
        },
    ),
    "people": (
        pgettext_lazy("audit", "People, teams and keys"),
        {
            "person_added": pgettext_lazy("audit", "added a person"),
            "person_changed": pgettext_lazy("audit", "changed a person"),
            "person_closed": pgettext_lazy("audit", "closed a person’s account"),
            "person_reopened": pgettext_lazy("audit", "reopened a person’s account"),
            "management_named": pgettext_lazy("audit", "named who is management"),
            "team_added": pgettext_lazy("audit", "added a team"),
            "team_renamed": pgettext_lazy("audit", "renamed a team"),
            "absence_recorded": pgettext_lazy("audit", "recorded an absence"),
            "absence_ended": pgettext_lazy("audit", "ended an absence"),
            "handed_over": pgettext_lazy("audit", "handed over what was open"),
            "key_issued": pgettext_lazy("audit", "issued a key"),
            "key_revoked": pgettext_lazy("audit", "revoked a key"),
        },
    ),
    "customers": (
        pgettext_lazy("audit", "Customers"),
        {
            "other_team_opened": pgettext_lazy("audit", "opened another team’s customer"),
            "customer_new": pgettext_lazy("audit", "a new customer from another system"),
            "customer_changed": pgettext_lazy("audit", "a customer changed by another system"),
            "customers_merged": pgettext_lazy("audit", "joined customers who are one person"),
            "customers_separated": pgettext_lazy("audit", "separated customers again"),
            "suppression_added": pgettext_lazy("audit", "recorded a wish not to be called"),
            "suppression_lifted": pgettext_lazy("audit", "ended a wish not to be called"),
            "consent_recorded": pgettext_lazy("audit", "recorded a consent"),
            "consent_withdrawn": pgettext_lazy("audit", "a consent was withdrawn"),
            "consent_ended": pgettext_lazy("audit", "a consent ran out"),
            "preference_wanted": pgettext_lazy("audit", "wants to be written to"),
            "preference_unwanted": pgettext_lazy("audit", "does not want to be written to"),
        },
    ),
    "promises": (
        pgettext_lazy("audit", "Promises, calls and offers"),
        {
            "override_asked": pgettext_lazy("audit", "asked for an override"),
            "override_granted": pgettext_lazy("audit", "granted an override"),
            "override_seconded": pgettext_lazy("audit", "signed an override as second"),
            "override_refused": pgettext_lazy("audit", "refused an override"),
            "signature_asked": pgettext_lazy("audit", "asked for a signature"),
            "withdrawal_signed": pgettext_lazy("audit", "signed that it is no longer wanted"),
            "arrival_signed": pgettext_lazy("audit", "signed that it came"),
            "promises_recomputed": pgettext_lazy("audit", "worked out due times anew"),
            "offer_withdrawn": pgettext_lazy("audit", "withdrew an offer"),
            "plans_loaded": pgettext_lazy("audit", "loaded the plans on sale"),
            "dead_letter_retried": pgettext_lazy("audit", "tried a dead letter again"),
            "dead_letter_set_aside": pgettext_lazy("audit", "gave a dead letter up for good"),
        },
    ),
    "rules": (
        pgettext_lazy("audit", "Rules: policies, ladders, calendars"),
        {
            "policy_drafted": pgettext_lazy("audit", "drafted a policy"),
            "policy_changed": pgettext_lazy("audit", "changed a draft policy"),
            "policy_dropped": pgettext_lazy("audit", "dropped a draft policy"),
            "policy_compared": pgettext_lazy("audit", "compared a policy with yesterday’s calls"),
            "policy_activated": pgettext_lazy("audit", "activated a policy"),
            "ladder_made": pgettext_lazy("audit", "drew a ladder"),
            "ladder_activated": pgettext_lazy("audit", "activated a ladder"),
            "ladder_dropped": pgettext_lazy("audit", "dropped a ladder"),
            "ladder_chosen": pgettext_lazy("audit", "chose a team’s ladder"),
            "calendar_made": pgettext_lazy("audit", "made a calendar"),
            "calendar_changed": pgettext_lazy("audit", "changed a calendar"),
            "calendar_given": pgettext_lazy("audit", "gave a team a calendar"),
        },
    ),
    "files": (
        pgettext_lazy("audit", "Files and lists"),
        {
            "import_started": pgettext_lazy("audit", "started an import"),
            "import_undone": pgettext_lazy("audit", "undid an import"),
            "bad_lines_taken": pgettext_lazy("audit", "took the bad lines of an import"),
            "list_imported": pgettext_lazy("audit", "imported a national list"),
            "campaign_set": pgettext_lazy("audit", "set up a campaign"),
            "campaign_filled": pgettext_lazy("audit", "filled a campaign’s list"),
            "board_exported": pgettext_lazy("audit", "took figures of the board out"),
            "manifest_taken": pgettext_lazy("audit", "took the manifest of a print run"),
            "print_file_taken": pgettext_lazy("audit", "took a print file"),
            "report_read": pgettext_lazy("audit", "read a report that matched nothing"),
        },
    ),
    "machines": (
        pgettext_lazy("audit", "Other systems"),
        {
            "call_source_added": pgettext_lazy("audit", "added a dialer"),
            "call_source_rotated": pgettext_lazy("audit", "gave a dialer a new secret"),
            "call_source_mapped": pgettext_lazy("audit", "set what a dialer’s words mean"),
            "call_source_switched_off": pgettext_lazy("audit", "switched a dialer off"),
            "call_source_switched_on": pgettext_lazy("audit", "switched a dialer on"),
            "evidence_source_added": pgettext_lazy("audit", "added a provider of evidence"),
            "evidence_source_rotated": pgettext_lazy("audit", "gave a provider a new secret"),
            "evidence_source_on": pgettext_lazy("audit", "switched a provider on"),
            "evidence_source_off": pgettext_lazy("audit", "switched a provider off"),
            "webhook_added": pgettext_lazy("audit", "added a webhook"),
            "webhook_changed": pgettext_lazy("audit", "changed a webhook"),
            "webhook_rotated": pgettext_lazy("audit", "gave a webhook a new secret"),
            "webhook_switched_off": pgettext_lazy("audit", "switched a webhook off"),
            "webhook_switched_on": pgettext_lazy("audit", "switched a webhook on"),
            "webhook_tested": pgettext_lazy("audit", "tested a webhook"),
            "webhook_replayed": pgettext_lazy("audit", "sent webhooks again"),
        },
    ),
    "house": (
        pgettext_lazy("audit", "The audit and the house"),
        {
            "audit_verified": pgettext_lazy("audit", "verified the audit chain"),
            "audit_exported": pgettext_lazy("audit", "took the audit out as a file"),
            "ledger_pruned": pgettext_lazy("audit", "removed a month of gate checks"),
            "demo_loaded": pgettext_lazy("audit", "loaded the demo"),
            "demo_logins_set": pgettext_lazy("audit", "set the demo’s log-ins"),
        },
    ),
}
ACTS: dict[str, Text] = {
    code: text for _title, acts in GROUPS.values() for code, text in acts.items()
}
SUBJECTS: dict[str, Text] = {
    "user": pgettext_lazy("audit", "person"),
    "customer": pgettext_lazy("audit", "customer"),
    "promise": pgettext_lazy("audit", "promise"),
    "team": pgettext_lazy("audit", "team"),
    "key": pgettext_lazy("audit", "key"),
    "policy": pgettext_lazy("audit", "policy"),
    "ladder": pgettext_lazy("audit", "ladder"),
    "calendar": pgettext_lazy("audit", "calendar"),
    "import": pgettext_lazy("audit", "import"),
    "webhook": pgettext_lazy("audit", "webhook"),
    "source": pgettext_lazy("audit", "dialer"),
    "evidence_source": pgettext_lazy("audit", "provider"),
    "campaign": pgettext_lazy("audit", "campaign"),
    "override": pgettext_lazy("audit", "override"),
    "offer": pgettext_lazy("audit", "offer"),
    "print_run": pgettext_lazy("audit", "print run"),
    "merge": pgettext_lazy("audit", "merge"),
    "list": pgettext_lazy("audit", "national list"),
    "report": pgettext_lazy("audit", "report"),
    "house": pgettext_lazy("audit", "the house"),
    "board": pgettext_lazy("audit", "the board"),
    "catalogue": pgettext_lazy("audit", "the plans on sale"),
    "demo": pgettext_lazy("audit", "the demo"),
    "audit": pgettext_lazy("audit", "the audit"),
}
FACTS: dict[str, Text] = {
    "customer": pgettext_lazy("audit", "customer"),
    "agent": pgettext_lazy("audit", "agent"),
    "attempt": pgettext_lazy("audit", "call"),
    "blocks": pgettext_lazy("audit", "against it"),
    "team": pgettext_lazy("audit", "team"),
    "teams": pgettext_lazy("audit", "teams"),
    "role": pgettext_lazy("audit", "role"),
    "changed": pgettext_lazy("audit", "changed"),
    "reason": pgettext_lazy("audit", "reason"),
    "to": pgettext_lazy("audit", "to"),
    "rows": pgettext_lazy("audit", "rows"),
    "faults": pgettext_lazy("audit", "faults"),
    "seals": pgettext_lazy("audit", "seals"),
    "seal": pgettext_lazy("audit", "up to seal"),
    "heads": pgettext_lazy("audit", "heads from outside"),
    "ledger": pgettext_lazy("audit", "table"),
    "part": pgettext_lazy("audit", "month"),
    "new": pgettext_lazy("audit", "new"),
    "known": pgettext_lazy("audit", "known"),
    "done": pgettext_lazy("audit", "done"),
    "form": pgettext_lazy("audit", "form"),
    "filters": pgettext_lazy("audit", "filters"),
    "deputy": pgettext_lazy("audit", "stand-in"),
    "effective_from": pgettext_lazy("audit", "in force from"),
    "valid_from": pgettext_lazy("audit", "in force from"),
    "topic": pgettext_lazy("audit", "about"),
    "name": pgettext_lazy("audit", "name"),
    "kind": pgettext_lazy("audit", "kind"),
    "host": pgettext_lazy("audit", "host"),
    "cause": pgettext_lazy("audit", "cause"),
    "users": pgettext_lazy("audit", "people"),
    "before": pgettext_lazy("audit", "before"),
    "calendar": pgettext_lazy("audit", "calendar"),
    "ladder": pgettext_lazy("audit", "ladder"),
    "version": pgettext_lazy("audit", "version"),
    "copied_from": pgettext_lazy("audit", "copied from"),
    "scopes": pgettext_lazy("audit", "scopes"),
    "asked_by": pgettext_lazy("audit", "asked by"),
    "promises": pgettext_lazy("audit", "promises"),
    "items": pgettext_lazy("audit", "items"),
    "types": pgettext_lazy("audit", "messages"),
    "root": pgettext_lazy("audit", "joined with"),
    "absence": pgettext_lazy("audit", "absence"),
}


def act(code: str) -> str:
    """What was done; the code itself where nobody has words for it."""
    return str(ACTS[code]) if code in ACTS else code.replace("_", " ")


def fact(name: str) -> str:
    """What a value of an entry is called."""
    return str(FACTS[name]) if name in FACTS else name.replace("_", " ")
