-- More of a profile, and what finding people goes by. The *_search columns are
-- the names and the address with case folded; rows of an older version get
-- them when the store is opened. They sort by bytes, as on the other engine.

ALTER TABLE users ADD COLUMN full_name_search TEXT COLLATE "C";
-- Family name first.
ALTER TABLE users ADD COLUMN last_name_search TEXT COLLATE "C";
ALTER TABLE users ADD COLUMN email_search TEXT COLLATE "C";
ALTER TABLE users ADD COLUMN short_bio TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email_verified BOOLEAN NOT NULL DEFAULT FALSE;
-- Left out of the patient list of remote monitoring.
ALTER TABLE users ADD COLUMN is_hidden BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
-- The room a patient was registered with.
ALTER TABLE users ADD COLUMN room_id BIGINT REFERENCES rooms (id);
-- JSON of the extended profile, sealed with the account's data key.
ALTER TABLE users ADD COLUMN extra BYTEA;

CREATE INDEX users_room ON users (room_id);
CREATE INDEX users_unfolded ON users (id) WHERE full_name_search IS NULL;
CREATE INDEX users_full_name ON users (account_id, full_name_search, id);
CREATE INDEX users_last_name ON users (account_id, last_name_search, id);
-- Holds all that a list without a search term is narrowed by.
CREATE INDEX users_listed ON users
    (account_id, id, type, status, subtype, role, is_hidden, group_name, room_id);

-- Every run of three characters, for searching inside names and addresses.
-- pg_trgm comes with Postgres and is trusted: an owner of the database may
-- create it. Where that is forbidden too, say what to ask the administrator.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CREATE EXTENSION pg_trgm;
    END IF;
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
        RAISE EXCEPTION 'Bedside needs the Postgres extension pg_trgm: ask the administrator to run CREATE EXTENSION pg_trgm in this database (%)', SQLERRM;
END
$$;
CREATE INDEX users_full_name_trgm ON users USING gin (full_name_search gin_trgm_ops);
CREATE INDEX users_email_trgm ON users USING gin (email_search gin_trgm_ops);
