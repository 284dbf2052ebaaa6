"""Mail providers: what Kept asks of each, in the words of the library that speaks with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from config import env

# Seconds to connect, and without a word: together well under the lease of a claim.
TIMEOUT = (10, 60)


@dataclass(frozen=True)
class Provider:
    """`key` and `signing` name its secrets as anymail does; `view` reads its webhooks."""

    key: str
    view: str
    signing: str = ""


# Those that carry our delivery id with the mail and bring it back with every event.
PROVIDERS = {
    "brevo": Provider("API_KEY", "BrevoTrackingWebhookView"),
    "mailgun": Provider("API_KEY", "MailgunTrackingWebhookView", signing="WEBHOOK_SIGNING_KEY"),
    "mailtrap": Provider("API_TOKEN", "MailtrapTrackingWebhookView", signing="TRACKING_SECRET"),
    "postmark": Provider("SERVER_TOKEN", "PostmarkTrackingWebhookView"),
    "sendgrid": Provider("API_KEY", "SendGridTrackingWebhookView"),
    "sparkpost": Provider("API_KEY", "SparkPostTrackingWebhookView"),
}


def backend(esp: str) -> str:
    """The class that sends, as Django's get_connection() wants it."""
    return f"anymail.backends.{esp}.EmailBackend"


def webhook(esp: str) -> str:
    """The class that reads what the provider reports."""
    return f"anymail.webhooks.{esp}.{PROVIDERS[esp].view}"


def anymail(
    esp: str, *, key: str, url: str, signing_key: str, webhook_secret: str
) -> dict[str, Any]:
    """Anymail's own settings. Refuses a provider that could not be believed."""
    if not esp:
        return {}
    name, asked = esp.upper(), PROVIDERS[esp]
    if not key:
        raise env.refuse("ANYMAIL_API_KEY", f"{esp} sends nothing without its key")
    user, _, password = webhook_secret.partition(":")
    if not user or len(password) < 16:
        reason = "must be user:password, 16 characters or more after the colon"
        raise env.refuse("ANYMAIL_WEBHOOK_SECRET", f"{reason}; else anybody could report a bounce")
    if asked.signing and not signing_key:
        raise env.refuse(
            "ANYMAIL_SIGNING_KEY", f"{esp} signs its reports; set the key it signs with"
        )
    found: dict[str, Any] = {
        "WEBHOOK_SECRET": webhook_secret,
        "REQUESTS_TIMEOUT": TIMEOUT,
        "IGNORE_UNSUPPORTED_FEATURES": True,  # some have no switch for tracking; we ask for none
        f"{name}_{asked.key}": key,
    }
    if asked.signing:
        found[f"{name}_{asked.signing}"] = signing_key
    if url:
        found[f"{name}_API_URL"] = url
    return found
