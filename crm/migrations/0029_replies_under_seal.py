"""The replies come under seal, and refuse to be emptied, as the other ledgers."""

from importlib import import_module

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

add_stretch = import_module("crm.migrations.0028_chain").add_stretch


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0028_chain"),
    ]

    operations = [
        add_stretch("crm", "reply"),
        pgtrigger.migrations.RemoveTrigger(
            model_name="reply",
            name="reply_no_truncate",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="reply",
            trigger=pgtrigger.compiler.Trigger(
                name="reply_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n                IF current_database() LIKE 'test\\_%'\n                    AND coalesce(current_setting('kept.flush', true), '') = 'allowed' THEN\n                    RETURN NULL;\n                END IF;\n                RAISE EXCEPTION 'this table is append-only';\n            ",
                    hash="494d4e89e4069260f57d1be8023e2a3f1f5b53ec",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_reply_no_truncate_0016d",
                    table="crm_reply",
                    when="BEFORE",
                ),
            ),
        ),
    ]
