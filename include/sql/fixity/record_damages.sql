-- Write down which bytes are not what was recorded.
--   now      timestamptz
--   results  jsonb        list of {object_id, kind, found_bytes, found_sha256 (hex)}
-- Returns object_id of those that were not known to be damaged.
INSERT INTO fixity_damages (object_id, kind, found_bytes, found_sha256, found_at, seen_at)
SELECT
    seen.object_id,
    seen.kind,
    seen.found_bytes,
    decode(seen.found_sha256, 'hex'),
    %(now)s AS found_at,
    %(now)s AS seen_at
FROM jsonb_to_recordset(%(results)s) AS seen (
    object_id bigint, kind text, found_bytes bigint, found_sha256 text
)
ON CONFLICT (object_id) WHERE mended_at IS NULL DO UPDATE
SET
kind = excluded.kind,
found_bytes = excluded.found_bytes,
found_sha256 = excluded.found_sha256,
seen_at = excluded.seen_at
RETURNING object_id, found_at = seen_at AS is_new;
