-- Forget a Slack channel.
--   organization_id  bigint
--   name             text
DELETE FROM slack_channels
WHERE organization_id = %(organization_id)s AND name = %(name)s;
