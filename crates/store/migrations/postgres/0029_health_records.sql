-- What is known of a patient's health, one row a fact.
CREATE TABLE health_entries (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    user_id      BIGINT NOT NULL REFERENCES users (id),
    -- allergies, conditions, …
    section      TEXT NOT NULL,
    -- active or entered_in_error.
    status       TEXT NOT NULL,
    -- Everything that it says, sealed as one piece.
    content      BYTEA NOT NULL,
    version      BIGINT NOT NULL,
    -- Who wrote it last.
    author_id    BIGINT NOT NULL REFERENCES users (id),
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX health_entries_user ON health_entries (user_id, section, created_at);
CREATE INDEX health_entries_account ON health_entries (account_id);
CREATE INDEX health_entries_author ON health_entries (author_id);

-- A section that was gone through. Its row is also what changes of it wait for.
CREATE TABLE health_sections (
    user_id      BIGINT NOT NULL REFERENCES users (id),
    section      TEXT NOT NULL,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    -- There is nothing to report.
    not_reported BOOLEAN NOT NULL,
    author_id    BIGINT NOT NULL REFERENCES users (id),
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (user_id, section)
);
CREATE INDEX health_sections_account ON health_sections (account_id);
CREATE INDEX health_sections_author ON health_sections (author_id);

-- What was measured and typed in by hand.
CREATE TABLE health_readings (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    user_id      BIGINT NOT NULL REFERENCES users (id),
    -- weight, pulse, …
    kind         TEXT NOT NULL,
    status       TEXT NOT NULL,
    -- The values and what was typed, sealed as one piece.
    content      BYTEA NOT NULL,
    taken_at     BIGINT NOT NULL,
    author_id    BIGINT NOT NULL REFERENCES users (id),
    created_at   BIGINT NOT NULL
);
CREATE INDEX health_readings_user ON health_readings (user_id, taken_at);
CREATE INDEX health_readings_kind ON health_readings (user_id, kind, taken_at);
CREATE INDEX health_readings_account ON health_readings (account_id);
CREATE INDEX health_readings_author ON health_readings (author_id);
