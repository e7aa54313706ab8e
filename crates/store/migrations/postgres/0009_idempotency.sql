-- Answers that are given again: one row per `Idempotency-Key` and caller, added by the change
-- it belongs to. Kept for a day.

CREATE TABLE idempotency_keys (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    -- Whose key it is: the user's number.
    caller       TEXT NOT NULL,
    -- SHA-256 of the key.
    key_hash     BYTEA NOT NULL,
    -- SHA-256 of the request, sealed.
    fingerprint  BYTEA NOT NULL,
    -- What the change made; empty when it changed nothing.
    object_kind  TEXT NOT NULL,
    object_id    TEXT NOT NULL,
    -- The body of the first answer, sealed; none until it was given.
    answer       BYTEA,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX idempotency_keys_caller ON idempotency_keys (account_id, caller, key_hash);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
