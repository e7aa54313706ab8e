-- Guests of a visit, and what rooms are told.

CREATE TABLE visit_guests (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    visit_id    BIGINT NOT NULL REFERENCES visits (id),
    -- The one-time user that the guest acts as; it has this one place.
    user_id     BIGINT NOT NULL UNIQUE REFERENCES users (id),
    -- family | carer | interpreter
    role        TEXT NOT NULL,
    -- waiting | admitted | declined | left
    status      TEXT NOT NULL,
    -- The provider who let them in or turned them away.
    decided_by  BIGINT REFERENCES users (id),
    decided_at  BIGINT,
    version     BIGINT NOT NULL DEFAULT 1,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX visit_guests_visit ON visit_guests (visit_id, created_at);
CREATE INDEX visit_guests_account ON visit_guests (account_id);
CREATE INDEX visit_guests_decided_by ON visit_guests (decided_by);

-- The room that a clinic's links without a room lead to; at most one.
ALTER TABLE rooms ADD COLUMN is_default BOOLEAN NOT NULL DEFAULT FALSE;
CREATE UNIQUE INDEX rooms_default ON rooms (account_id) WHERE is_default;
