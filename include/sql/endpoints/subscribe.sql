-- Let an endpoint have events.
--   endpoint_id     bigint
--   event_types     text[]  not empty
--   document_types  text[]  only of documents of these types, or NULL for all
INSERT INTO webhook_subscriptions (endpoint_id, event_types, document_types)
VALUES (%(endpoint_id)s, %(event_types)s, %(document_types)s);
