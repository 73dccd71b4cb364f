-- Rules with immutable versions; plans, their items, shards and decisions.

CREATE TABLE rules (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    name text NOT NULL,
    current_version_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    -- A removed rule keeps its versions: history points at them.
    removed_at timestamptz,
    CONSTRAINT a_rule_name_is_unique UNIQUE (organization_id, name)
);
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON rules
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();

CREATE TABLE rule_versions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id bigint NOT NULL REFERENCES rules,
    version integer NOT NULL,
    mode text NOT NULL,
    -- The rule as validated, and as its author wrote it.
    definition jsonb NOT NULL,
    source text NOT NULL,
    author text NOT NULL,
    commit_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT versions_of_a_rule_are_numbered UNIQUE (rule_id, version),
    CONSTRAINT a_rule_has_a_known_mode CHECK (mode IN ('off', 'simulate', 'enforce'))
);
ALTER TABLE rules ADD CONSTRAINT the_current_version_exists
FOREIGN KEY (current_version_id) REFERENCES rule_versions;

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows never change', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER rule_versions_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON rule_versions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE plans (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    kind text NOT NULL,
    rule_version_id bigint REFERENCES rule_versions,
    -- Which run asked; a cleared task finds its own plan by these.
    dag_id text NOT NULL,
    run_id text NOT NULL,
    -- Tells plans of one run apart that have no rule: a hash of the selection, 'purge', ...
    selection_key text,
    -- Settings of a selection's action: which store, whom to tell. A rule has its own.
    options jsonb NOT NULL DEFAULT '{}',
    requested_by text NOT NULL,
    mode text NOT NULL,
    as_of timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'planned',
    -- Why a person must look, and which limits tripped with their numbers.
    approval_reason text,
    breaker jsonb NOT NULL DEFAULT '[]',
    required_stages integer NOT NULL DEFAULT 0,
    -- How many documents the rule could have hit; held, retained and unknown beside the items.
    population bigint NOT NULL DEFAULT 0,
    document_count bigint NOT NULL DEFAULT 0,
    total_bytes bigint NOT NULL DEFAULT 0,
    unknown_count bigint NOT NULL DEFAULT 0,
    blocked_count bigint NOT NULL DEFAULT 0,
    -- The moment the caller gave as the present: staleness counts from here.
    created_at timestamptz NOT NULL,
    approved_at timestamptz,
    applying_at timestamptz,
    applied_at timestamptz,
    undone_at timestamptz,
    undone_by text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_run_plans_a_rule_or_selection_once
    UNIQUE NULLS NOT DISTINCT (dag_id, run_id, organization_id, rule_version_id, selection_key),
    CONSTRAINT a_plan_has_a_known_kind
    CHECK (kind IN ('rule', 'selection', 'purge', 'originals')),
    CONSTRAINT a_rule_plan_names_its_rule CHECK (kind <> 'rule' OR rule_version_id IS NOT NULL),
    CONSTRAINT a_plan_has_a_known_mode CHECK (mode IN ('simulate', 'enforce')),
    CONSTRAINT a_plan_has_a_known_state
    CHECK (state IN (
        'planned', 'needs_approval', 'approved', 'rejected', 'superseded', 'lapsed',
        'applying', 'applied', 'undone'
    )),
    CONSTRAINT a_plan_that_needs_approval_says_why
    CHECK (state <> 'needs_approval' OR approval_reason IS NOT NULL),
    CONSTRAINT a_simulation_is_never_applied
    CHECK (mode = 'enforce' OR state NOT IN ('applying', 'applied', 'undone'))
);
CREATE INDEX plans_by_state ON plans (organization_id, state, created_at);
CREATE INDEX plans_by_rule ON plans (rule_version_id, id);
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON plans
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();

CREATE TABLE plan_items (
    plan_id bigint NOT NULL REFERENCES plans,
    document_id bigint NOT NULL REFERENCES documents,
    -- Position in the rule's action list: a rule may notify two channels.
    action_index smallint NOT NULL,
    action text NOT NULL,
    rule_version_id bigint REFERENCES rule_versions,
    anchor_on date,
    retain_until date,
    due_on date,
    shard integer NOT NULL DEFAULT 0,
    status_before text NOT NULL,
    -- What the decision was made on; apply refuses a document that has changed since.
    document_version bigint NOT NULL,
    size_bytes bigint NOT NULL DEFAULT 0,
    -- False for simulations and for actions that destroy nothing.
    is_reserving boolean NOT NULL,
    state text NOT NULL DEFAULT 'planned',
    -- One word for machines, one sentence for people.
    reason_code text,
    reason text NOT NULL,
    -- The rule that won against this one, where one did.
    blocking_rule_version_id bigint REFERENCES rule_versions,
    bag_id bigint REFERENCES archive_bags,
    finished_at timestamptz,
    PRIMARY KEY (plan_id, document_id, action_index),
    CONSTRAINT an_item_has_a_known_action
    CHECK (action IN ('ARCHIVE', 'DELETE', 'NOTIFY', 'WEBHOOK', 'PURGE', 'REMOVE_ORIGINAL')),
    CONSTRAINT an_item_has_a_known_state
    CHECK (state IN ('planned', 'done', 'skipped', 'failed', 'undone')),
    CONSTRAINT a_finished_item_says_when CHECK ((state = 'planned') = (finished_at IS NULL)),
    CONSTRAINT a_skipped_or_failed_item_has_a_reason_code
    CHECK (state NOT IN ('skipped', 'failed') OR reason_code IS NOT NULL)
);
CREATE UNIQUE INDEX a_document_has_one_open_destructive_item ON plan_items (document_id)
WHERE state = 'planned' AND is_reserving;
CREATE INDEX plan_items_to_apply ON plan_items (plan_id, action_index, shard, document_id)
WHERE state = 'planned';
CREATE INDEX plan_items_by_document ON plan_items (document_id, plan_id);

-- One row per unit of work, made with the plan and never recut; it carries the progress, so that
-- parallel shards never queue behind one counter.
CREATE TABLE plan_shards (
    plan_id bigint NOT NULL REFERENCES plans,
    action_index smallint NOT NULL,
    shard integer NOT NULL,
    action text NOT NULL,
    item_count integer NOT NULL,
    total_bytes bigint NOT NULL DEFAULT 0,
    done_count integer NOT NULL DEFAULT 0,
    skipped_count integer NOT NULL DEFAULT 0,
    failed_count integer NOT NULL DEFAULT 0,
    done_bytes bigint NOT NULL DEFAULT 0,
    started_at timestamptz,
    progressed_at timestamptz,
    PRIMARY KEY (plan_id, action_index, shard)
);

CREATE TABLE plan_decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id bigint NOT NULL REFERENCES plans,
    -- NULL decides the whole plan.
    document_id bigint REFERENCES documents,
    stage integer NOT NULL DEFAULT 1,
    decision text NOT NULL,
    extend_until date,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    comment text,
    -- An answer that does not count (the author of the rule approving it) is kept, with the reason.
    is_valid boolean NOT NULL DEFAULT true,
    invalid_reason text,
    CONSTRAINT a_decision_is_known CHECK (decision IN ('approve', 'reject', 'extend', 'hold')),
    CONSTRAINT an_extension_says_until_when
    CHECK ((decision = 'extend') = (extend_until IS NOT NULL)),
    CONSTRAINT a_stage_is_positive CHECK (stage >= 1),
    CONSTRAINT an_invalid_decision_says_why CHECK (is_valid = (invalid_reason IS NULL))
);
CREATE INDEX plan_decisions_by_plan ON plan_decisions (plan_id, document_id);
CREATE TRIGGER plan_decisions_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON plan_decisions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Read model for forecast and lists, rebuilt nightly and never trusted for an action.
CREATE TABLE dispositions (
    document_id bigint NOT NULL,
    rule_version_id bigint NOT NULL REFERENCES rule_versions,
    action_index smallint NOT NULL,
    action text NOT NULL,
    organization_id bigint NOT NULL,
    anchor_on date,
    retain_until date,
    due_on date,
    -- The day it will really go: later than due when another rule retains it or it was restored.
    goes_on date,
    -- The rule that retains it past its due date.
    protecting_rule_version_id bigint REFERENCES rule_versions,
    -- Another rule in the same mode does the same to the document, and sooner.
    is_outranked boolean NOT NULL DEFAULT false,
    is_held boolean NOT NULL DEFAULT false,
    size_bytes bigint NOT NULL DEFAULT 0,
    rebuilt_at timestamptz NOT NULL,
    PRIMARY KEY (document_id, rule_version_id, action_index)
);
CREATE INDEX dispositions_by_due ON dispositions (rule_version_id, action_index, due_on);
-- What is overdue, the longest first, without sorting it.
CREATE INDEX dispositions_by_day ON dispositions (
    organization_id, due_on, document_id, rule_version_id, action_index
)
WHERE action IN ('ARCHIVE', 'DELETE') AND NOT is_outranked;

-- What was in the trash when the dispositions were rebuilt. Here, because an index over the status of
-- documents would make each change of it several times as dear.
CREATE TABLE foreseen_purges (
    organization_id bigint NOT NULL,
    due_on date NOT NULL,
    document_id bigint NOT NULL,
    is_held boolean NOT NULL,
    size_bytes bigint NOT NULL,
    PRIMARY KEY (organization_id, due_on, document_id)
);

-- The dispositions of rules, and what was in the trash (without a rule), added up by day.
CREATE TABLE forecast_counts (
    organization_id bigint NOT NULL,
    rule_version_id bigint REFERENCES rule_versions,
    action text NOT NULL,
    goes_on date,
    is_held boolean NOT NULL,
    documents bigint NOT NULL,
    size_bytes bigint NOT NULL,
    CONSTRAINT a_day_is_counted_once
    UNIQUE NULLS NOT DISTINCT (organization_id, rule_version_id, action, goes_on, is_held)
);

-- When the dispositions of a rule version were rebuilt: a version without a row was never forecast,
-- which is not the same as a forecast of nothing.
CREATE TABLE forecasts (
    rule_version_id bigint PRIMARY KEY REFERENCES rule_versions,
    organization_id bigint NOT NULL REFERENCES organizations,
    -- Documents that it could not judge, because a value is missing or malformed.
    unknown_count bigint NOT NULL,
    -- What a rule that selects by age, or counts from nothing, selects on the day after: its
    -- dispositions hold only what it selects today. NULL for all other rules.
    next_day date,
    next_count bigint,
    rebuilt_at timestamptz NOT NULL,
    CONSTRAINT a_count_has_its_day CHECK ((next_day IS NULL) = (next_count IS NULL))
);

-- Which warning or message was sent for what: unique, so that a re-run cannot spam. A message
-- without a due date is sent once per rule and document.
CREATE TABLE notices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    rule_id bigint NOT NULL REFERENCES rules,
    action_index smallint NOT NULL,
    document_id bigint NOT NULL REFERENCES documents,
    due_on date,
    -- Days before the due date; 0 for a warning that comes after it, because none was delivered
    -- before; NULL for a message about something that happened.
    window_days integer,
    -- Whom it went to, in small letters where that is a mail address.
    recipient text,
    -- The organization's fallback recipient, when nobody else could be warned.
    redirected_to text,
    job_id bigint,
    -- What became of its job, once that is certain (72 hours after it was accepted): attempts are
    -- forgotten earlier than warnings are asked for.
    sent_at timestamptz,
    bounced_at timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT a_notice_is_sent_once
    UNIQUE NULLS NOT DISTINCT (
        rule_id, action_index, document_id, due_on, window_days, redirected_to
    )
);
CREATE INDEX notices_by_document ON notices (document_id);
CREATE INDEX notices_to_settle ON notices (rule_id)
WHERE window_days IS NOT NULL AND job_id IS NOT NULL AND sent_at IS NULL;

GRANT INSERT, UPDATE ON rules, plans, plan_shards TO doclife_worker;
GRANT INSERT ON plan_items TO doclife_worker;
GRANT UPDATE (state, reason_code, reason, bag_id, finished_at) ON plan_items TO doclife_worker;
GRANT INSERT ON rule_versions, plan_decisions, notices TO doclife_worker;
GRANT UPDATE (job_id, sent_at, bounced_at) ON notices TO doclife_worker;
GRANT INSERT, UPDATE, DELETE ON dispositions, forecasts TO doclife_worker;
GRANT INSERT, DELETE ON foreseen_purges, forecast_counts TO doclife_worker;
GRANT EXECUTE ON FUNCTION refuse_change() TO doclife_worker, doclife_application;
