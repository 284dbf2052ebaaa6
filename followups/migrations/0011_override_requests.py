"""What an agent asked for, one open request each, and an audit entry of every use.

The gate uses a permission inside the database, so its entry in the audit is written there as well.
"""

from django.db import migrations, models

AUDIT = """
CREATE FUNCTION kept_override_used() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO crm_auditentry (at, by, action, subject, data)
    VALUES (NEW.used_at, NEW.used_by, 'override_used', 'override:' || NEW.id, jsonb_build_object(
        'customer', NEW.customer_id, 'agent', NEW.agent_id, 'decision', NEW.decision_id));
    RETURN NULL;
END $$;
CREATE TRIGGER override_used_is_audited AFTER UPDATE OF used_at ON followups_override
    FOR EACH ROW WHEN (OLD.used_at IS NULL AND NEW.used_at IS NOT NULL)
    EXECUTE FUNCTION kept_override_used();
"""
NO_AUDIT = """
DROP TRIGGER override_used_is_audited ON followups_override;
DROP FUNCTION kept_override_used();
"""


class Migration(migrations.Migration):
    dependencies = [("followups", "0010_webhooks")]

    operations = [
        migrations.AddField(
            model_name="overridetext",
            name="asked_for",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.UniqueConstraint(
                condition=models.Q(("granted_at__isnull", True), ("refused_at__isnull", True)),
                fields=("agent", "customer"),
                name="override_asked_once",
            ),
        ),
        migrations.RunSQL(AUDIT, NO_AUDIT),
    ]
