"""The gate's function, lighter: fewer statements, and manners of its own.

Starting a statement inside a function costs more than running one that finds its rows by key. So
the locks are one statement, and what has to be read after them another. The function brings its
settings with it: one plan for all values, and no wait of more than three seconds for a lock, since
whoever holds one for longer has an accident. The rest of the connection's work keeps its own.
"""

from importlib import import_module

from django.db import migrations

RULE = """
CREATE FUNCTION kept_gate_rule(
    key_name text, key_mark text,
    dialled text, hashed bytea, ids bigint[], given text,
    asked text, stops text[], mine text[], strangers boolean, moment timestamptz,
    gap interval, lease interval, permit interval, reserving boolean, recording boolean,
    author text, agent bigint, campaign bigint, request text, rules text, holding text,
    guards text[], allowed interval[], dice text,
    OUT state text, OUT decision uuid, OUT at timestamptz, OUT people bigint[],
    OUT names text[], OUT against jsonb
) LANGUAGE plpgsql VOLATILE
    SET plan_cache_mode = force_generic_plan SET lock_timeout = '3s' AS $$
DECLARE
    held bigint[];
    round integer := 0;
    codes text[];
    ignored text;
    trusted boolean;
BEGIN
    LOOP
        -- The persons in the order of their ids (OFFSET keeps the sorting below the locking), then
        -- the number, which is taken when all rows were; and whether the key is what it was.
        SELECT coalesce(array_agg(s.id), '{}'), count(pg_advisory_xact_lock(s.id)),
            CASE WHEN dialled <> '' THEN
                pg_advisory_xact_lock(-abs(hashtextextended(dialled, 0) >> 1) - 1) END,
            key_name = '' OR EXISTS (SELECT FROM crm_apikey k WHERE k.key_id = key_name
                AND k.xmin::text || k.ctid = key_mark
                AND (k.expires_at IS NULL OR k.expires_at > coalesce(moment, kept_now())))
        INTO held, ignored, ignored, trusted FROM (
            SELECT DISTINCT unnest(ids || people || ARRAY(
                SELECT n.customer_id FROM crm_phonenumber n WHERE n.e164 = dialled)) AS id
            ORDER BY 1 OFFSET 0) s;
        IF NOT trusted THEN
            state := 'stale';
            RETURN;
        END IF;
        -- Who has the number, and the clock, as they are now that we hold them.
        SELECT coalesce(array_agg(c.id ORDER BY c.id), '{}'),
            coalesce(array_agg(c.reference ORDER BY c.id), '{}'),
            coalesce(moment, clock_timestamp()
                + coalesce((SELECT o.shift FROM crm_clockoffset o), interval '0'))
        INTO people, names, at FROM crm_customer c WHERE c.id = ANY(ids || ARRAY(
            SELECT n.customer_id FROM crm_phonenumber n WHERE n.e164 = dialled));
        EXIT WHEN people <@ held;
        round := round + 1;
        IF round = 3 THEN
            RAISE EXCEPTION 'the people of this number keep changing';
        END IF;
    END LOOP;
    IF recording AND request <> '' THEN
        -- Two requests with the same id wait for each other, so that both get one answer.
        PERFORM pg_advisory_xact_lock(hashtext('gate ' || author), hashtext(request));
        SELECT to_jsonb(c) INTO against FROM followups_gatecheck c
        WHERE c.by = author AND c.request_id = request AND c.request_id <> ''
            AND c.at >= kept_gate_rule.at - interval '7 days'
        ORDER BY c.at DESC LIMIT 1;
        IF FOUND THEN
            state := 'known';
            RETURN;
        END IF;
    END IF;
    -- The id is a UUID of version 7 (RFC 9562): its first 48 bits are the milliseconds of `at`.
    -- The caller throws the dice, 18 hexadecimal digits: the server would open a file for it.
    SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]'), coalesce(array_agg(f.code), '{}'),
        CASE WHEN count(*) = 0 THEN 'allow' ELSE 'deny' END,
        (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
            || substr(dice, 1, 3) || 'a' || substr(dice, 4))::uuid
    INTO against, codes, state, decision FROM (
        SELECT x.code, min(x.since) AS since, x.until, x.promise FROM (
            SELECT g.code, g.since, g.until, CASE WHEN g.code
                IN ('open_promise', 'reading_time', 'callback_pending')
                THEN split_part(g.ref, ' ', 1) END AS promise
            FROM kept_gate_facts(people, dialled, hashed, gap, at, guards, allowed) g
            WHERE given = '' AND g.code = ANY(stops)
                AND NOT ((g.code = 'leased' OR g.code = 'callback_pending' AND asked = 'callback')
                    AND string_to_array(g.ref, ' ') && mine)
            UNION ALL
            SELECT given, NULL, NULL, NULL WHERE given <> ''
            UNION ALL
            SELECT 'unknown_number', NULL, NULL, NULL WHERE given = '' AND NOT strangers
                AND people = '{}' AND 'unknown_number' = ANY(stops)
        ) x
        GROUP BY x.code, x.until, x.promise
        ORDER BY array_position(stops, x.code), x.until DESC NULLS FIRST
    ) f;
    IF NOT recording THEN
        RETURN;
    END IF;
    IF state = 'deny' THEN
        -- Losing a deny in a crash harms nobody: the commit need not wait for the disk.
        ignored := set_config('synchronous_commit', 'off', true);
    ELSIF reserving THEN
        INSERT INTO followups_lease (customer_id, number_hash, decision_id, holder, taken_at,
            taken_by, until_at, released_by)
        SELECT p, CASE WHEN p IS NULL THEN hashed END, decision, holding, at, author,
            at + lease, ''
        FROM unnest(coalesce(nullif(people, '{}'), ARRAY[NULL::bigint])) AS p;
    END IF;
    INSERT INTO followups_gatecheck (id, at, by, agent_id, customer_ids, number_hash, purpose,
        campaign_id, decision, code, codes, reserve, request_id, policy, valid_until_at, answer)
    VALUES (decision, at, author, agent, people, nullif(hashed, ''), asked, campaign, state,
        coalesce(codes[1], CASE WHEN people = '{}' THEN 'unknown_number' ELSE 'ok' END), codes,
        reserving, request, rules, at + permit, jsonb_build_object('blocks', against));
END $$
"""
DROP = "DROP FUNCTION kept_gate_rule"
BEFORE = import_module("followups.migrations.0004_gate_in_one_exchange")


class Migration(migrations.Migration):
    dependencies = [("followups", "0004_gate_in_one_exchange")]
    operations = [
        migrations.RunSQL(DROP, BEFORE.RULE),
        migrations.RunSQL(RULE, DROP),
    ]
