-- What is counted and noted for metrics (docs/metrics.md), where Airflow sends metrics anywhere: what a
-- statement could not find out of the history without reading all of a day.

-- Attempts by what came of them and how long they took, in UTC days. A process adds what it has counted
-- every few seconds, so that it costs nothing at each attempt; killed, it takes its last seconds with it.
CREATE TABLE delivery_counts (
    day date NOT NULL,
    kind text NOT NULL,
    outcome text NOT NULL,
    -- The bound below which they took; infinity for what took longer than all bounds.
    within_seconds float8 NOT NULL,
    attempts bigint NOT NULL,
    PRIMARY KEY (day, kind, outcome, within_seconds)
);

CREATE TABLE step_successes (
    dag_id text NOT NULL,
    task_id text NOT NULL,
    succeeded_at timestamptz NOT NULL,
    PRIMARY KEY (dag_id, task_id)
);

GRANT INSERT, UPDATE, DELETE ON delivery_counts TO doclife_worker;
GRANT INSERT, UPDATE ON step_successes TO doclife_worker;
SELECT enclose_table(whole, '(SELECT bound_organizations()) IS NULL')
FROM unnest(ARRAY['delivery_counts', 'step_successes']::regclass []) AS whole;
