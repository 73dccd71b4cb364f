-- From here on, what is registered with an expiry date up to this day is queued to be checked.
--   organization_id  bigint
--   through          date
UPDATE expiry_watermarks
SET queue_through = greatest(queue_through, %(through)s)
WHERE organization_id = %(organization_id)s;
