-- How personal data leaves the audit trail, and nothing else does (the chain: 029_audit_chain.sql).

-- Append-only. What may go from an entry is what erase_audit_payload takes, and its salt with it.
DROP TRIGGER audit_entries_never_change ON audit_entries;
CREATE TRIGGER audit_entries_are_never_removed BEFORE DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_commitments_are_never_removed BEFORE DELETE OR TRUNCATE ON audit_commitments
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION refuse_all_but_erasure() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF
        (NEW.id, NEW.organization_id, NEW.at, NEW.action)
        = (OLD.id, OLD.organization_id, OLD.at, OLD.action)
        AND (NEW.rule, NEW.document_id, NEW.plan_id)
        IS NOT DISTINCT FROM (OLD.rule, OLD.document_id, OLD.plan_id)
        AND NEW.actor IN (OLD.actor, 'erased')
        AND NEW.reason = 'erased'
        AND NEW.details = '{}'
        AND OLD.action <> 'audit.erased'
        AND EXISTS (
            SELECT
            FROM audit_entries AS erasure
            WHERE
                erasure.id = NEW.erased_by
                AND erasure.organization_id = NEW.organization_id
                AND erasure.action = 'audit.erased'
                AND erasure.details -> 'commitments' ? NEW.id::text
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'update of audit_entries is refused: its rows never change'
        USING ERRCODE = 'restrict_violation',
        HINT = 'Personal data goes with erase_audit_payload().';
END
$$;
CREATE TRIGGER audit_entries_never_change BEFORE UPDATE ON audit_entries
FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erasure();

CREATE FUNCTION refuse_all_but_erased_salts() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    IF
        (
            NEW.id, NEW.organization_id, NEW.first_entry_id, NEW.last_entry_id, NEW.entry_count,
            NEW.leaves
        ) = (
            OLD.id, OLD.organization_id, OLD.first_entry_id, OLD.last_entry_id, OLD.entry_count,
            OLD.leaves
        )
        AND NEW.salts IS NOT NULL
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'update of audit_commitments is refused: its rows never change'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_commitments_never_change BEFORE UPDATE ON audit_commitments
FOR EACH ROW EXECUTE FUNCTION refuse_all_but_erased_salts();

-- Erase what entries say: reason and details, and on request who did it. The entries are those about
-- document_ids and those of entry_ids, of this organization; what is erased already is left alone, and so are
-- the entries that say what was erased. When, what was done, rule, plan and document stay. It leaves an entry
-- audit.erased for every 1,000, which commits to what remains, and returns how many entries were erased.
-- An entry that does not fit its commitment any more is erased too, and named under mismatched.
CREATE FUNCTION erase_audit_payload(
    organization bigint, document_ids bigint [], actor text, at timestamptz, reason text,
    entry_ids bigint [] DEFAULT '{}', erases_actors boolean DEFAULT false,
    plan bigint DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
DECLARE
    most constant integer := 1000;
    all_targets bigint [];
    targets bigint [];
    batch record;
    renewed record;
    fresh bytea;
    commitments jsonb;
    mismatched jsonb;
    erasure bigint;
BEGIN
    SELECT coalesce(array_agg(found.id ORDER BY found.id), '{}') INTO all_targets
    FROM (
        SELECT entry.id
        FROM audit_entries AS entry
        WHERE
            entry.organization_id = organization
            AND (
                entry.id = ANY(erase_audit_payload.entry_ids)
                OR entry.document_id = ANY(erase_audit_payload.document_ids)
            )
            AND entry.action <> 'audit.erased'
            AND (entry.erased_by IS NULL OR (erases_actors AND entry.actor LIKE '%:%'))
        ORDER BY entry.id
        FOR NO KEY UPDATE
    ) AS found;
    -- All of them in one order, so that two erasures never wait for each other: the entries above, and
    -- what commits to them here.
    PERFORM
    FROM audit_commitments AS commitment
    WHERE
        commitment.organization_id = organization
        AND commitment.id IN (
            SELECT holding.id
            FROM unnest(all_targets) AS target (id)
            INNER JOIN audit_commitments AS holding
                ON int8range(holding.first_entry_id, holding.last_entry_id, '[]') @> target.id
        )
    ORDER BY commitment.id
    FOR UPDATE;
    FOR start IN 1..cardinality(all_targets) BY most LOOP
        targets := all_targets[start:start + most - 1];
        commitments := '{}';
        mismatched := '[]';
        FOR batch IN
            SELECT commitment.id, commitment.leaves || '' AS leaves, commitment.secret,
                commitment.salts || '' AS salts
            FROM audit_commitments AS commitment
            WHERE
                commitment.organization_id = organization
                AND commitment.id IN (
                    SELECT holding.id
                    FROM unnest(targets) AS target (id)
                    INNER JOIN audit_commitments AS holding
                        ON int8range(holding.first_entry_id, holding.last_entry_id, '[]') @> target.id
                )
            ORDER BY commitment.id
        LOOP
            fresh := audit_secret();
            SELECT
                string_agg(
                    CASE
                        WHEN entry.id IS NULL THEN salted.salt
                        ELSE audit_salt(fresh, leaf.entry_id)
                    END,
                    '' ORDER BY leaf.place
                ) AS salts,
                jsonb_object_agg(
                    entry.id,
                    encode(
                        audit_commitment(
                            audit_salt(fresh, leaf.entry_id),
                            audit_payload(
                                entry.organization_id, entry.at,
                                CASE
                                    WHEN erases_actors AND entry.actor LIKE '%:%' THEN 'erased'
                                    ELSE entry.actor
                                END,
                                entry.rule, entry.action, entry.document_id, entry.plan_id, 'erased',
                                '{}'
                            )
                        ),
                        'hex'
                    )
                ) FILTER (WHERE entry.id IS NOT NULL) AS commitments,
                jsonb_agg(entry.id) FILTER (
                    WHERE entry.id IS NOT NULL
                    AND entry.erased_by IS NULL
                    AND audit_commitment(
                        salted.salt,
                        audit_payload(
                            entry.organization_id, entry.at, entry.actor, entry.rule, entry.action,
                            entry.document_id, entry.plan_id, entry.reason, entry.details
                        )
                    ) <> substring(batch.leaves FROM 40 * leaf.place + 9 FOR 32)
                ) AS mismatched
            INTO renewed
            FROM audit_leaves(batch.leaves) AS leaf
            CROSS JOIN LATERAL (
                SELECT
                    coalesce(
                        substring(batch.salts FROM 32 * leaf.place + 1 FOR 32),
                        audit_salt(batch.secret, leaf.entry_id)
                    ) AS salt
            ) AS salted
            LEFT JOIN audit_entries AS entry
                ON leaf.entry_id = entry.id AND entry.id = ANY(targets);
            IF renewed.commitments IS NOT NULL THEN
                UPDATE audit_commitments AS commitment
                SET secret = NULL, salts = renewed.salts
                WHERE commitment.id = batch.id;
                commitments := commitments || renewed.commitments;
                mismatched := mismatched || coalesce(renewed.mismatched, '[]');
            END IF;
        END LOOP;
        -- What never had a commitment, because somebody slipped it in, is named by every verification.
        SELECT commitments || coalesce(jsonb_object_agg(stray.id, NULL), '{}') INTO commitments
        FROM unnest(targets) AS stray (id)
        WHERE NOT commitments ? stray.id::text;
        INSERT INTO audit_entries (organization_id, at, actor, action, plan_id, reason, details)
        VALUES (
            organization,
            erase_audit_payload.at,
            erase_audit_payload.actor,
            'audit.erased',
            plan,
            erase_audit_payload.reason,
            jsonb_build_object('commitments', commitments, 'mismatched', mismatched)
        )
        RETURNING id INTO erasure;
        UPDATE audit_entries AS entry
        SET
            reason = 'erased',
            details = '{}',
            actor = CASE
                WHEN erases_actors AND entry.actor LIKE '%:%' THEN 'erased' ELSE entry.actor
            END,
            erased_by = erasure
        WHERE entry.id = ANY(targets);
    END LOOP;
    RETURN cardinality(all_targets);
END
$$;

-- Who could write such an entry could excuse an edited one.
CREATE FUNCTION refuse_erasure_by_others() RETURNS trigger
LANGUAGE plpgsql
SET search_path = doclife, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'an entry audit.erased is refused: only erase_audit_payload() writes it'
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER only_the_owner_says_what_was_erased BEFORE INSERT ON audit_entries
FOR EACH ROW WHEN (new.action = 'audit.erased' AND current_user <> 'doclife_owner')
EXECUTE FUNCTION refuse_erasure_by_others();

GRANT EXECUTE ON FUNCTION
erase_audit_payload(bigint, bigint [], text, timestamptz, text, bigint [], boolean, bigint)
TO doclife_worker;

CREATE OR REPLACE FUNCTION own_event_types() RETURNS text []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ARRAY[
        'document.registered', 'document.changed', 'document.expiring', 'document.expired',
        'document.archived', 'document.original_removed', 'document.trashed', 'document.purged',
        'document.restore_requested', 'document.restored', 'document.held',
        'document.held_too_late', 'document.released', 'matter.opened', 'matter.changed',
        'matter.closed', 'plan.needs_approval', 'plan.approved', 'plan.rejected',
        'plan.superseded', 'plan.lapsed', 'plan.applied', 'plan.undone', 'breaker.tripped',
        'endpoint.disabled', 'certificate.issued', 'audit.head_signed'
    ]
$$;
