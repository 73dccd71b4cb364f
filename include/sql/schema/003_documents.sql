-- Stores, stored objects, archive bags, the catalogue and legal holds.

CREATE TABLE stores (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CONSTRAINT a_store_name_is_unique UNIQUE,
    -- Normalised root without a trailing slash: file:///srv/documents, s3://bucket/prefix
    root_uri text NOT NULL CONSTRAINT a_store_root_is_unique UNIQUE,
    -- Airflow Connection that holds the credentials; NULL for a local folder.
    connection_id text,
    -- Also written into the marker file, so that a swapped mount is noticed.
    marker_id uuid NOT NULL DEFAULT gen_random_uuid(),
    is_cold boolean NOT NULL DEFAULT false,
    backup_expires_after_days integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT a_store_root_has_no_trailing_slash CHECK (root_uri ~ '^[a-z0-9]+://.*[^/]$')
);
CREATE TRIGGER keep_updated_at BEFORE UPDATE ON stores
FOR EACH ROW EXECUTE FUNCTION keep_updated_at();

-- A BagIt folder, inserted before its first byte so that leftovers can be swept.
CREATE TABLE archive_bags (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    store_id bigint NOT NULL REFERENCES stores,
    plan_id bigint,
    uri text NOT NULL CONSTRAINT a_bag_uri_is_unique UNIQUE,
    state text NOT NULL DEFAULT 'writing',
    payload_count integer NOT NULL DEFAULT 0,
    payload_bytes bigint NOT NULL DEFAULT 0,
    -- What goes into bag-info.txt again when the bag is rewritten: rule, authority, retain-until.
    info jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    sealed_at timestamptz,
    CONSTRAINT a_bag_is_writing_sealed_rewriting_or_removed
    CHECK (state IN ('writing', 'sealed', 'rewriting', 'removed')),
    CONSTRAINT a_bag_that_left_writing_was_sealed
    CHECK (state IN ('writing', 'removed') OR sealed_at IS NOT NULL)
);

-- Whether a URI is spelled the one way that doclife spells it (storage/uris.py): two spellings of one
-- file would be two objects, and purging the one would destroy the bytes of the other.
CREATE FUNCTION is_normalised_uri(uri text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT
        CASE
            WHEN uri LIKE 'file:///%' THEN
                uri ~ '^file:///(?:[A-Za-z0-9/._~!$&''()*+,;=:@-]|%[0-9A-F]{2})+$'
                -- What needs no encoding is not encoded, and neither is NUL.
                AND uri !~ '%(?:00|2[146-9A-F]|3[0-9ABD]|4[0-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])'
                AND substr(uri, 8) !~ '//|/\.{1,2}(?:/|$)|/$'
            WHEN uri LIKE 's3://_%/_%' THEN uri !~ '/\.{1,2}(?:/|$)|/$'
            ELSE false
        END
$$;

-- Bytes at one normalised URI. Several documents may share them.
CREATE TABLE stored_objects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store_id bigint NOT NULL REFERENCES stores,
    uri text NOT NULL CONSTRAINT bytes_at_one_uri_are_one_stored_object UNIQUE,
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    -- What the store calls this version, where it has such: only exactly this is ever removed.
    etag text,
    version_id text,
    modified_at timestamptz,
    bag_id bigint REFERENCES archive_bags,
    reference_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    verified_at timestamptz NOT NULL DEFAULT now(),
    -- Set, under a lock that a new reference needs too, before the first byte is touched.
    removing_since timestamptz,
    removed_at timestamptz,
    CONSTRAINT a_stored_object_has_a_normalised_uri CHECK (is_normalised_uri(uri)),
    CONSTRAINT a_stored_object_has_a_size CHECK (size_bytes >= 0),
    CONSTRAINT a_stored_object_has_a_sha256 CHECK (octet_length(sha256) = 32),
    CONSTRAINT references_are_not_negative CHECK (reference_count >= 0),
    CONSTRAINT removed_bytes_are_those_nobody_keeps
    CHECK (removed_at IS NULL OR reference_count = 0 OR removing_since IS NOT NULL)
) WITH (
    -- References are counted right after the insert: room for that on the same page.
    fillfactor = 50
);
CREATE INDEX stored_objects_by_bag ON stored_objects (bag_id) WHERE bag_id IS NOT NULL;

CREATE TABLE documents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    external_id text NOT NULL,
    title text,
    document_type text,
    owner text,
    tags text [] DEFAULT '{}',
    metadata jsonb NOT NULL DEFAULT '{}',
    media_type text,
    size_bytes bigint,
    -- The bytes in use, and beside them the archived copy once there is one.
    stored_object_id bigint REFERENCES stored_objects,
    archived_object_id bigint REFERENCES stored_objects,
    status text NOT NULL DEFAULT 'active',
    status_before text,
    hold_count integer NOT NULL DEFAULT 0,
    created_on date,
    modified_on date,
    last_accessed_on date,
    expires_on date,
    registered_at timestamptz NOT NULL DEFAULT now(),
    expired_at timestamptz,
    archived_at timestamptz,
    -- The original of an archived document stays until this day; NULL keeps it for good.
    original_until date,
    -- Where the original was before it was removed, so that a restore can put it back.
    original_uri text,
    deleted_at timestamptz,
    purge_after date,
    purging_at timestamptz,
    purged_at timestamptz,
    reprieve_until date,
    -- Part of a first import: no notices, no events for what was already past.
    is_baseline boolean NOT NULL DEFAULT false,
    -- Kept by trigger. When a field that rules may see last changed after registration.
    field_changed_at jsonb NOT NULL DEFAULT '{}',
    -- Kept by trigger. Per date field [{"on": date, "at": moment}, ...]: the values it had before it
    -- moved earlier or was emptied, and when it moved: an anchor never shortens retention by itself.
    anchor_floors jsonb NOT NULL DEFAULT '{}',
    -- Grows with every change to a field that rules may see, so that a plan can tell.
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT an_external_id_names_one_document UNIQUE (organization_id, external_id),
    CONSTRAINT an_external_id_is_not_empty CHECK (external_id <> ''),
    -- Far dates would make `date + interval` raise in the middle of everybody's plan.
    CONSTRAINT dates_are_within_years_1_to_9999 CHECK (
        coalesce(least(created_on, modified_on, last_accessed_on, expires_on), '2000-01-01')
        >= '0001-01-01'
        AND coalesce(greatest(created_on, modified_on, last_accessed_on, expires_on), '2000-01-01')
        <= '9999-12-31'
    ),
    CONSTRAINT tags_hold_no_null CHECK (array_position(tags, NULL) IS NULL),
    CONSTRAINT metadata_is_an_object CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT a_document_has_a_known_status
    CHECK (status IN ('active', 'archived', 'deleted', 'purging', 'purged')),
    CONSTRAINT holds_are_not_negative CHECK (hold_count >= 0),
    CONSTRAINT a_held_document_is_never_purged
    CHECK (hold_count = 0 OR status NOT IN ('purging', 'purged')),
    CONSTRAINT a_document_in_the_trash_remembers_where_it_came_from
    CHECK ((status IN ('deleted', 'purging')) = (status_before IS NOT NULL)),
    CONSTRAINT a_document_in_the_trash_says_since_and_until_when
    CHECK (status <> 'deleted' OR (deleted_at IS NOT NULL AND purge_after IS NOT NULL)),
    CONSTRAINT an_archived_document_says_since_when
    CHECK (status <> 'archived' OR archived_at IS NOT NULL),
    CONSTRAINT a_purged_document_keeps_only_its_tombstone
    CHECK (
        status <> 'purged'
        OR (
            purged_at IS NOT NULL AND title IS NULL AND owner IS NULL AND tags IS NULL
            AND metadata = '{}' AND stored_object_id IS NULL AND archived_object_id IS NULL
            AND original_uri IS NULL
        )
    )
) WITH (
    -- Room for a status change on the same page, and wide metadata out of line: with no index on
    -- any column that a status change touches, it is a HOT update.
    fillfactor = 50, toast_tuple_target = 256
);
CREATE INDEX documents_by_expiry ON documents (organization_id, expires_on);
CREATE INDEX documents_by_type ON documents (organization_id, document_type);
CREATE INDEX documents_by_owner ON documents (organization_id, owner);
CREATE INDEX documents_by_tag ON documents USING gin (tags);
CREATE INDEX documents_by_stored_object ON documents (stored_object_id);

-- How far an organization's expiry dates were checked; it only ever narrows the search. What is set
-- at or below queue_through, while a check runs or after it, goes into documents_to_check by trigger.
CREATE TABLE expiry_watermarks (
    organization_id bigint PRIMARY KEY REFERENCES organizations,
    checked_through date NOT NULL DEFAULT '0001-01-01',
    queue_through date NOT NULL DEFAULT '0001-01-01',
    checked_at timestamptz,
    CONSTRAINT a_check_was_announced_first CHECK (checked_through <= queue_through)
);
INSERT INTO expiry_watermarks (organization_id) SELECT id FROM organizations;

CREATE FUNCTION start_expiry_watermark() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = doclife, pg_temp
AS $$
BEGIN
    INSERT INTO expiry_watermarks (organization_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER start_expiry_watermark AFTER INSERT ON organizations
FOR EACH ROW EXECUTE FUNCTION start_expiry_watermark();

CREATE TABLE documents_to_check (
    document_id bigint PRIMARY KEY,
    organization_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Which metadata keys rules may use, and as what. A value of another type counts as unknown.
CREATE TABLE metadata_fields (
    organization_id bigint NOT NULL REFERENCES organizations,
    name text NOT NULL,
    type text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (organization_id, name),
    CONSTRAINT a_metadata_field_has_an_identifier CHECK (name ~ '^[A-Za-z][A-Za-z0-9_]{0,62}$'),
    CONSTRAINT a_metadata_field_has_a_known_type CHECK (type IN ('text', 'int', 'date'))
);

CREATE FUNCTION metadata_text(metadata jsonb, key text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT
        CASE
            WHEN jsonb_typeof(metadata -> key) IN ('string', 'number', 'boolean')
                THEN metadata ->> key
        END
$$;

-- Integers of up to 18 digits, written as a JSON number or string; anything else is unknown.
CREATE FUNCTION metadata_int(metadata jsonb, key text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT
        CASE
            WHEN
                jsonb_typeof(metadata -> key) IN ('string', 'number')
                AND metadata ->> key ~ '^-?[0-9]{1,18}$'
                THEN (metadata ->> key)::bigint
        END
$$;

-- Calendar dates written YYYY-MM-DD; anything else, the 31st of April included, is unknown.
-- The day of the month is checked by hand because make_date raises, and PostgreSQL 15 has no
-- pg_input_is_valid.
CREATE FUNCTION metadata_date(metadata jsonb, key text) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT
        CASE
            WHEN
                jsonb_typeof(metadata -> key) = 'string'
                AND metadata ->> key ~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'
                AND substr(metadata ->> key, 1, 4) <> '0000'
                AND substr(metadata ->> key, 9, 2)::int <= extract(
                    DAY FROM (
                        make_date(
                            substr(metadata ->> key, 1, 4)::int,
                            substr(metadata ->> key, 6, 2)::int, 1
                        ) + interval '1 month' - interval '1 day'
                    )
                )
                THEN make_date(
                    substr(metadata ->> key, 1, 4)::int,
                    substr(metadata ->> key, 6, 2)::int,
                    substr(metadata ->> key, 9, 2)::int
                )
        END
$$;

CREATE TABLE matters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id bigint NOT NULL REFERENCES organizations,
    name text NOT NULL,
    reason text NOT NULL,
    authority text,
    -- A condition of the rule language that also catches documents registered or changed later.
    condition jsonb,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- When the condition was last given another form.
    changed_by text,
    changed_at timestamptz,
    released_by text,
    released_at timestamptz,
    release_reason text,
    CONSTRAINT a_matter_name_is_unique UNIQUE (organization_id, name),
    CONSTRAINT a_matter_has_a_name CHECK (name ~ '[^[:space:]]'),
    CONSTRAINT a_matter_says_why CHECK (reason ~ '[^[:space:]]'),
    CONSTRAINT a_condition_is_an_object CHECK (jsonb_typeof(condition) = 'object'),
    CONSTRAINT a_changed_matter_says_by_whom
    CHECK ((changed_at IS NULL) = (changed_by IS NULL)),
    CONSTRAINT a_released_matter_says_by_whom
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);

CREATE TABLE matter_documents (
    matter_id bigint NOT NULL REFERENCES matters,
    document_id bigint NOT NULL REFERENCES documents,
    -- named: somebody chose it; matched: the condition is true of it; unknown: nobody can say.
    basis text NOT NULL DEFAULT 'named',
    added_by text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT now(),
    released_by text,
    released_at timestamptz,
    release_reason text,
    -- Set when destruction had begun before the hold came.
    too_late_since timestamptz,
    PRIMARY KEY (matter_id, document_id),
    CONSTRAINT a_hold_has_a_known_basis CHECK (basis IN ('named', 'matched', 'unknown')),
    CONSTRAINT a_released_hold_says_by_whom CHECK ((released_at IS NULL) = (released_by IS NULL))
);
CREATE INDEX matter_documents_by_document ON matter_documents (document_id);

GRANT INSERT, UPDATE ON expiry_watermarks, metadata_fields TO doclife_worker;
GRANT INSERT ON stores, archive_bags, stored_objects, documents TO doclife_worker;
-- Tasks write what happens to documents and bytes, and nothing that the database keeps itself.
GRANT UPDATE (uri, state, sealed_at, payload_count, payload_bytes) ON archive_bags TO doclife_worker;
GRANT UPDATE (
    size_bytes, sha256, etag, version_id, modified_at, verified_at, removing_since, removed_at
) ON stored_objects TO doclife_worker;
GRANT UPDATE (
    title, document_type, owner, tags, metadata, media_type, size_bytes, stored_object_id,
    archived_object_id, status, status_before, created_on, modified_on, last_accessed_on, expires_on,
    expired_at, archived_at, original_until, original_uri, deleted_at, purge_after, purging_at,
    purged_at, reprieve_until, version
) ON documents TO doclife_worker;
GRANT INSERT, UPDATE, DELETE ON documents_to_check TO doclife_worker;
-- A local store may be forgotten when it turned out to be empty; rows of bytes never are.
GRANT EXECUTE ON FUNCTION is_normalised_uri(text), metadata_text(jsonb, text), metadata_int(jsonb, text),
metadata_date(jsonb, text) TO doclife_worker, doclife_application, doclife_reader;
