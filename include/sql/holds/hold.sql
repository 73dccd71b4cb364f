-- Put the noted documents under their matters, in the order in which everybody locks documents.
-- Events and audit entries are written by trigger.
--   actor            text
--   now              timestamptz
--   holds_released   boolean      also those that were released from the matter before: somebody
--                                 asked for them; a condition catches a document only once
-- Returns held and too_late, both bigint: how many came in time, and how many did not.
WITH placed AS (
    INSERT INTO matter_documents AS hold (matter_id, document_id, basis, added_by, added_at)
    SELECT
        matter_id,
        document_id,
        basis,
        %(actor)s,
        %(now)s
    FROM pg_temp.caught
    ORDER BY document_id, matter_id
    ON CONFLICT (matter_id, document_id) DO UPDATE
    SET
        released_at = NULL,
        released_by = NULL,
        release_reason = NULL,
        basis = excluded.basis,
        added_by = excluded.added_by,
        added_at = excluded.added_at,
        too_late_since = excluded.too_late_since
    WHERE hold.released_at IS NOT NULL AND %(holds_released)s
    RETURNING hold.too_late_since
)

SELECT
    count(*) FILTER (WHERE too_late_since IS NULL) AS held,
    count(*) FILTER (WHERE too_late_since IS NOT NULL) AS too_late
FROM placed;
