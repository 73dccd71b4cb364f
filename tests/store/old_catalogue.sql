-- A small catalogue in the middle of its life, in plain SQL that every schema from 025 on takes: no code of
-- today writes it. Its documents are called after what they are part of. Run it in the schema, as its owner,
-- with the definition of a rule in the setting test.rule.

INSERT INTO organizations (slug, name, cooling_off_days, max_fraction_per_day) VALUES ('acme', 'Acme', 0, 1);
UPDATE deployment SET max_fraction_per_day = 1;

-- Bytes, a bag, and what stands on them.
INSERT INTO stores (name, root_uri) VALUES ('documents', 'file:///old/documents'), ('archive', 'file:///old/archive');
INSERT INTO archive_bags (organization_id, store_id, uri, state, payload_count, sealed_at)
SELECT organizations.id, stores.id, 'file:///old/archive/bag-1', 'sealed', 2, now()
FROM organizations CROSS JOIN stores WHERE slug = 'acme' AND stores.name = 'archive';
INSERT INTO stored_objects (store_id, uri, size_bytes, sha256)
SELECT id, root_uri || '/' || number, 100, sha256(number::text::bytea)
FROM stores CROSS JOIN generate_series(1, 44) AS number WHERE name = 'documents';
INSERT INTO stored_objects (store_id, bag_id, uri, size_bytes, sha256)
SELECT stores.id, archive_bags.id, archive_bags.uri || '/data/' || number, 100, sha256(number::text::bytea)
FROM stores CROSS JOIN archive_bags CROSS JOIN generate_series(1, 2) AS number WHERE name = 'archive';

CREATE TEMPORARY TABLE part AS
SELECT part.name, number
FROM (VALUES
    ('active', 4), ('archived', 2), ('trashed', 3), ('purged', 2), ('held', 2), ('planned', 3), ('asked', 3),
    ('approved', 3), ('half', 8), ('simulated', 2), ('superseded', 2), ('other', 10)
) AS part (name, size)
CROSS JOIN LATERAL generate_series(1, part.size) AS number;
INSERT INTO documents (
    organization_id, external_id, title, owner, document_type, tags, metadata, created_on, expires_on,
    registered_at, stored_object_id
)
SELECT
    organizations.id, part.name || '-' || number, 'Title of ' || part.name, part.name || '@example.org',
    CASE part.name WHEN 'other' THEN 'letter' ELSE 'draft' END, ARRAY['old'], '{"case": "7"}', '2019-05-01',
    CASE part.name WHEN 'active' THEN current_date + 30 END, now() - interval '3 years', object.id
FROM (SELECT *, row_number() OVER (ORDER BY name, number) AS place FROM part) AS part
INNER JOIN organizations ON slug = 'acme'
LEFT JOIN stored_objects AS object ON object.uri = 'file:///old/documents/' || part.place;
UPDATE documents SET title = title || ', corrected', expires_on = NULL WHERE external_id = 'active-1';

-- A rule that deletes drafts, and one that needs somebody's approval.
INSERT INTO rules (organization_id, name)
SELECT id, rule.name
FROM organizations CROSS JOIN (VALUES ('drafts'), ('reviewed')) AS rule (name) WHERE slug = 'acme';
INSERT INTO rule_versions (rule_id, version, mode, definition, source, author, created_at)
SELECT
    id, 1, 'enforce',
    current_setting('test.rule')::jsonb || jsonb_build_object('name', name)
    || CASE name WHEN 'reviewed' THEN '{"review": {"stages": ["records"]}}'::jsonb ELSE '{}' END,
    'name: ' || name, 'user:author', now() - interval '3 years'
FROM rules;
UPDATE rules SET current_version_id = (SELECT id FROM rule_versions WHERE rule_id = rules.id);

-- One plan for each part, in the state that its name says.
INSERT INTO plans (
    organization_id, kind, rule_version_id, dag_id, run_id, selection_key, requested_by, mode, as_of, created_at,
    required_stages, document_count, population
)
SELECT
    organizations.id, part.kind, CASE part.kind WHEN 'rule' THEN version.id END, 'old', part.name,
    CASE part.kind WHEN 'rule' THEN NULL ELSE part.name END, 'schedule',
    CASE part.name WHEN 'simulated' THEN 'simulate' ELSE 'enforce' END, now(), now(),
    CASE WHEN part.name IN ('asked', 'approved') THEN 1 ELSE 0 END,
    (SELECT count(*) FROM part AS of_part WHERE of_part.name = part.name), 50
FROM (VALUES
    ('archived', 'selection', 'drafts'), ('trashed', 'selection', 'drafts'), ('purged', 'selection', 'drafts'),
    ('planned', 'rule', 'drafts'), ('asked', 'rule', 'reviewed'), ('approved', 'rule', 'reviewed'),
    ('half', 'rule', 'drafts'), ('simulated', 'rule', 'drafts'), ('superseded', 'rule', 'drafts')
) AS part (name, kind, rule)
INNER JOIN organizations ON slug = 'acme'
INNER JOIN rules ON rules.name = part.rule
INNER JOIN rule_versions AS version ON version.rule_id = rules.id;
INSERT INTO plan_items (
    plan_id, document_id, action_index, action, rule_version_id, anchor_on, due_on, shard, status_before,
    document_version, size_bytes, is_reserving, reason
)
SELECT
    plans.id, documents.id, 0, CASE plans.run_id WHEN 'archived' THEN 'ARCHIVE' ELSE 'DELETE' END,
    plans.rule_version_id, '2019-05-01', '2020-05-02',
    CASE WHEN documents.external_id IN ('half-5', 'half-6', 'half-7', 'half-8') THEN 1 ELSE 0 END,
    'active', documents.version, 100, plans.run_id NOT IN ('simulated', 'superseded'), 'due since 2020-05-02'
FROM plans INNER JOIN documents ON documents.external_id LIKE plans.run_id || '-%';
INSERT INTO plan_shards (plan_id, action_index, shard, action, item_count, total_bytes)
SELECT plan_id, 0, shard, action, count(*), sum(size_bytes) FROM plan_items GROUP BY plan_id, shard, action;

UPDATE plans SET state = 'needs_approval', approval_reason = 'the rule asks for review'
WHERE run_id IN ('asked', 'approved');
INSERT INTO plan_decisions (plan_id, stage, decision, decided_by)
SELECT id, 1, 'approve', 'user:boss' FROM plans WHERE run_id = 'approved';
UPDATE plans SET state = 'approved', approved_at = now() WHERE run_id = 'approved';
UPDATE plans SET state = 'superseded' WHERE run_id = 'superseded';
UPDATE plan_items SET state = 'skipped', reason_code = 'superseded', finished_at = now()
WHERE plan_id = (SELECT id FROM plans WHERE run_id = 'superseded');

-- What was done: whole plans, and the first of two shards.
UPDATE plans SET state = 'applying', applying_at = now() WHERE run_id IN ('archived', 'trashed', 'purged', 'half');
UPDATE documents SET status = 'archived', archived_at = now(), archived_object_id = object.id
FROM stored_objects AS object
WHERE
    external_id LIKE 'archived-%'
    AND object.uri = 'file:///old/archive/bag-1/data/' || split_part(external_id, '-', 2);
UPDATE documents
SET status = 'deleted', status_before = 'active', deleted_at = now(), purge_after = current_date - 1
WHERE
    external_id LIKE 'trashed-%' OR external_id LIKE 'purged-%'
    OR external_id IN ('half-1', 'half-2', 'half-3', 'half-4');
UPDATE plan_items SET state = 'done', finished_at = now()
WHERE
    state = 'planned' AND shard = 0
    AND plan_id IN (SELECT id FROM plans WHERE run_id IN ('archived', 'trashed', 'purged', 'half'));
UPDATE plan_shards SET started_at = now(), progressed_at = now(), done_count = item_count
WHERE shard = 0 AND plan_id IN (SELECT id FROM plans WHERE run_id IN ('archived', 'trashed', 'purged', 'half'));
UPDATE plans SET state = 'applied', applied_at = now() WHERE run_id IN ('archived', 'trashed', 'purged');

INSERT INTO plans (organization_id, kind, dag_id, run_id, selection_key, requested_by, mode, as_of, created_at, document_count)
SELECT id, 'purge', 'old', 'purge', 'purge', 'schedule', 'enforce', now(), now(), 2 FROM organizations WHERE slug = 'acme';
INSERT INTO plan_items (plan_id, document_id, action_index, action, status_before, document_version, is_reserving, reason)
SELECT plans.id, documents.id, 0, 'PURGE', 'deleted', documents.version, TRUE, 'past its grace period'
FROM plans CROSS JOIN documents WHERE run_id = 'purge' AND external_id LIKE 'purged-%';
UPDATE plans SET state = 'applying', applying_at = now() WHERE run_id = 'purge';
UPDATE documents SET status = 'purging', purging_at = now() WHERE external_id LIKE 'purged-%';
UPDATE stored_objects SET removing_since = now(), removed_at = now()
WHERE id IN (SELECT stored_object_id FROM documents WHERE status = 'purging');
UPDATE documents
SET
    status = 'purged', status_before = NULL, purged_at = now(), title = NULL, owner = NULL, tags = NULL,
    metadata = '{}', stored_object_id = NULL, archived_object_id = NULL
WHERE status = 'purging';
UPDATE plan_items SET state = 'done', finished_at = now() WHERE plan_id = (SELECT id FROM plans WHERE run_id = 'purge');
UPDATE plans SET state = 'applied', applied_at = now() WHERE run_id = 'purge';

-- A matter, events, an endpoint, and jobs: waiting, being sent by a worker that died, given up, done.
INSERT INTO matters (organization_id, name, reason, created_by)
SELECT id, 'Smith v. us', 'litigation', 'user:olga' FROM organizations WHERE slug = 'acme';
INSERT INTO matter_documents (matter_id, document_id, added_by)
SELECT matters.id, documents.id, 'user:olga' FROM matters CROSS JOIN documents WHERE external_id LIKE 'held-%';
INSERT INTO events (organization_id, type, document_id, occurred_on, actor, is_external, payload)
SELECT organization_id, 'contract.ended', id, '2020-01-01', 'application:crm', TRUE, '{"by": "them"}'
FROM documents WHERE external_id LIKE 'active-%';
INSERT INTO webhook_endpoints (organization_id, name, url, created_by)
SELECT id, 'crm', 'https://crm.example.org', 'user:olga' FROM organizations WHERE slug = 'acme';
INSERT INTO jobs (organization_id, kind, payload, max_attempts, requested_by, run_at)
SELECT
    id, 'email', '{"to": "a@example.org", "subject": "Hello", "text": "Good day."}', 5, 'user:olga',
    now() - interval '1 hour'
FROM organizations CROSS JOIN generate_series(1, 6) WHERE slug = 'acme';
INSERT INTO job_workers (name, leased_until) VALUES ('died', now() - interval '1 hour');
INSERT INTO job_batches (worker_id, job_ids, begun_at)
SELECT id, (SELECT array_agg(job.id) FROM (SELECT jobs.id FROM jobs ORDER BY jobs.id LIMIT 2) AS job), now()
FROM job_workers;
INSERT INTO jobs_failed (
    id, organization_id, kind, payload, priority, attempts, max_attempts, last_error, requested_by, created_at, state
)
SELECT nextval('jobs_id_seq'), id, 'email', '{"to": "b@example.org", "subject": "No", "text": "-"}', 100, 5, 5, 'no',
    'user:olga', now(), 'failed'
FROM organizations WHERE slug = 'acme';
SELECT make_history_partition('job_history', current_date);
INSERT INTO job_history (id, organization_id, kind, attempts, created_at, finished_at)
SELECT nextval('jobs_id_seq'), id, 'email', 1, now(), now() - age * interval '10 days'
FROM organizations CROSS JOIN generate_series(0, 3) AS age WHERE slug = 'acme';
INSERT INTO delivery_attempts (job_id, attempt, organization_id, kind, outcome, attempted_at)
SELECT id, 1, organization_id, 'email', 'sent', finished_at FROM job_history;
INSERT INTO scheduled_jobs (organization_id, name, cron, kind, payload, created_by, next_run_at)
SELECT id, 'monday', '0 6 * * 1', 'email', '{"to": "c@example.org", "subject": "Monday", "text": "-"}', 'user:olga',
    now() + interval '1 day'
FROM organizations WHERE slug = 'acme';
INSERT INTO audit_entries (organization_id, actor, action, document_id, reason)
SELECT organization_id, 'user:olga', 'document.registered', id, 'imported' FROM documents;
DROP TABLE part;
