-- Say that something has happened to a document; returns the event's number.
--   type          text
--   external_id   text
--   payload       jsonb
--   organization  text    short name
--   occurred_on   date    NULL for today in the organization's zone
SELECT emit_event(
    %(type)s, %(external_id)s, %(payload)s, %(organization)s, %(occurred_on)s
);
