"""The call form as a browser would send it."""

from __future__ import annotations

import uuid
from typing import Any

from tests.cast import DUPONT_MAIL, DUPONT_MOBILE


def call_form(**changes: Any) -> dict[str, Any]:
    """An answered call without a promise."""
    return {
        "form_id": str(uuid.uuid4()),
        "direction": "outbound",
        "number": DUPONT_MOBILE,
        "result": "answered",
        "disposition": "wants_in_writing",
        "note": "Wants to compare at home.",
        "promises-TOTAL_FORMS": "1",
        "promises-INITIAL_FORMS": "0",
        **changes,
    }


def with_promise(**changes: Any) -> dict[str, Any]:
    """The same, with an offer from the catalogue promised by e-mail."""
    line = {
        "promises-0-kind": "send_offer",
        "promises-0-offer": "plan:fibre-500",
        "promises-0-channel": "email",
        "promises-0-document": "new",
        "promises-0-words": "Je vous envoie l'offre par e-mail.",
        "promises-0-address": DUPONT_MAIL,
        "promises-0-read_back": "on",
    }
    return call_form(**{**line, **changes})
