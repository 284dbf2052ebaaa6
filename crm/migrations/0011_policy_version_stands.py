"""What was activated never changes, and is never deleted: the gate has judged people by it."""

from django.db import migrations

STANDS = """
CREATE FUNCTION kept_policy_version_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'policy version %: what was activated stands', OLD.id;
END $$;
CREATE TRIGGER policy_version_stands BEFORE UPDATE OR DELETE ON crm_policyversion
    FOR EACH ROW WHEN (OLD.activated_at IS NOT NULL)
    EXECUTE FUNCTION kept_policy_version_stands()
"""
FALLS = """
DROP TRIGGER policy_version_stands ON crm_policyversion;
DROP FUNCTION kept_policy_version_stands()
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0010_merges")]
    operations = [migrations.RunSQL(STANDS, FALLS)]
