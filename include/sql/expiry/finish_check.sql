-- Write down that an organization's expiry dates were checked through a day; it never goes back.
--   organization_id  bigint
--   through          date
--   now              timestamptz
UPDATE expiry_watermarks
SET checked_through = greatest(checked_through, %(through)s), checked_at = %(now)s
WHERE organization_id = %(organization_id)s;
