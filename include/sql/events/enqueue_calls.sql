-- Store a webhook call for each event and each subscription that wants it. What a document is called
-- and whose it is stays here: the receiver knows it by its ids.
--   event_ids  bigint[]
-- Returns how many.
WITH called AS (
    INSERT INTO jobs (
        organization_id, kind, payload, max_attempts, timeout_seconds, requested_by, plan_id,
        endpoint_id
    )
    SELECT
        event.organization_id,
        'webhook',
        jsonb_build_object(
            'endpoint', endpoint.name,
            'type', event.type,
            'timestamp', event.recorded_at,
            'data', jsonb_build_object(
                'organization', organization.slug,
                'event_id', event.id,
                'occurred_on', event.occurred_on,
                'actor', event.actor,
                'subject', event.subject,
                'payload', event.payload,
                'plan_id', event.plan_id,
                'document', CASE
                    WHEN document.id IS NOT NULL
                        THEN jsonb_build_object(
                            'id', document.id,
                            'external_id', document.external_id,
                            'document_type', document.document_type,
                            'status', document.status,
                            'expires_on', document.expires_on
                        )
                END
            )
        )::text,
        10,
        endpoint.timeout_seconds,
        'event',
        event.plan_id,
        endpoint.id
    FROM events AS event
    INNER JOIN organizations AS organization ON event.organization_id = organization.id
    INNER JOIN webhook_endpoints AS endpoint ON event.organization_id = endpoint.organization_id
    INNER JOIN webhook_subscriptions AS subscription
        ON endpoint.id = subscription.endpoint_id
    LEFT JOIN documents AS document ON event.document_id = document.id
    WHERE
        event.id = ANY(%(event_ids)s::bigint [])
        AND subscription.event_types && event_patterns(event.type)
        AND (
            subscription.document_types IS NULL
            OR document.document_type = ANY(subscription.document_types)
        )
    ORDER BY event.id
    RETURNING id
)

SELECT count(*) AS calls
FROM called;
