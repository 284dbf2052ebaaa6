"""The one upward knock: something was proven, or disproven, about a delivery.

Sent by offers/evidence.py inside the evidence's own transaction (`send`, not `send_robust`):
when a receiver fails, the evidence is not kept either, and its event comes again.
Arguments: `delivery`, `evidence`, `at`, `by`.
"""

from django.dispatch import Signal

evidence_recorded = Signal()
