"""The ledgers of follow-ups come under seal, and gate checks cannot be emptied."""

from importlib import import_module

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

add_stretch = import_module("crm.migrations.0028_chain").add_stretch

# Of a table in parts each part has to refuse by itself: TRUNCATE asks the one it names only.
GATE_CHECKS = """
ALTER TABLE followups_gatecheck ADD COLUMN stretch bigint NULL;
ALTER TABLE followups_gatecheck ALTER COLUMN stretch SET DEFAULT
    (CASE WHEN pg_current_xact_id() IS NOT NULL
        THEN pg_sequence_last_value('crm_stretch'::regclass) END);
CREATE INDEX gate_check_stretch ON followups_gatecheck (stretch);

CREATE FUNCTION kept_gate_checks_not_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_database() LIKE 'test\\_%'
        AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'gate checks are append-only';
END $$;

DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT 'followups_gatecheck'::regclass UNION ALL
        SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'followups_gatecheck'::regclass
    LOOP
        EXECUTE format('CREATE TRIGGER gate_check_no_truncate BEFORE TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION kept_gate_checks_not_emptied()', part);
    END LOOP;
END $$;
"""
GATE_CHECKS_AS_BEFORE = """
DROP FUNCTION kept_gate_checks_not_emptied CASCADE;
ALTER TABLE followups_gatecheck DROP COLUMN stretch;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0028_chain"),
        ("followups", "0027_forgotten_numbers"),
    ]

    operations = [
        migrations.RunSQL(GATE_CHECKS, GATE_CHECKS_AS_BEFORE),
        pgtrigger.migrations.RemoveTrigger(
            model_name="escalation",
            name="escalation_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="ladderchoice",
            name="ladder_choice_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="promiseevent",
            name="promise_event_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="scrubrun",
            name="scrub_run_no_truncate",
        ),
        add_stretch("followups", "escalation"),
        add_stretch("followups", "ladderchoice"),
        add_stretch("followups", "promiseevent"),
        add_stretch("followups", "scrubrun"),
        pgtrigger.migrations.AddTrigger(
            model_name="escalation",
            trigger=pgtrigger.compiler.Trigger(
                name="escalation_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="bd88a194dd286fe903cc11580d36b1090de67b25",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_escalation_no_truncate_d92a4",
                    table="followups_escalation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ladderchoice",
            trigger=pgtrigger.compiler.Trigger(
                name="ladder_choice_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="3c88c8f020f6cb4918716d73858cce6c6d14530c",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_ladder_choice_no_truncate_e8457",
                    table="followups_ladderchoice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="promiseevent",
            trigger=pgtrigger.compiler.Trigger(
                name="promise_event_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="92d540b354018a7e63ae777058c6c94dbaea5ab0",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_promise_event_no_truncate_9cc00",
                    table="followups_promiseevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="scrubrun",
            trigger=pgtrigger.compiler.Trigger(
                name="scrub_run_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="d6181e068faa4c9a06dd0c17067a8df324464a13",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_scrub_run_no_truncate_394ec",
                    table="followups_scrubrun",
                    when="BEFORE",
                ),
            ),
        ),
    ]
