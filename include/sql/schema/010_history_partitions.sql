-- Daily partitions of the history are the owner's tables; the worker makes and drops them through
-- these two functions and nothing else.

CREATE FUNCTION make_history_partition(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    partition_name text := parent || '_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF parent NOT IN ('job_history', 'delivery_attempts') THEN
        RAISE EXCEPTION '% has no daily partitions', quote_literal(parent);
    END IF;
    IF to_regclass('doclife.' || partition_name) IS NOT NULL THEN
        RETURN false;
    END IF;
    BEGIN
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            partition_name, parent, day::timestamptz, (day + 1)::timestamptz
        );
    EXCEPTION
        -- The default partition already has rows of that day (a cleanup was late): they stay there.
        WHEN check_violation THEN RETURN false;
    END;
    RETURN true;
END
$$;

-- History younger than a week is never dropped, whoever asks.
CREATE FUNCTION drop_history_partition(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    partition_name text := parent || '_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF parent NOT IN ('job_history', 'delivery_attempts') THEN
        RAISE EXCEPTION '% has no daily partitions', quote_literal(parent);
    END IF;
    IF day > current_date - 7 THEN
        RAISE EXCEPTION 'history of % is too young to be dropped', day;
    END IF;
    IF to_regclass('doclife.' || partition_name) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I', partition_name);
    RETURN true;
END
$$;

-- What came while nobody made partitions lies in the default one, and goes row by row. Likewise never
-- younger than a week. Returns how many rows went.
CREATE FUNCTION prune_default_history(parent text, before date) RETURNS bigint
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
            DELETE FROM job_history_default WHERE finished_at < before::timestamptz;
        WHEN 'delivery_attempts' THEN
            DELETE FROM delivery_attempts_default WHERE attempted_at < before::timestamptz;
        ELSE
            RAISE EXCEPTION '% has no daily partitions', quote_literal(parent);
    END CASE;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN gone;
END
$$;

GRANT EXECUTE ON FUNCTION make_history_partition(text, date), drop_history_partition(text, date),
prune_default_history(text, date) TO doclife_worker;
