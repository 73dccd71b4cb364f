-- Add a Slack channel, or change the one of that name.
--   organization_id  bigint
--   name             text    as rules name it, without #
--   connection_id    text    Airflow Connection of type slack or slackwebhook
--   channel          text    id or name; NULL for a webhook, which has its own
--   document_types   text[]  takes messages to "auto" about documents of these types, or NULL
--   rule_names       text[]  takes messages to "auto" of these rules, or NULL
--   is_active        boolean
INSERT INTO slack_channels (
    organization_id, name, connection_id, channel, document_types, rule_names, is_active
)
VALUES (
    %(organization_id)s, %(name)s, %(connection_id)s, %(channel)s, %(document_types)s,
    %(rule_names)s, %(is_active)s
)
ON CONFLICT ON CONSTRAINT a_slack_channel_name_is_unique DO UPDATE
    SET
        connection_id = excluded.connection_id,
        channel = excluded.channel,
        document_types = excluded.document_types,
        rule_names = excluded.rule_names,
        is_active = excluded.is_active;
