-- Endpoints of a clinic's programs, what they are to be told, and every try.

CREATE TABLE webhooks (
    id               TEXT PRIMARY KEY,
    account_id       TEXT NOT NULL REFERENCES accounts (id),
    url              TEXT NOT NULL,
    version          TEXT NOT NULL,
    -- Names of types, as a JSON list; an empty one is the documented types.
    events           TEXT NOT NULL,
    strict           BOOLEAN NOT NULL,
    active           BOOLEAN NOT NULL,
    -- What deliveries are signed with, sealed; the one before it, for a while.
    secret           BLOB NOT NULL,
    old_secret       BLOB,
    old_secret_until BIGINT,
    -- It hears of what has a higher number: what happened after it was made.
    after_seq        BIGINT NOT NULL,
    -- Since when no delivery has come through.
    failing_since    BIGINT,
    -- Why the house switched it off: gone, or failing.
    disabled_reason  TEXT,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE INDEX webhooks_account ON webhooks (account_id, created_at);

CREATE TABLE webhook_deliveries (
    n            INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    webhook_id   TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    -- The event's identifier, or a test's: the same on every try.
    event_id     TEXT NOT NULL,
    seq          BIGINT,
    type         TEXT NOT NULL,
    visit_id     BIGINT,
    body         TEXT NOT NULL,
    -- waiting, delivered or failed.
    state        TEXT NOT NULL,
    -- Finished tries of the schedule, and how often it was claimed.
    tries        BIGINT NOT NULL DEFAULT 0,
    claims       BIGINT NOT NULL DEFAULT 0,
    next_at      BIGINT NOT NULL,
    locked_until BIGINT,
    created_at   BIGINT NOT NULL,
    settled_at   BIGINT
);
CREATE UNIQUE INDEX webhook_deliveries_id ON webhook_deliveries (id);
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (webhook_id, event_id);
CREATE INDEX webhook_deliveries_account ON webhook_deliveries (account_id, created_at);
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (webhook_id, n);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at, n) WHERE state = 'waiting';
-- A visit's next event waits for the first try of the one before.
CREATE INDEX webhook_deliveries_order ON webhook_deliveries (webhook_id, visit_id, n)
    WHERE state = 'waiting' AND tries = 0;
CREATE INDEX webhook_deliveries_settled ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE webhook_attempts (
    id               TEXT PRIMARY KEY,
    account_id       TEXT NOT NULL REFERENCES accounts (id),
    delivery_id      TEXT NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
    at               BIGINT NOT NULL,
    -- The answer's status; none without an answer, and then why.
    status           BIGINT,
    error            TEXT,
    request_headers  TEXT NOT NULL,
    response_headers TEXT NOT NULL,
    response_body    TEXT NOT NULL,
    took_ms          BIGINT NOT NULL
);
CREATE INDEX webhook_attempts_delivery ON webhook_attempts (delivery_id, id);
CREATE INDEX webhook_attempts_account ON webhook_attempts (account_id);
