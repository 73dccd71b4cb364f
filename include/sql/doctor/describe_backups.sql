-- When the last backup was made, and since when there is something to lose.
-- Returns one row: last_made_at (NULL when never), began_at (of the first entry of the audit trail; NULL without any).
SELECT
    (
        SELECT made.at FROM audit_entries AS made
        WHERE made.action = 'backup.made'
        ORDER BY made.at DESC
        LIMIT 1
    ) AS last_made_at,
    (
        SELECT entry.at FROM audit_entries AS entry
        ORDER BY entry.id
        LIMIT 1
    ) AS began_at;
