-- What developers of a portal look at, and the clinic they try things in.

-- Requests to the API: no bodies, no values, no names.
CREATE TABLE request_log (
    n           INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    request_id  TEXT NOT NULL,
    at          BIGINT NOT NULL,
    method      TEXT NOT NULL,
    route       TEXT NOT NULL,
    status      BIGINT NOT NULL,
    -- The stable name of the error, and the fields that it blames (JSON).
    error       TEXT NOT NULL,
    fields      TEXT NOT NULL,
    -- The kind of credential, and its last four characters.
    credential  TEXT NOT NULL,
    hint        TEXT NOT NULL,
    user_id     BIGINT,
    visit_id    BIGINT,
    took_us     BIGINT NOT NULL
);
CREATE INDEX request_log_at ON request_log (at);
CREATE INDEX request_log_account ON request_log (account_id, n);
CREATE INDEX request_log_request ON request_log (account_id, request_id);
CREATE INDEX request_log_visit ON request_log (account_id, visit_id, n) WHERE visit_id IS NOT NULL;
CREATE INDEX request_log_user ON request_log (account_id, user_id, n) WHERE user_id IS NOT NULL;

-- A test clinic writes to nobody: its mail and SMS are kept here.
ALTER TABLE accounts ADD COLUMN test BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE test_messages (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    -- email | sms | push
    channel     TEXT NOT NULL,
    -- To whom, what about and what, sealed JSON.
    content     BLOB NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX test_messages_account ON test_messages (account_id, created_at, id);
