-- What came while nobody made partitions goes some rows at a time: the default partition may hold months.
DROP FUNCTION prune_default_history(text, date);

-- At most so many rows of one call, never younger than a week. Returns how many rows went.
CREATE FUNCTION prune_default_history(parent text, before date, most bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    gone bigint;
BEGIN
    IF before > current_date - 7 THEN
        RAISE EXCEPTION 'history of % is too young to be dropped', before;
    END IF;
    CASE parent
        WHEN 'job_history' THEN
            DELETE FROM job_history_default
            WHERE ctid = ANY(ARRAY(
                SELECT aged.ctid FROM job_history_default AS aged
                WHERE aged.finished_at < before::timestamptz
                LIMIT most
            ));
        WHEN 'delivery_attempts' THEN
            DELETE FROM delivery_attempts_default
            WHERE ctid = ANY(ARRAY(
                SELECT aged.ctid FROM delivery_attempts_default AS aged
                WHERE aged.attempted_at < before::timestamptz
                LIMIT most
            ));
        ELSE
            RAISE EXCEPTION '% has no daily partitions', quote_literal(parent);
    END CASE;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;
GRANT EXECUTE ON FUNCTION prune_default_history(text, date, bigint) TO doclife_worker;

-- The forecast by day is compared with what it was, and only what has changed is written.
GRANT UPDATE ON foreseen_purges, forecast_counts TO doclife_worker;

-- What was destroyed of late, and what is reserved to be: asked for each plan of a night and by pages, over
-- the plans of all years. Both are found without them.
CREATE INDEX plan_shards_by_progress ON plan_shards (progressed_at);
CREATE INDEX plans_that_are_open ON plans (id)
WHERE mode = 'enforce' AND state IN ('planned', 'approved', 'applying');

CREATE OR REPLACE FUNCTION destruction_in_window(until timestamptz) RETURNS TABLE (
    plan_id bigint,
    organization_id bigint,
    rule_id bigint,
    is_purge boolean,
    done bigint,
    reserved bigint,
    -- When the first of what was done falls out of the window; NULL when nothing was done.
    frees_at timestamptz
)
LANGUAGE sql STABLE
AS $$
    SELECT
        plan.id,
        plan.organization_id,
        version.rule_id,
        shard.action IN ('PURGE', 'REMOVE_ORIGINAL'),
        sum(recent.done)::bigint,
        sum(recent.reserved)::bigint,
        min(shard.progressed_at) FILTER (WHERE recent.done > 0) + INTERVAL '24 hours'
    FROM (
        SELECT progressed.plan_id
        FROM plan_shards AS progressed
        WHERE progressed.progressed_at > destruction_in_window.until - INTERVAL '24 hours'
        UNION
        SELECT open.id
        FROM plans AS open
        WHERE open.mode = 'enforce' AND open.state IN ('planned', 'approved', 'applying')
    ) AS lately
    INNER JOIN plans AS plan ON lately.plan_id = plan.id
    INNER JOIN plan_shards AS shard ON plan.id = shard.plan_id
    LEFT JOIN rule_versions AS version ON plan.rule_version_id = version.id
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN shard.progressed_at > destruction_in_window.until - INTERVAL '24 hours'
                    THEN shard.done_count
                ELSE 0
            END AS done,
            CASE
                WHEN plan.state IN ('planned', 'approved', 'applying')
                    THEN
                        shard.item_count - shard.done_count - shard.skipped_count
                        - shard.failed_count
                ELSE 0
            END AS reserved
    ) AS recent
    WHERE
        plan.mode = 'enforce'
        AND plan.state IN ('planned', 'approved', 'applying', 'applied', 'undone')
        AND (
            plan.state IN ('planned', 'approved', 'applying')
            OR shard.progressed_at > destruction_in_window.until - INTERVAL '24 hours'
        )
        AND shard.action IN ('ARCHIVE', 'DELETE', 'PURGE', 'REMOVE_ORIGINAL')
    GROUP BY plan.id, version.rule_id, shard.action IN ('PURGE', 'REMOVE_ORIGINAL')
$$;
