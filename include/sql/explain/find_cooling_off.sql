-- Until when a document cools off; NULL when nothing that counts has changed of late.
--   document_id       bigint
--   fields            text[]       what the rules that matter read, as in field_changed_at
--   events            text[]       the events they count from
--   cooling_off_days  integer
SELECT
    greatest(
        document.registered_at,
        (
            SELECT max(change.value::timestamptz)
            FROM jsonb_each_text(document.field_changed_at) AS change
            WHERE change.key = ANY(%(fields)s::text [])
        ),
        (
            SELECT max(greatest(clock.recorded_at, clock.withdrawn_at))
            FROM events AS clock
            WHERE
                clock.document_id = document.id
                AND clock.type = ANY(%(events)s::text [])
                AND clock.is_external
                AND clock.may_start_clocks
        )
    ) + make_interval(days => %(cooling_off_days)s)
FROM documents AS document
WHERE document.id = %(document_id)s;
