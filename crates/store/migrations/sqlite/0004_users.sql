-- More of a profile, and what finding people goes by. The *_search columns are
-- the names and the address with case folded; rows of an older version get
-- them when the store is opened.

ALTER TABLE users ADD COLUMN full_name_search TEXT;
-- Family name first.
ALTER TABLE users ADD COLUMN last_name_search TEXT;
ALTER TABLE users ADD COLUMN email_search TEXT;
ALTER TABLE users ADD COLUMN short_bio TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN email_verified BOOLEAN NOT NULL DEFAULT FALSE;
-- Left out of the patient list of remote monitoring.
ALTER TABLE users ADD COLUMN is_hidden BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN group_name TEXT NOT NULL DEFAULT '';
-- The room a patient was registered with.
ALTER TABLE users ADD COLUMN room_id BIGINT REFERENCES rooms (id);
-- JSON of the extended profile, sealed with the account's data key.
ALTER TABLE users ADD COLUMN extra BLOB;

CREATE INDEX users_room ON users (room_id);
CREATE INDEX users_unfolded ON users (id) WHERE full_name_search IS NULL;
CREATE INDEX users_full_name ON users (account_id, full_name_search, id);
CREATE INDEX users_last_name ON users (account_id, last_name_search, id);
-- Holds all that a list without a search term is narrowed by.
CREATE INDEX users_listed ON users
    (account_id, id, type, status, subtype, role, is_hidden, group_name, room_id);

-- Every run of three characters, for searching inside names and addresses.
CREATE VIRTUAL TABLE users_search USING fts5 (
    full_name_search, email_search,
    content = 'users', content_rowid = 'id', columnsize = 0, tokenize = 'trigram case_sensitive 1'
);
CREATE TRIGGER users_search_add AFTER INSERT ON users WHEN new.full_name_search IS NOT NULL BEGIN
    INSERT INTO users_search (rowid, full_name_search, email_search)
    VALUES (new.id, new.full_name_search, new.email_search);
END;
CREATE TRIGGER users_search_remove AFTER DELETE ON users WHEN old.full_name_search IS NOT NULL BEGIN
    INSERT INTO users_search (users_search, rowid, full_name_search, email_search)
    VALUES ('delete', old.id, old.full_name_search, old.email_search);
END;
-- A row of an older version is not in the index before it was folded.
CREATE TRIGGER users_search_first AFTER UPDATE OF full_name_search, email_search ON users
WHEN old.full_name_search IS NULL AND new.full_name_search IS NOT NULL BEGIN
    INSERT INTO users_search (rowid, full_name_search, email_search)
    VALUES (new.id, new.full_name_search, new.email_search);
END;
CREATE TRIGGER users_search_change AFTER UPDATE OF full_name_search, email_search ON users
WHEN old.full_name_search IS NOT NULL
    AND (old.full_name_search <> new.full_name_search OR old.email_search <> new.email_search) BEGIN
    INSERT INTO users_search (users_search, rowid, full_name_search, email_search)
    VALUES ('delete', old.id, old.full_name_search, old.email_search);
    INSERT INTO users_search (rowid, full_name_search, email_search)
    VALUES (new.id, new.full_name_search, new.email_search);
END;
