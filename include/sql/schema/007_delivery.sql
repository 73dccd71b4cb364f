-- Where deliveries go and what people want. Secrets are Airflow Connections, never rows.

CREATE TABLE webhook_endpoints (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    name text NOT NULL,
    url text NOT NULL,
    connection_id text,
    headers jsonb NOT NULL DEFAULT '{}',
    timeout_seconds integer NOT NULL DEFAULT 30,
    max_concurrency integer NOT NULL DEFAULT 8,
    max_per_second numeric,
    state text NOT NULL DEFAULT 'enabled',
    disabled_reason text,
    failing_since timestamptz,
    -- Left alone until then, its jobs untried: it did not answer, or something of it is missing.
    rests_until timestamptz,
    rest_reason text,
    last_success_at timestamptz,
    last_failure_at timestamptz,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT an_endpoint_name_is_unique UNIQUE (organization_id, name),
    CONSTRAINT an_endpoint_is_enabled_paused_or_disabled
    CHECK (state IN ('enabled', 'paused', 'disabled')),
    CONSTRAINT an_endpoint_that_rests_says_why
    CHECK ((rests_until IS NULL) = (rest_reason IS NULL)),
    CONSTRAINT a_disabled_endpoint_says_why CHECK (state <> 'disabled' OR disabled_reason IS NOT NULL)
);
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON webhook_endpoints
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();

CREATE TABLE webhook_subscriptions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id bigint NOT NULL REFERENCES webhook_endpoints,
    event_types text [] NOT NULL,
    document_types text [],
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_subscription_names_events CHECK (cardinality(event_types) > 0)
);

-- Which texts in event_types mean an event of this type: the type itself, what stands before a dot
-- with a star, and the star alone.
CREATE FUNCTION event_patterns(event_type text) RETURNS text []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = doclife, pg_temp
AS $$
    SELECT ARRAY[event_type, '*'] || ARRAY(
        SELECT array_to_string(part.all_of_them[1:place.n], '.') || '.*'
        FROM (SELECT string_to_array(event_type, '.') AS all_of_them) AS part
        CROSS JOIN LATERAL generate_series(1, cardinality(part.all_of_them) - 1) AS place (n)
    )
$$;

CREATE TABLE slack_channels (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    name text NOT NULL,
    connection_id text NOT NULL,
    channel text,
    document_types text [],
    rule_names text [],
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_slack_channel_name_is_unique UNIQUE (organization_id, name)
);
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON slack_channels
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();

CREATE TABLE email_suppressions (
    organization_id bigint NOT NULL REFERENCES organizations,
    address text NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, address),
    CONSTRAINT a_suppression_reason_is_known
    CHECK (reason IN ('bounced', 'complained', 'unsubscribed', 'manual'))
);
CREATE INDEX email_suppressions_by_mailbox ON email_suppressions (organization_id, lower(address));

-- What a person wants, for each way to reach them. Without a row they get the digest by mail.
CREATE TABLE recipient_preferences (
    organization_id bigint NOT NULL REFERENCES organizations,
    recipient text NOT NULL,
    channel text NOT NULL DEFAULT 'email',
    -- Where in that channel, when the recipient's own name does not say it: a Slack member or
    -- channel.
    address text,
    wants_digest boolean NOT NULL DEFAULT true,
    -- 'daily': notices wait for the digest. Warnings come at once all the same.
    quiet text NOT NULL DEFAULT 'off',
    time_zone text,
    locale text,
    quiet_types text [] NOT NULL DEFAULT '{}',
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, recipient, channel),
    CONSTRAINT a_preference_is_for_a_known_channel
    CHECK (channel IN ('email', 'slack', 'notification')),
    CONSTRAINT quiet_is_off_or_daily CHECK (quiet IN ('off', 'daily'))
);
CREATE INDEX recipient_preferences_by_person
ON recipient_preferences (organization_id, lower(recipient));
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON recipient_preferences
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();

-- What the dashboard shows a person.
CREATE TABLE notifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    recipient text NOT NULL,
    type text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    document_id bigint REFERENCES documents,
    plan_id bigint REFERENCES plans,
    -- The job that asked for it, so that a second attempt shows nothing twice.
    job_id bigint CONSTRAINT a_job_notifies_once UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    read_at timestamptz
);
CREATE INDEX notifications_by_recipient ON notifications (organization_id, recipient, id);
CREATE INDEX notifications_unread ON notifications (organization_id, recipient, id)
WHERE read_at IS NULL;
CREATE INDEX notifications_by_document ON notifications (document_id)
WHERE document_id IS NOT NULL;

-- Which mornings have had their digests, in each zone in which an organization has readers. A run
-- that goes on where another died tells what that one told: until the same moment.
CREATE TABLE digest_days (
    organization_id bigint NOT NULL REFERENCES organizations,
    time_zone text NOT NULL,
    day date NOT NULL,
    as_of timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (organization_id, time_zone, day)
);

-- Reports that were made. Their files lie in a store; this is where, and what makes them ours.
CREATE TABLE reports (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- The job that asked for it, so that a second attempt makes no second report.
    job_id bigint NOT NULL CONSTRAINT a_job_makes_one_report UNIQUE,
    -- The first and the last day that it is about, in the organization's zone.
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    made_at timestamptz NOT NULL,
    requested_by text NOT NULL,
    store_name text NOT NULL,
    html_uri text NOT NULL,
    html_bytes bigint NOT NULL,
    html_sha256 bytea NOT NULL,
    csv_uri text NOT NULL,
    csv_bytes bigint NOT NULL,
    csv_sha256 bytea NOT NULL,
    -- What stands at its top, for lists.
    summary jsonb NOT NULL,
    CONSTRAINT a_report_ends_after_it_begins CHECK (ends_on >= starts_on)
);
CREATE INDEX reports_by_organization ON reports (organization_id, id);

GRANT INSERT, UPDATE ON webhook_endpoints, webhook_subscriptions, slack_channels,
recipient_preferences, notifications, digest_days TO doclife_worker;
GRANT INSERT ON reports TO doclife_worker;
GRANT INSERT, UPDATE, DELETE ON email_suppressions TO doclife_worker;
GRANT DELETE ON webhook_endpoints, webhook_subscriptions, slack_channels, digest_days TO doclife_worker;
GRANT EXECUTE ON FUNCTION event_patterns(text) TO doclife_worker;
