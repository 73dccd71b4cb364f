-- Take events that wait for a reaction; until the transaction ends nobody else sees them, and if it
-- fails they wait again.
--   organization_id  bigint
--   size             integer
-- Returns event_id, type, document_id (NULL without one).
WITH taken AS (
    DELETE FROM events_to_react
    WHERE event_id IN (
        SELECT waiting.event_id
        FROM events_to_react AS waiting
        WHERE waiting.organization_id = %(organization_id)s
        ORDER BY waiting.event_id
        LIMIT %(size)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING event_id
)

SELECT
    event.id AS event_id,
    event.type,
    event.document_id
FROM taken
INNER JOIN events AS event ON taken.event_id = event.id
ORDER BY event.id;
