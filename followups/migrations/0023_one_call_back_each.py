"""Of several call-backs that one customer waits for in a campaign the earliest stays; the others
are replaced by it, each with its event. A step of its own: an index cannot be made while the check
of the events is pending."""

from django.db import migrations

OF_CAMPAIGN = """
UPDATE followups_promise p SET campaign_id = a.campaign_id
FROM crm_attempt a WHERE a.id = p.attempt_id AND p.kind = 'callback' AND a.campaign_id IS NOT NULL
"""
ONE_EACH = """
WITH placed AS (
    SELECT id, row_number() OVER (PARTITION BY customer_id, campaign_id ORDER BY due_at, id) AS n
    FROM followups_promise WHERE kind = 'callback' AND status = 'open'
), gone AS (
    UPDATE followups_promise p SET status = 'replaced', closed_at = now(), closed_by = 'system',
        next_rung_at = NULL
    FROM placed WHERE placed.id = p.id AND placed.n > 1
    RETURNING p.id
)
INSERT INTO followups_promiseevent (promise_id, from_status, to_status, at, by, cause, data)
SELECT id, 'open', 'replaced', now(), 'system', 'replaced', '{}' FROM gone
"""


class Migration(migrations.Migration):
    dependencies = [("followups", "0022_call_back_of_campaign")]
    operations = [
        migrations.RunSQL(OF_CAMPAIGN, migrations.RunSQL.noop),
        migrations.RunSQL(ONE_EACH, migrations.RunSQL.noop),
    ]
