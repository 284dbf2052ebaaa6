"""The gate in one exchange: what it reads, and one function that locks, reads, rules, records.

The facts are a plain query that is planned into whoever asks. The ruling is VOLATILE PL/pgSQL:
under READ COMMITTED each of its statements has a snapshot of its own, so that what is read after
the lock was committed before the lock was given. A single statement could not do that.
"""

from django.db import migrations

FACTS = """
CREATE FUNCTION kept_gate_facts(
    people bigint[], dialled text, hashed bytea, gap interval, moment timestamptz,
    guards text[], allowed interval[]
) RETURNS TABLE (person bigint, code text, since timestamptz, until timestamptz, ref text)
LANGUAGE sql STABLE AS $$
SELECT p.customer_id,
    CASE WHEN p.status = 'kept' THEN 'reading_time'
        WHEN p.kind = 'callback' THEN 'callback_pending' ELSE 'open_promise' END,
    CASE WHEN p.status = 'kept' THEN p.readable_at ELSE p.made_at END,
    CASE WHEN p.status = 'kept' THEN
        greatest(p.settled_at, p.readable_at + p.reading_hours * interval '1 hour') END,
    -- The slot of a call-back is its owner's, from a quarter of an hour before.
    p.reference || CASE WHEN p.kind = 'callback' AND p.due_at - interval '15 minutes' <= moment
        THEN ' user:' || p.owner_id ELSE '' END
FROM followups_promise p
WHERE p.customer_id = ANY(people) AND (p.status = 'open'
    OR p.status = 'kept' AND p.kind <> 'callback'
        AND greatest(p.settled_at, p.readable_at + p.reading_hours * interval '1 hour') > moment)
UNION ALL
SELECT s.customer_id,
    CASE WHEN s.kind IN ('dnc_company', 'customer_pause', 'refusal_cooloff') THEN s.kind
        ELSE 'suppressed' END,
    s.from_at, s.until_at, NULL
FROM crm_suppression s
WHERE s.customer_id = ANY(people) AND s.lifted_at IS NULL
    AND (s.until_at IS NULL OR s.until_at > moment)
UNION ALL
-- An attempt from a machine whose clock runs ahead counts as well, within one gap.
SELECT a.customer_id, 'min_gap', max(a.started_at), max(a.started_at) + gap, NULL
FROM crm_attempt a
WHERE a.customer_id = ANY(people) AND a.direction = 'outbound'
    AND a.started_at > moment - gap AND a.started_at < moment + gap
GROUP BY a.customer_id
UNION ALL
SELECT NULL, 'min_gap', max(a.started_at), max(a.started_at) + gap, NULL
FROM crm_attempttext t JOIN crm_attempt a ON a.id = t.attempt_id
WHERE t.number = dialled AND t.number <> '' AND a.direction = 'outbound'
    AND a.started_at > moment - gap AND a.started_at < moment + gap
HAVING max(a.started_at) IS NOT NULL
UNION ALL
SELECT l.customer_id, 'leased', l.taken_at, l.until_at, l.holder || ' ' || l.decision_id
FROM followups_lease l
WHERE l.customer_id = ANY(people) AND l.released_at IS NULL AND l.until_at > moment
UNION ALL
SELECT NULL, 'leased', l.taken_at, l.until_at, l.holder || ' ' || l.decision_id
FROM followups_lease l
WHERE l.number_hash = hashed AND l.released_at IS NULL AND l.until_at > moment
UNION ALL
-- One reason, however many of the guarding sweeps have stopped or never ran.
SELECT NULL, 'clock_unsafe',
    (SELECT min(h.beat_at) FROM crm_heartbeat h WHERE h.name = ANY(guards)), NULL, NULL
WHERE cardinality(guards) > (
    SELECT count(*) FROM crm_heartbeat h WHERE h.name = ANY(guards) AND (
        h.beat_at + allowed[array_position(guards, h.name::text)] > moment
        OR h.grace_until_at > moment))
$$
"""
RULE = """
CREATE FUNCTION kept_gate_rule(
    key_name text, key_mark text,
    dialled text, hashed bytea, ids bigint[], given text,
    asked text, stops text[], mine text[], strangers boolean, moment timestamptz,
    gap interval, lease interval, permit interval, reserving boolean, recording boolean,
    author text, agent bigint, campaign bigint, request text, rules text, holding text,
    guards text[], allowed interval[],
    OUT state text, OUT decision uuid, OUT at timestamptz, OUT people bigint[],
    OUT names text[], OUT against jsonb
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    held bigint[];
    person bigint;
    round integer := 0;
    codes text[];
BEGIN
    IF key_name <> '' THEN
        PERFORM FROM crm_apikey k WHERE k.key_id = key_name AND k.xmin::text || k.ctid = key_mark
            AND (k.expires_at IS NULL OR k.expires_at > coalesce(moment, kept_now()));
        IF NOT FOUND THEN
            state := 'stale';
            RETURN;
        END IF;
    END IF;
    IF recording AND request <> '' THEN
        -- Two requests with the same id wait for each other, so that both get one answer.
        PERFORM pg_advisory_xact_lock(hashtext('gate ' || author), hashtext(request));
        SELECT to_jsonb(c) INTO against FROM followups_gatecheck c
        WHERE c.by = author AND c.request_id = request AND c.request_id <> ''
            AND c.at >= coalesce(moment, kept_now()) - interval '7 days'
        ORDER BY c.at DESC LIMIT 1;
        IF FOUND THEN
            state := 'known';
            RETURN;
        END IF;
    END IF;
    held := ids;
    IF dialled <> '' THEN
        held := ARRAY(SELECT n.customer_id FROM crm_phonenumber n WHERE n.e164 = dialled
            UNION SELECT unnest(ids) ORDER BY 1);
    END IF;
    LOOP
        -- The persons in the order of their ids, then the number.
        FOREACH person IN ARRAY held LOOP
            PERFORM pg_advisory_xact_lock(person);
        END LOOP;
        IF dialled <> '' THEN
            PERFORM pg_advisory_xact_lock(-abs(hashtextextended(dialled, 0) >> 1) - 1);
        END IF;
        SELECT coalesce(array_agg(c.id ORDER BY c.id), '{}'),
            coalesce(array_agg(c.reference ORDER BY c.id), '{}') INTO people, names
        FROM crm_customer c WHERE c.id IN (
            SELECT n.customer_id FROM crm_phonenumber n WHERE n.e164 = dialled
            UNION SELECT unnest(ids));
        EXIT WHEN people <@ held;
        round := round + 1;
        IF round = 3 THEN
            RAISE EXCEPTION 'the people of this number keep changing';
        END IF;
        held := people;
    END LOOP;
    at := coalesce(moment, clock_timestamp()
        + coalesce((SELECT o.shift FROM crm_clockoffset o), interval '0'));
    -- The id is a UUID of version 7 (RFC 9562): its first 48 bits are the milliseconds of `at`.
    SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]'), coalesce(array_agg(f.code), '{}'),
        CASE WHEN count(*) = 0 THEN 'allow' ELSE 'deny' END,
        (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
            || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
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
        PERFORM set_config('synchronous_commit', 'off', true);
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
DROP_FACTS = (
    "DROP FUNCTION kept_gate_facts(bigint[],text,bytea,interval,timestamptz,text[],interval[])"
)

# Answers come in the order of their instants: for "which were denied since" a summary of each
# stretch of the table is enough, and costs next to nothing to keep.
LIGHTER = """
DROP INDEX gate_check_denied;
CREATE INDEX gate_check_at ON followups_gatecheck USING brin (at) WITH (autosummarize = on);
"""
HEAVIER = """
DROP INDEX gate_check_at;
CREATE INDEX gate_check_denied ON followups_gatecheck (at) WHERE decision = 'deny';
"""


class Migration(migrations.Migration):
    dependencies = [("followups", "0003_answers_and_call_backs")]
    operations = [
        migrations.RunSQL(FACTS, DROP_FACTS),
        migrations.RunSQL(RULE, "DROP FUNCTION kept_gate_rule"),
        migrations.RunSQL(LIGHTER, HEAVIER),
    ]
