-- Whom a clinic asks to interpret.
CREATE TABLE interpreters (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    email       TEXT NOT NULL,
    -- E.164; empty for none.
    phone       TEXT NOT NULL,
    -- BCP 47 tags as a JSON list.
    languages   TEXT NOT NULL,
    -- Lower ones are asked first.
    position    BIGINT NOT NULL,
    active      BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    -- Off the list; who was asked before keeps the name.
    retired_at  BIGINT
);
CREATE INDEX interpreters_account ON interpreters (account_id, position, id);

-- The searches of visits for an interpreter.
CREATE TABLE interpreter_requests (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    visit_id    BIGINT NOT NULL REFERENCES visits (id),
    -- Counts the searches of a visit, from 1.
    number      BIGINT NOT NULL,
    -- BCP 47.
    language    TEXT NOT NULL,
    -- asking, accepted, not_found or cancelled.
    status      TEXT NOT NULL,
    -- Who was asked, when, and what they said, in order: a JSON list.
    asks        TEXT NOT NULL,
    -- The place at the visit of whoever accepted.
    guest_id    TEXT REFERENCES visit_guests (id),
    -- Who wanted one.
    asked_by    BIGINT REFERENCES users (id),
    version     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX interpreter_requests_account ON interpreter_requests (account_id, id);
CREATE UNIQUE INDEX interpreter_requests_visit ON interpreter_requests (visit_id, number);
CREATE INDEX interpreter_requests_guest ON interpreter_requests (guest_id);
CREATE INDEX interpreter_requests_asked_by ON interpreter_requests (asked_by);
-- One search of a visit at a time.
CREATE UNIQUE INDEX interpreter_requests_asking ON interpreter_requests (visit_id) WHERE status = 'asking';
