"""Whose team calls somebody on a list is the customer's: it goes with them, whoever moves them."""

from django.db import migrations

FOLLOW = """
CREATE FUNCTION kept_entry_follows_team() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE crm_campaignentry SET team_id = NEW.team_id
    WHERE customer_id = NEW.id AND team_id <> NEW.team_id;
    RETURN NULL;
END $$;
CREATE TRIGGER kept_entry_follows_team AFTER UPDATE OF team_id ON crm_customer
    FOR EACH ROW WHEN (OLD.team_id IS DISTINCT FROM NEW.team_id)
    EXECUTE FUNCTION kept_entry_follows_team()
"""
STAY = """
DROP TRIGGER kept_entry_follows_team ON crm_customer;
DROP FUNCTION kept_entry_follows_team()
"""


class Migration(migrations.Migration):
    dependencies = [("crm", "0019_campaign_entries")]
    operations = [migrations.RunSQL(FOLLOW, STAY)]
