-- Take back what an application said has happened; false when it was taken back before.
--   event_id      bigint
--   reason        text    why, for the audit trail
--   organization  text    short name
--   actor         text    user:<name> or cli:<os user>
SELECT withdraw_event(%(event_id)s, %(reason)s, %(organization)s, %(actor)s);
