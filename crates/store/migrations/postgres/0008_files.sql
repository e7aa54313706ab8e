-- Files. The contents lie outside the database, each encrypted with a key of
-- its own; that key and the name are sealed with the account's data key.

CREATE TABLE files (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    -- Who put it in.
    owner_id    BIGINT NOT NULL REFERENCES users (id),
    -- Whose it is: the person on whose profile, or the patient of whose visit.
    person_id   BIGINT NOT NULL REFERENCES users (id),
    -- The visit it was put on, by hand or with the intake.
    visit_id    BIGINT REFERENCES visits (id),
    -- Empty: none.
    category    TEXT NOT NULL,
    -- What the content is, as model Kind.
    kind        TEXT NOT NULL,
    name        BYTEA NOT NULL,
    data_key    BYTEA NOT NULL,
    size_bytes  BIGINT NOT NULL,
    version     BIGINT NOT NULL DEFAULT 1,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX files_account ON files (account_id);
CREATE INDEX files_owner ON files (owner_id, id);
CREATE INDEX files_person ON files (person_id, id);
CREATE INDEX files_visit ON files (visit_id, id);

-- The attachments of an intake, in the order they were named.
CREATE TABLE intake_files (
    intake_id   TEXT NOT NULL REFERENCES intakes (id),
    file_id     TEXT NOT NULL REFERENCES files (id),
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    position    BIGINT NOT NULL,
    PRIMARY KEY (intake_id, file_id)
);
CREATE INDEX intake_files_file ON intake_files (file_id);
CREATE INDEX intake_files_account ON intake_files (account_id);
