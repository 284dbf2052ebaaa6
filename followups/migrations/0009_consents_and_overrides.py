"""Consents, overrides and policies of the house, in the gate.

Who is on a national list may be called when a consent stands for it, where the policy says so. A
permission of a supervisor is used here, under the lock of its person, so that it is used once. An
answer under a policy that has changed since it was read is refused, as one at another moment is.
"""

from importlib import import_module

from django.db import migrations

LIMITS = """
CREATE FUNCTION kept_gate_limits(
    people bigint[], dialled text, moment timestamptz, caps text[], mosts integer[],
    spans interval[], rest integer, called text, covered text[], shut_in text[], shut_by text[],
    shut_until timestamptz[], bases text[], lists text[], ages integer[], pardons text[]
) RETURNS TABLE (person bigint, code text, since timestamptz, until timestamptz)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
-- Over the cap: the attempt that is as old as the cap is high leaves the window last. Of calls that
-- sell, placed by us; of conversations, those that came in as well when the cap says contacts.
-- Customers that were merged are one person.
SELECT who.id, CASE c.code WHEN 'cap_contacts' THEN 'cap_conversations' ELSE c.code END,
    a.started_at, a.started_at + c.span
FROM unnest(caps, mosts, spans) AS c (code, most, span), (
    SELECT array_agg(k.id) AS ids FROM crm_customer k WHERE k.id = ANY(people)
    GROUP BY coalesce(k.merged_into_id, k.id)) AS p, LATERAL (
    SELECT a.started_at FROM crm_attempt a
    WHERE a.customer_id = ANY(p.ids) AND a.started_at > moment - c.span
        AND (a.direction = 'outbound' AND a.purpose IN ('sales', 'survey')
            OR a.direction = 'inbound' AND c.code = 'cap_contacts')
        AND (c.code = 'cap_attempts' OR a.result = 'answered')
    ORDER BY a.started_at DESC OFFSET c.most - 1 LIMIT 1) a, unnest(p.ids) AS who (id)
UNION ALL
SELECT NULL, CASE c.code WHEN 'cap_contacts' THEN 'cap_conversations' ELSE c.code END,
    a.started_at, a.started_at + c.span
FROM unnest(caps, mosts, spans) AS c (code, most, span), LATERAL (
    SELECT a.started_at FROM crm_attempttext t JOIN crm_attempt a ON a.id = t.attempt_id
    WHERE t.number = dialled AND t.number <> '' AND a.started_at > moment - c.span
        AND (a.direction = 'outbound' AND a.purpose IN ('sales', 'survey')
            OR a.direction = 'inbound' AND c.code = 'cap_contacts')
        AND (c.code = 'cap_attempts' OR a.result = 'answered')
    ORDER BY a.started_at DESC OFFSET c.most - 1 LIMIT 1) a
UNION ALL
-- Who said no rests for whole days: until the first midnight (UTC) after so many of them.
SELECT a.customer_id, 'refusal_cooloff', max(a.started_at),
    date_trunc('day', (max(a.started_at) + (rest + 1) * interval '1 day') AT TIME ZONE 'UTC')
        AT TIME ZONE 'UTC'
FROM crm_attempt a JOIN crm_disposition d ON d.code = a.disposition_id AND d.refusal
WHERE a.customer_id = ANY(people) AND rest > 0
    AND a.started_at > moment - (rest + 1) * interval '1 day'
GROUP BY a.customer_id
HAVING date_trunc('day', (max(a.started_at) + (rest + 1) * interval '1 day') AT TIME ZONE 'UTC')
    AT TIME ZONE 'UTC' > moment
UNION ALL
-- The hours of the country in which the person lives, and of the one that the number is of.
SELECT k.id, s.code, NULL::timestamptz, s.until
FROM unnest(shut_in, shut_by, shut_until) AS s (country, code, until)
JOIN crm_customer k ON k.id = ANY(people)
    AND s.country = CASE WHEN k.country = ANY(covered) THEN k.country ELSE '' END
UNION ALL
SELECT NULL, s.code, NULL::timestamptz, s.until
FROM unnest(shut_in, shut_by, shut_until) AS s (country, code, until)
WHERE dialled <> ''
    AND s.country = CASE WHEN called = ANY(covered) THEN called ELSE '' END
UNION ALL
-- Where a consent is asked for: everybody of whom none stands, and numbers that nobody has.
SELECT p.id, 'no_consent', NULL, NULL FROM unnest(people) AS p (id)
WHERE cardinality(bases) > 0 AND NOT EXISTS (SELECT FROM crm_consent k
    WHERE k.customer_id IN (SELECT kept_gate_group(p.id)) AND k.withdrawn_at IS NULL AND k.basis = ANY(bases)
        AND k.given_at <= moment AND (k.until_at IS NULL OR k.until_at > moment))
UNION ALL
SELECT NULL, 'no_consent', NULL, NULL
WHERE cardinality(bases) > 0 AND dialled <> ''
    AND NOT EXISTS (SELECT FROM crm_phonenumber n WHERE n.e164 = dialled)
UNION ALL
-- A list that is missing or too old stands against everybody.
SELECT NULL, 'dnc_national', NULL, NULL
WHERE EXISTS (SELECT FROM unnest(lists, ages) AS l (name, age) WHERE NOT EXISTS (
    SELECT FROM crm_nationallist n WHERE n.name = l.name AND n.as_of_date + l.age >= moment::date))
UNION ALL
SELECT p.customer_id, 'dnc_national', min(e.since_date)::timestamptz, NULL
FROM crm_phonenumber p JOIN crm_listednumber e ON e.e164 = p.e164
WHERE p.customer_id = ANY(people) AND e.list_id = ANY(lists)
    AND NOT kept_gate_pardon(p.customer_id, e.since_date,
        pardons[array_position(lists, e.list_id::text)], moment)
GROUP BY p.customer_id
UNION ALL
-- The number itself: unless each of those who have it is pardoned.
SELECT NULL, 'dnc_national', min(e.since_date)::timestamptz, NULL
FROM crm_listednumber e WHERE e.e164 = dialled AND e.list_id = ANY(lists)
    AND (NOT EXISTS (SELECT FROM crm_phonenumber n WHERE n.e164 = dialled)
        OR EXISTS (SELECT FROM crm_phonenumber n WHERE n.e164 = dialled
            AND NOT kept_gate_pardon(n.customer_id, e.since_date,
                pardons[array_position(lists, e.list_id::text)], moment)))
HAVING count(*) > 0;
END $$
"""
GROUP = """
CREATE FUNCTION kept_gate_group(someone bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
SELECT someone UNION
SELECT other.id FROM crm_customer one JOIN crm_customer other
    ON other.merged_into_id = one.merged_into_id WHERE one.id = someone
$$
"""
PARDON = """
CREATE FUNCTION kept_gate_pardon(
    someone bigint, listed date, pardon text, moment timestamptz
) RETURNS boolean LANGUAGE sql STABLE AS $$
SELECT pardon <> '' AND EXISTS (SELECT FROM crm_consent k
    WHERE k.customer_id IN (SELECT kept_gate_group(someone)) AND k.basis = 'consent' AND k.withdrawn_at IS NULL
        AND k.given_at <= moment AND (k.until_at IS NULL OR k.until_at > moment)
        AND (pardon = 'any' OR k.given_at::date > listed))
$$
"""
FACTS = """
CREATE FUNCTION kept_gate_facts(
    people bigint[], dialled text, hashed bytea, gap interval, moment timestamptz,
    guards text[], allowed interval[], caps text[], mosts integer[], spans interval[],
    rest integer, called text, covered text[], shut_in text[], shut_by text[],
    shut_until timestamptz[], bases text[], lists text[], ages integer[], pardons text[],
    campaign bigint
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
    CASE WHEN s.kind IN ('complaint', 'bereavement', 'separated') THEN 'suppressed' ELSE s.kind END,
    s.from_at, s.until_at, NULL
FROM crm_suppression s
WHERE s.customer_id = ANY(people) AND s.lifted_at IS NULL
    AND (s.until_at IS NULL OR s.until_at > moment)
    AND (s.campaign_id IS NULL OR s.campaign_id = campaign)
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
SELECT x.person, x.code, x.since, x.until, NULL
FROM kept_gate_limits(people, dialled, moment, caps, mosts, spans, rest, called, covered, shut_in,
    shut_by, shut_until, bases, lists, ages, pardons) x
WHERE cardinality(caps) > 0 OR rest > 0 OR cardinality(shut_in) > 0 OR cardinality(bases) > 0
    OR cardinality(lists) > 0
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
    guards text[], allowed interval[], dice text,
    good_from timestamptz, good_until timestamptz, caps text[], mosts integer[], spans interval[],
    rest integer, called text, covered text[], shut_in text[], shut_by text[],
    shut_until timestamptz[], bases text[], lists text[], ages integer[], pardons text[],
    revision timestamptz, excusing boolean,
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
    excuse bigint;
    grouped boolean;
    spared jsonb;
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
                + coalesce((SELECT o.shift FROM crm_clockoffset o), interval '0')),
            bool_or(c.merged_into_id IS NOT NULL)
        INTO people, names, at, grouped FROM crm_customer c WHERE c.id = ANY(ids || ARRAY(
            SELECT n.customer_id FROM crm_phonenumber n WHERE n.e164 = dialled));
        IF grouped THEN
            -- Who was merged is one person: what speaks against one row does so against all.
            SELECT array_agg(c.id ORDER BY c.id), array_agg(c.reference ORDER BY c.id)
            INTO people, names FROM crm_customer c WHERE c.id = ANY(people)
                OR c.merged_into_id IN (SELECT m.merged_into_id FROM crm_customer m
                    WHERE m.id = ANY(people));
        END IF;
        EXIT WHEN people <@ held;
        round := round + 1;
        IF round = 3 THEN
            RAISE EXCEPTION 'the people of this number keep changing';
        END IF;
    END LOOP;
    IF at < good_from OR at >= good_until OR revision IS DISTINCT FROM (
        SELECT max(v.activated_at) FROM crm_policyversion v WHERE v.activated_at IS NOT NULL
    ) THEN
        -- The hours were worked out for another moment, or a policy has changed since: the caller
        -- works them out again.
        state := 'expired';
        RETURN;
    END IF;
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
            FROM kept_gate_facts(people, dialled, hashed, gap, at, guards, allowed, caps, mosts, spans,
                rest, called, covered, shut_in, shut_by, shut_until, bases, lists, ages, pardons,
                campaign) g
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
    IF state = 'deny' AND excusing AND reserving AND (cardinality(people) = 1 OR grouped AND (
        SELECT count(DISTINCT coalesce(c.merged_into_id, -c.id)) FROM crm_customer c
        WHERE c.id = ANY(people)) = 1) THEN
        -- A supervisor's permission: for this person and agent, once, and only for what stood when
        -- it was given.
        UPDATE followups_override o SET used_at = kept_gate_rule.at, used_by = author,
            decision_id = kept_gate_rule.decision
        WHERE o.used_at IS NULL AND o.id = (
            SELECT u.id FROM followups_override u
            WHERE u.agent_id = kept_gate_rule.agent AND u.customer_id = ANY(people)
                AND u.purpose = asked AND u.used_at IS NULL AND u.granted_at IS NOT NULL
                AND u.until_at > kept_gate_rule.at
                AND (NOT u.needs_second OR u.seconded_at IS NOT NULL)
                AND NOT EXISTS (SELECT FROM jsonb_array_elements(against) b
                    WHERE (b ->> 'code') || ':' || coalesce(b ->> 'promise', '') <> ALL (u.blocks)
                        OR (b ->> 'since')::timestamptz > u.granted_at)
            ORDER BY u.until_at LIMIT 1)
        RETURNING o.id INTO excuse;
        IF excuse IS NOT NULL THEN
            state := 'allow';
            spared := against;
            against := '[]';
        END IF;
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
        CASE WHEN excuse IS NOT NULL THEN 'override'
            ELSE coalesce(codes[1], CASE WHEN people = '{}' THEN 'unknown_number' ELSE 'ok' END) END,
        codes, reserving, request, rules, at + permit, CASE WHEN excuse IS NULL
            THEN jsonb_build_object('blocks', against)
            ELSE jsonb_build_object('blocks', against, 'override', excuse, 'spared', spared) END);
    IF excuse IS NOT NULL THEN
        state := 'excused';
    END IF;
END $$
"""
DROP_LIMITS = "DROP FUNCTION kept_gate_limits"
DROP_GROUP = "DROP FUNCTION kept_gate_group"
DROP_PARDON = "DROP FUNCTION kept_gate_pardon"
DROP_FACTS = "DROP FUNCTION kept_gate_facts"
DROP_RULE = "DROP FUNCTION kept_gate_rule"
BEFORE = import_module("followups.migrations.0007_policies")


class Migration(migrations.Migration):
    dependencies = [
        ("followups", "0008_overrides"),
        ("crm", "0010_merges"),
    ]
    operations = [
        migrations.RunSQL(DROP_RULE, BEFORE.RULE),
        migrations.RunSQL(DROP_FACTS, BEFORE.FACTS),
        migrations.RunSQL(DROP_LIMITS, BEFORE.LIMITS),
        migrations.RunSQL(GROUP, DROP_GROUP),
        migrations.RunSQL(PARDON, DROP_PARDON),
        migrations.RunSQL(LIMITS, DROP_LIMITS),
        migrations.RunSQL(FACTS, DROP_FACTS),
        migrations.RunSQL(RULE, DROP_RULE),
    ]
