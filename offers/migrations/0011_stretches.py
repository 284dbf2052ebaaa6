"""The ledgers of offers come under seal (crm/migrations/0028_chain.py)."""

from importlib import import_module

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

add_stretch = import_module("crm.migrations.0028_chain").add_stretch


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0028_chain"),
        ("offers", "0010_event_names"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="answer",
            name="answer_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="deliveryevent",
            name="delivery_event_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="evidence",
            name="evidence_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offerline",
            name="offer_line_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="offerversion",
            name="offer_version_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="printrunevent",
            name="print_run_event_no_truncate",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="returnfile",
            name="return_file_no_truncate",
        ),
        add_stretch("offers", "answer"),
        add_stretch("offers", "deliveryevent"),
        add_stretch("offers", "evidence"),
        add_stretch("offers", "printrunevent"),
        add_stretch("offers", "returnfile"),
        pgtrigger.migrations.AddTrigger(
            model_name="answer",
            trigger=pgtrigger.compiler.Trigger(
                name="answer_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="62d05b0fba6fa4a01078a1fe5ac5680af418e8e5",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_answer_no_truncate_07fb8",
                    table="offers_answer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="deliveryevent",
            trigger=pgtrigger.compiler.Trigger(
                name="delivery_event_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="7e1b782147af37bd900f2b995b3fb5be7d3882e9",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_delivery_event_no_truncate_0d80b",
                    table="offers_deliveryevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="evidence",
            trigger=pgtrigger.compiler.Trigger(
                name="evidence_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="2ee3035383265c7388346c75fd74b15d0de6b0cd",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_evidence_no_truncate_a1929",
                    table="offers_evidence",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offerline",
            trigger=pgtrigger.compiler.Trigger(
                name="offer_line_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="037f0bed1521477eefe5bf2d5e185f5903bb949f",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_offer_line_no_truncate_a534f",
                    table="offers_offerline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="offerversion",
            trigger=pgtrigger.compiler.Trigger(
                name="offer_version_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="6a21dd0585411207fcb2d51d4c48cf529c10bbd4",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_offer_version_no_truncate_9901d",
                    table="offers_offerversion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="printrunevent",
            trigger=pgtrigger.compiler.Trigger(
                name="print_run_event_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="893bb43aef47fc5116968d0c1547966b1799734a",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_print_run_event_no_truncate_8c317",
                    table="offers_printrunevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnfile",
            trigger=pgtrigger.compiler.Trigger(
                name="return_file_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="bcbb9a3699d526b3d8e645548f2468a92528e3d6",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_return_file_no_truncate_fa225",
                    table="offers_returnfile",
                    when="BEFORE",
                ),
            ),
        ),
    ]
