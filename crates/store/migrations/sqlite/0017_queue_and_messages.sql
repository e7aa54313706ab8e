-- The queue's memory of those who wait, and what is written at a visit.

-- Patients who left the waiting room and are called when it is their turn.
CREATE TABLE callbacks (
    visit_id     BIGINT PRIMARY KEY REFERENCES visits (id),
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    -- sms, mail or push.
    channel      TEXT NOT NULL,
    -- Number or address, sealed; none for push, which goes to the endpoints.
    address      BLOB,
    -- The place is kept so long.
    until_at     BIGINT NOT NULL,
    -- When they were told that they are next.
    next_told_at BIGINT,
    created_at   BIGINT NOT NULL
);
CREATE INDEX callbacks_account ON callbacks (account_id);
CREATE INDEX callbacks_untold ON callbacks (created_at) WHERE next_told_at IS NULL;

-- Providers who run late, by how much and until when that counts.
CREATE TABLE delays (
    room_id      BIGINT NOT NULL REFERENCES rooms (id),
    provider_id  BIGINT NOT NULL REFERENCES users (id),
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    minutes      BIGINT NOT NULL,
    until_at     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    PRIMARY KEY (room_id, provider_id)
);
CREATE INDEX delays_provider ON delays (provider_id);
CREATE INDEX delays_account ON delays (account_id);

-- The number of the last message of each visit: messages are counted without
-- gaps, so that a reader who goes on after a number misses none.
CREATE TABLE conversations (
    visit_id     BIGINT PRIMARY KEY REFERENCES visits (id),
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    last_number  BIGINT NOT NULL
);
CREATE INDEX conversations_account ON conversations (account_id);

CREATE TABLE messages (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    visit_id     BIGINT NOT NULL REFERENCES visits (id),
    number       BIGINT NOT NULL,
    sender_id    BIGINT NOT NULL REFERENCES users (id),
    -- The sender's own name for it: sent twice, it is there once.
    client_id    TEXT NOT NULL,
    -- Sealed; none for a file alone.
    text         BLOB,
    file_id      TEXT REFERENCES files (id),
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX messages_number ON messages (visit_id, number);
CREATE UNIQUE INDEX messages_once ON messages (sender_id, visit_id, client_id);
CREATE INDEX messages_account ON messages (account_id);
CREATE INDEX messages_file ON messages (file_id);

-- How far everybody has read.
CREATE TABLE message_reads (
    visit_id     BIGINT NOT NULL REFERENCES visits (id),
    user_id      BIGINT NOT NULL REFERENCES users (id),
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    up_to        BIGINT NOT NULL,
    read_at      BIGINT NOT NULL,
    PRIMARY KEY (visit_id, user_id)
);
CREATE INDEX message_reads_user ON message_reads (user_id);
CREATE INDEX message_reads_account ON message_reads (account_id);
