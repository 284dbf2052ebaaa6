"""GateCheck, partitioned by month, append-only."""

from django.db import migrations

CREATE = """
CREATE TABLE followups_gatecheck (
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    by varchar(40) NOT NULL,
    agent_id bigint,
    customer_ids bigint[] NOT NULL,
    number_hash bytea,
    purpose varchar(10) NOT NULL,
    campaign_id bigint,
    decision varchar(5) NOT NULL CHECK (decision IN ('allow', 'deny')),
    code varchar(20) NOT NULL,
    codes varchar(20)[] NOT NULL,
    reserve boolean NOT NULL,
    request_id varchar(80) NOT NULL,
    policy varchar(40) NOT NULL,
    valid_until_at timestamptz NOT NULL,
    answer jsonb NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);

CREATE INDEX gate_check_request ON followups_gatecheck (by, request_id) WHERE request_id <> '';
CREATE INDEX gate_check_person ON followups_gatecheck ((customer_ids[1]), at);
CREATE INDEX gate_check_denied ON followups_gatecheck (at) WHERE decision = 'deny';

-- What no month has claimed yet; keep_partitions moves it out.
CREATE TABLE followups_gatecheck_rest PARTITION OF followups_gatecheck DEFAULT;

CREATE FUNCTION kept_gate_check_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'gate checks are append-only';
END $$;

CREATE TRIGGER gate_check_append_only BEFORE UPDATE OR DELETE ON followups_gatecheck
    FOR EACH ROW EXECUTE FUNCTION kept_gate_check_stays();
"""
DROP = """
DROP TABLE followups_gatecheck;
DROP FUNCTION kept_gate_check_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("followups", "0001_first")]
    operations = [migrations.RunSQL(CREATE, DROP)]
