-- The first schema. SQLite spelling; the other engine's file has the same
-- number, tables and columns. Instants are milliseconds, money is cents.

CREATE TABLE accounts (
    id                  TEXT PRIMARY KEY,
    code                TEXT NOT NULL UNIQUE,
    name                TEXT NOT NULL,
    portal_title        TEXT NOT NULL DEFAULT '',
    portal_name         TEXT NOT NULL DEFAULT '',
    portal_return_url   TEXT NOT NULL DEFAULT '',
    -- Origins that a return_url may have, as a JSON list of texts.
    return_origins      TEXT NOT NULL DEFAULT '[]',
    sso_enabled         BOOLEAN NOT NULL DEFAULT FALSE,
    require_api_secret  BOOLEAN NOT NULL DEFAULT TRUE,
    -- The account's data key, wrapped by the master key.
    data_key            BLOB NOT NULL,
    version             BIGINT NOT NULL DEFAULT 1,
    created_at          BIGINT NOT NULL,
    updated_at          BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    key          TEXT NOT NULL UNIQUE,
    secret_hash  BLOB NOT NULL,
    created_at   BIGINT NOT NULL,
    revoked_at   BIGINT
);
CREATE INDEX api_keys_account ON api_keys (account_id);

CREATE TABLE users (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id      TEXT NOT NULL REFERENCES accounts (id),
    type            BIGINT NOT NULL,
    subtype         TEXT NOT NULL DEFAULT '',
    role            TEXT NOT NULL DEFAULT '',
    status          BIGINT NOT NULL DEFAULT 20,
    code            TEXT NOT NULL,
    username        TEXT NOT NULL,
    vseeid          TEXT NOT NULL DEFAULT '',
    first_name      TEXT NOT NULL,
    last_name       TEXT NOT NULL,
    title           TEXT NOT NULL DEFAULT '',
    suffix          TEXT NOT NULL DEFAULT '',
    email           TEXT NOT NULL DEFAULT '',
    phone           TEXT NOT NULL DEFAULT '',
    dob             TEXT,
    gender          BIGINT NOT NULL DEFAULT 0,
    street_addr     TEXT NOT NULL DEFAULT '',
    city            TEXT NOT NULL DEFAULT '',
    state           TEXT NOT NULL DEFAULT '',
    zip             TEXT NOT NULL DEFAULT '',
    timezone        TEXT NOT NULL DEFAULT '',
    disable_emails  BOOLEAN NOT NULL DEFAULT FALSE,
    tos             BOOLEAN NOT NULL DEFAULT FALSE,
    password_hash   TEXT,
    last_login_at   BIGINT,
    -- When one of the user's pages was last heard from.
    last_seen_at    BIGINT,
    version         BIGINT NOT NULL DEFAULT 1,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    UNIQUE (account_id, code),
    UNIQUE (account_id, username)
);

CREATE TABLE tokens (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    user_id       BIGINT NOT NULL REFERENCES users (id),
    -- access | refresh | admin | password (a one-time link)
    kind          TEXT NOT NULL,
    hash          BLOB NOT NULL UNIQUE,
    name          TEXT NOT NULL DEFAULT '',
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT,
    revoked_at    BIGINT,
    last_used_at  BIGINT
);
CREATE INDEX tokens_user ON tokens (user_id);
CREATE INDEX tokens_account ON tokens (account_id);
CREATE INDEX tokens_expiry ON tokens (expires_at);

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    user_id      BIGINT NOT NULL REFERENCES users (id),
    -- patient | provider | admin
    kind         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    -- JSON: disable_navigation, return_url
    options      TEXT NOT NULL DEFAULT '{}',
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_account ON sessions (account_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE rooms (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id     TEXT NOT NULL REFERENCES accounts (id),
    code           TEXT NOT NULL,
    slug           TEXT NOT NULL,
    domain         TEXT NOT NULL,
    name           TEXT NOT NULL,
    subtitle       TEXT NOT NULL DEFAULT '',
    description    TEXT NOT NULL DEFAULT '',
    active         BOOLEAN NOT NULL DEFAULT TRUE,
    public_access  BOOLEAN NOT NULL DEFAULT TRUE,
    -- JSON: model RoomSettings
    settings       TEXT NOT NULL DEFAULT '{}',
    version        BIGINT NOT NULL DEFAULT 1,
    created_at     BIGINT NOT NULL,
    updated_at     BIGINT NOT NULL,
    UNIQUE (account_id, code),
    UNIQUE (account_id, domain, slug)
);
CREATE INDEX rooms_slug ON rooms (slug);

CREATE TABLE room_providers (
    room_id     BIGINT NOT NULL REFERENCES rooms (id),
    user_id     BIGINT NOT NULL REFERENCES users (id),
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    created_at  BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
);
CREATE INDEX room_providers_user ON room_providers (user_id);
CREATE INDEX room_providers_account ON room_providers (account_id);

CREATE TABLE intakes (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    member_id    BIGINT NOT NULL REFERENCES users (id),
    room_id      BIGINT REFERENCES rooms (id),
    provider_id  BIGINT REFERENCES users (id),
    type         BIGINT NOT NULL DEFAULT 1,
    -- JSON of the answers, sealed with the account's data key.
    answers      BLOB NOT NULL,
    version      BIGINT NOT NULL DEFAULT 1,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX intakes_member ON intakes (member_id);
CREATE INDEX intakes_account ON intakes (account_id);
CREATE INDEX intakes_room ON intakes (room_id);
CREATE INDEX intakes_provider ON intakes (provider_id);

CREATE TABLE visits (
    id                     INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id             TEXT NOT NULL REFERENCES accounts (id),
    code                   TEXT NOT NULL UNIQUE,
    room_id                BIGINT NOT NULL REFERENCES rooms (id),
    member_id              BIGINT NOT NULL REFERENCES users (id),
    provider_id            BIGINT REFERENCES users (id),
    requested_provider_id  BIGINT REFERENCES users (id),
    -- An intake serves one visit.
    intake_id              TEXT NOT NULL UNIQUE REFERENCES intakes (id),
    type                   BIGINT NOT NULL,
    subtype                BIGINT NOT NULL,
    status                 BIGINT NOT NULL,
    start_at               BIGINT NOT NULL,
    end_at                 BIGINT NOT NULL,
    waiting_since_at       BIGINT NOT NULL,
    actual_start_at        BIGINT,
    actual_end_at          BIGINT,
    ended_by               BIGINT REFERENCES users (id),
    reason                 TEXT,
    duration_minutes       BIGINT NOT NULL,
    amount_cents           BIGINT NOT NULL DEFAULT 0,
    description            TEXT NOT NULL DEFAULT '',
    meeting_id             TEXT NOT NULL UNIQUE,
    -- The media node that holds the call, written by the first join.
    call_node              TEXT,
    version                BIGINT NOT NULL,
    created_at             BIGINT NOT NULL,
    updated_at             BIGINT NOT NULL
);
CREATE INDEX visits_queue ON visits (account_id, room_id, status, waiting_since_at);
CREATE INDEX visits_open ON visits (account_id, room_id, waiting_since_at) WHERE status IN (10, 20, 25);
CREATE INDEX visits_start ON visits (account_id, start_at);
CREATE INDEX visits_room ON visits (room_id, start_at);
CREATE INDEX visits_member ON visits (member_id, start_at);
CREATE INDEX visits_provider ON visits (provider_id, start_at);
CREATE INDEX visits_requested ON visits (requested_provider_id);
CREATE INDEX visits_ended_by ON visits (ended_by);

-- The outbox. A row is written in the transaction of the change; seq is given
-- right after, per account and without gaps. n only orders the rows of one
-- visit: it is drawn after the visit's row was locked.
CREATE TABLE events (
    n           INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    seq         BIGINT,
    type        TEXT NOT NULL,
    visit_id    BIGINT,
    room_id     BIGINT,
    user_id     BIGINT,
    data        TEXT NOT NULL DEFAULT '{}',
    created_at  BIGINT NOT NULL,
    UNIQUE (account_id, seq)
);
CREATE INDEX events_unnumbered ON events (account_id, n) WHERE seq IS NULL;
CREATE INDEX events_visit ON events (visit_id);

CREATE TABLE jobs (
    id            TEXT PRIMARY KEY,
    account_id    TEXT,
    kind          TEXT NOT NULL,
    payload       TEXT NOT NULL DEFAULT '{}',
    run_at        BIGINT NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    locked_until  BIGINT,
    -- A periodic job has one row at a time.
    unique_key    TEXT UNIQUE,
    last_error    TEXT,
    created_at    BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (run_at);

CREATE TABLE audit_entries (
    n             INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    -- The acting user; none for the system and for anonymous callers.
    user_id       BIGINT,
    -- anonymous | api_key | admin_token | token | session | system
    credential    TEXT NOT NULL,
    action        TEXT NOT NULL,
    object_kind   TEXT NOT NULL,
    object_id     TEXT NOT NULL,
    request_id    TEXT NOT NULL DEFAULT '',
    at            BIGINT NOT NULL,
    -- How many reads a coalesced entry stands for.
    count         BIGINT NOT NULL DEFAULT 1,
    -- The chain, given soon after: position, and the hash over the previous
    -- entry's hash and this row.
    chain         BIGINT,
    hash          BLOB,
    UNIQUE (account_id, chain)
);
CREATE INDEX audit_entries_unchained ON audit_entries (account_id, n) WHERE chain IS NULL;
CREATE INDEX audit_entries_object ON audit_entries (account_id, object_kind, object_id);

-- One row that a readiness check writes.
CREATE TABLE heartbeats (
    id       TEXT PRIMARY KEY,
    beat_at  BIGINT NOT NULL
);
