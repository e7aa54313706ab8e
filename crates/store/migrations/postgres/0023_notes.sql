-- What providers write down of a visit.
CREATE TABLE notes (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    visit_id     BIGINT NOT NULL REFERENCES visits (id),
    author_id    BIGINT NOT NULL REFERENCES users (id),
    -- new, draft or signed.
    status       TEXT NOT NULL,
    -- Everything that it says, sealed as one piece: old or new, never a mix.
    content      BYTEA NOT NULL,
    version      BIGINT NOT NULL,
    signed_by    BIGINT REFERENCES users (id),
    signed_at    BIGINT,
    -- SHA-256 of what was signed, by whom and when, in hexadecimal.
    hash         TEXT,
    -- The PDF that the patient was sent.
    file_id      TEXT REFERENCES files (id),
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX notes_visit ON notes (visit_id, created_at);
CREATE INDEX notes_account ON notes (account_id);
CREATE INDEX notes_author ON notes (author_id);
CREATE INDEX notes_signed_by ON notes (signed_by);
CREATE INDEX notes_file ON notes (file_id);

-- What was added to a note after it was signed.
CREATE TABLE note_addenda (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    note_id      TEXT NOT NULL REFERENCES notes (id),
    author_id    BIGINT NOT NULL REFERENCES users (id),
    -- Sealed.
    text         BYTEA NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX note_addenda_note ON note_addenda (note_id, created_at);
CREATE INDEX note_addenda_account ON note_addenda (account_id);
CREATE INDEX note_addenda_author ON note_addenda (author_id);
