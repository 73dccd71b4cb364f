-- The chain over the audit trail. Every statement that adds entries also leaves a commitment to each, and
-- each commit appends a link per such statement to its organization's chain. What an entry says can be
-- erased; that it was there, and what it said if somebody kept a copy, stays provable.
--
--   payload      the text of an entry's columns (audit_payload), without its number
--   salt         of entry 17 of a batch: sha256(secret || 17 as 8 bytes), so that nobody can guess an erased
--                payload until it fits. One secret per batch costs less than chance for each entry.
--   commitment   sha256(salt || payload)
--   leaves       for each entry its number (8 bytes, big-endian) and its commitment (32 bytes)
--   root         sha256(leaves)
--   hash         sha256(hash before || header || root): the link
--
-- An erased entry keeps its commitment. Its salt is gone, or the one of what remains of it, to which the
-- entry that says who erased it, audit.erased, commits.

-- Both were made for this and never used; the foreign key cost a queued check for each entry.
ALTER TABLE audit_entries DROP COLUMN batch_id, DROP COLUMN commitment, DROP COLUMN salt;
ALTER TABLE audit_entries ADD COLUMN erased_by bigint;

CREATE TABLE audit_commitments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL,
    first_entry_id bigint NOT NULL,
    last_entry_id bigint NOT NULL,
    entry_count integer NOT NULL,
    leaves bytea NOT NULL,
    -- NULL once an entry was erased; the others' salts are in salts then, 32 bytes each.
    secret bytea,
    salts bytea,
    -- Which wrote it, to lock all its chains in one order. After a restore it may be another's number as
    -- well, which then locks a chain too many.
    transaction_id bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    CONSTRAINT each_entry_has_a_leaf CHECK (octet_length(leaves) = 40 * entry_count),
    CONSTRAINT salts_can_be_told
    CHECK ((secret IS NULL) <> (salts IS NULL)),
    CONSTRAINT each_entry_has_a_salt CHECK (octet_length(salts) = 32 * entry_count)
);
-- Hashes do not compress, and slices of them are read.
ALTER TABLE audit_commitments ALTER COLUMN leaves SET STORAGE EXTERNAL;
ALTER TABLE audit_commitments ALTER COLUMN salts SET STORAGE EXTERNAL;
CREATE INDEX audit_commitments_by_entry ON audit_commitments
USING gist (int8range(first_entry_id, last_entry_id, '[]'));

CREATE INDEX audit_commitments_by_transaction ON audit_commitments (transaction_id, id);

ALTER TABLE audit_batches ADD COLUMN commitments_id bigint NOT NULL REFERENCES audit_commitments;
ALTER TABLE audit_batches ALTER COLUMN previous_hash SET NOT NULL;
REVOKE INSERT ON audit_batches FROM doclife_worker;

-- What is hashed of an entry: a JSON array, the same in every session and version of the server.
CREATE FUNCTION audit_payload(
    organization_id bigint, at timestamptz, actor text, rule text, action text, document_id bigint,
    plan_id bigint, reason text, details jsonb
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT json_build_array(
        organization_id, at AT TIME ZONE INTERVAL '0', actor, rule, action, document_id, plan_id, reason,
        details
    )::text
$$;

CREATE FUNCTION audit_salt(secret bytea, entry_id bigint) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT sha256(secret || int8send(entry_id))
$$;

CREATE FUNCTION audit_commitment(salt bytea, payload text) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT sha256(salt || convert_to(payload, 'UTF8'))
$$;

-- 244 bits of chance.
CREATE FUNCTION audit_secret() RETURNS bytea
LANGUAGE sql VOLATILE PARALLEL SAFE
AS $$
    SELECT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
$$;

-- The numbers of the entries that leaves are of, each with its place, from 0.
CREATE FUNCTION audit_leaves(leaves bytea) RETURNS TABLE (place integer, entry_id bigint)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1000
AS $$
    SELECT
        leaf.place,
        ('x' || encode(substring(leaves FROM 40 * leaf.place + 1 FOR 8), 'hex'))::bit(64)::bigint
    FROM generate_series(0, octet_length(leaves) / 40 - 1) AS leaf (place)
$$;

-- One row for each chain, which is locked while a link is appended. Whoever may lock a row may change it, so
-- that no application can stop an audit: an advisory lock can be taken by everybody.
CREATE TABLE audit_chains (organization_id bigint PRIMARY KEY);
CREATE TRIGGER audit_chains_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_chains
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- For the lock on all of them (audit_chain/hold).
GRANT UPDATE ON audit_chains TO doclife_worker;

CREATE FUNCTION lock_audit_chain(organization bigint) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = doclife, pg_temp
AS $$
BEGIN
    PERFORM FROM audit_chains AS chain WHERE chain.organization_id = organization FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        -- Waits for whoever makes the same row.
        INSERT INTO audit_chains (organization_id) VALUES (organization) ON CONFLICT DO NOTHING;
        PERFORM FROM audit_chains AS chain WHERE chain.organization_id = organization FOR NO KEY UPDATE;
    END IF;
END
$$;

-- Once per statement, whoever inserts. A commitment to 2,000 entries at most, each with a secret of its own:
-- who erases one entry renews the salts of all of its commitment, 4 us for each, while what a commitment more costs
-- an insert cannot be measured.
CREATE FUNCTION commit_audit_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    most constant integer := 2000;
    organization bigint;
    secrets bytea [];
BEGIN
    FOR organization, secrets IN
        SELECT
            counted.organization_id,
            ARRAY(SELECT audit_secret() FROM generate_series(0, counted.entries / most))
        FROM (
            SELECT entry.organization_id, count(*) AS entries FROM added AS entry GROUP BY 1
        ) AS counted
    LOOP
        INSERT INTO audit_commitments (
            organization_id, first_entry_id, last_entry_id, entry_count, leaves, secret
        )
        SELECT
            organization,
            min(entry.id),
            max(entry.id),
            count(*),
            string_agg(
                int8send(entry.id) || audit_commitment(
                    audit_salt(secrets[entry.part], entry.id),
                    audit_payload(
                        entry.organization_id, entry.at, entry.actor, entry.rule, entry.action,
                        entry.document_id, entry.plan_id, entry.reason, entry.details
                    )
                ),
                ''
            ),
            secrets[entry.part]
        FROM (
            SELECT *, ((row_number() OVER ()) - 1) / most + 1 AS part
            FROM added
            WHERE organization_id = organization
        ) AS entry
        GROUP BY entry.part
        ORDER BY entry.part;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER commit_audit_entries AFTER INSERT ON audit_entries
REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION commit_audit_entries();

-- At commit. The chain is locked from here until the commit is done, and never before: shards that
-- write at the same time do not wait for each other's work.
CREATE FUNCTION append_audit_batch() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    last record;
    organization bigint;
    sealed_at timestamptz;
    batch_sequence bigint;
    batch_root bytea := sha256(NEW.leaves);
BEGIN
    -- All chains of this transaction in one order, so that two transactions never wait for each other. Its
    -- first commitment does it for all that follow: they are committed to in the order of their numbers.
    IF NOT EXISTS (
        SELECT
        FROM audit_commitments AS earlier
        WHERE earlier.transaction_id = NEW.transaction_id AND earlier.id < NEW.id
    ) THEN
        FOR organization IN
            SELECT DISTINCT own.organization_id
            FROM audit_commitments AS own
            WHERE own.transaction_id = NEW.transaction_id
            ORDER BY own.organization_id
        LOOP
            PERFORM lock_audit_chain(organization);
        END LOOP;
    END IF;
    PERFORM lock_audit_chain(NEW.organization_id);
    SELECT batch.sequence, batch.hash INTO last
    FROM audit_batches AS batch
    WHERE batch.organization_id = NEW.organization_id
    ORDER BY batch.sequence DESC
    LIMIT 1;
    batch_sequence := coalesce(last.sequence, 0) + 1;
    last.hash := coalesce(last.hash, audit_chain_start());
    sealed_at := clock_timestamp();
    -- A transaction that reads as of an earlier moment cannot see the newest link: PostgreSQL refuses
    -- it here as a serialization failure, to be tried again.
    INSERT INTO audit_batches (
        organization_id, sequence, entry_count, root, previous_hash, hash, created_at, commitments_id
    )
    VALUES (
        NEW.organization_id,
        batch_sequence,
        NEW.entry_count,
        batch_root,
        last.hash,
        audit_batch_hash(
            last.hash, NEW.organization_id, batch_sequence, NEW.entry_count, sealed_at, batch_root
        ),
        sealed_at,
        NEW.id
    )
    ON CONFLICT (organization_id, sequence) DO NOTHING;
    RETURN NULL;
END
$$;

CREATE FUNCTION audit_chain_start() RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT decode(repeat('00', 32), 'hex')
$$;

CREATE FUNCTION audit_moment(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT to_char(at AT TIME ZONE INTERVAL '0', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

CREATE FUNCTION audit_batch_hash(
    previous bytea, organization bigint, sequence bigint, entries integer, sealed_at timestamptz,
    root bytea
) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT sha256(
        previous
        || convert_to(
            concat_ws(
                '|', 'doclife-audit/1', organization, sequence, entries, audit_moment(sealed_at), ''
            ),
            'UTF8'
        )
        || root
    )
$$;

CREATE CONSTRAINT TRIGGER append_audit_batch AFTER INSERT ON audit_commitments
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION append_audit_batch();

-- A signed head of a chain: what an auditor carries away.
CREATE TABLE audit_heads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    -- The bytes that were signed: canonical JSON.
    message text NOT NULL,
    signature bytea NOT NULL,
    key_fingerprint text NOT NULL REFERENCES signing_keys,
    -- Where it was written to outside of this database; NULL while there is no archive store.
    file_uri text,
    CONSTRAINT a_head_is_signed_once UNIQUE (organization_id, sequence, key_fingerprint)
);
CREATE TRIGGER audit_heads_never_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_heads
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
GRANT INSERT ON audit_heads TO doclife_worker;

GRANT EXECUTE ON FUNCTION
audit_payload(bigint, timestamptz, text, text, text, bigint, bigint, text, jsonb),
audit_salt(bytea, bigint), audit_leaves(bytea), audit_moment(timestamptz)
TO doclife_worker, doclife_reader;
-- What was there before the chain, in batches of its own, and an entry that says so.
WITH entry AS MATERIALIZED (
    SELECT
        *,
        (row_number() OVER (PARTITION BY organization_id ORDER BY id) - 1) / 2000 AS part
    FROM audit_entries
),

chance AS MATERIALIZED (
    SELECT
        batch.organization_id,
        batch.part,
        audit_secret() AS secret
    FROM (SELECT DISTINCT
organization_id,
part
FROM entry) AS batch
)

INSERT INTO audit_commitments (
    organization_id, first_entry_id, last_entry_id, entry_count, leaves, secret
)
SELECT
    entry.organization_id,
    min(entry.id),
    max(entry.id),
    count(*),
    string_agg(
        int8send(entry.id) || audit_commitment(
            audit_salt(chance.secret, entry.id),
            audit_payload(
                entry.organization_id, entry.at, entry.actor, entry.rule, entry.action,
                entry.document_id, entry.plan_id, entry.reason, entry.details
            )
        ),
        '' ORDER BY entry.id
    ),
    chance.secret
FROM entry
INNER JOIN chance
    ON entry.organization_id = chance.organization_id AND entry.part = chance.part
GROUP BY entry.organization_id, entry.part, chance.secret
ORDER BY entry.organization_id, entry.part;

INSERT INTO audit_entries (organization_id, actor, action, reason, details)
SELECT
    before.organization_id,
    'schedule',
    'audit.sealed',
    'sealed by migration: these entries were there before the chain',
    jsonb_build_object('entries', count(*), 'first', min(before.id), 'last', max(before.id))
FROM audit_entries AS before
GROUP BY before.organization_id;
