-- Log-ins by mail, failed attempts.

-- The log-in a token descends from: a refresh token that is shown twice ends
-- all tokens of its family.
ALTER TABLE tokens ADD COLUMN family TEXT;
CREATE INDEX tokens_family ON tokens (family);

-- How often somebody failed to log in, and from which addresses they succeed.
CREATE TABLE log_in_failures (
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    -- SHA-256 in hex of a login name, an address, or both: no names are kept.
    subject      TEXT NOT NULL,
    count        BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    -- Of a name and an address together: they belong together until then.
    known_until  BIGINT,
    PRIMARY KEY (account_id, subject)
);
CREATE INDEX log_in_failures_last ON log_in_failures (last_at);

-- Mails to send, or sent of late.
CREATE TABLE mails (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    -- To whom; none where the job has yet to find out.
    user_id     BIGINT REFERENCES users (id),
    -- password_first | password_forgotten | password_changed
    kind        TEXT NOT NULL,
    -- Whose password was forgotten, as the person wrote it, sealed.
    wanted      BLOB,
    -- SHA-256 in hex of the address that asked.
    asked_from  TEXT NOT NULL DEFAULT '',
    created_at  BIGINT NOT NULL
);
CREATE INDEX mails_asked ON mails (account_id, asked_from, created_at);
CREATE INDEX mails_user ON mails (user_id);
CREATE INDEX mails_created ON mails (created_at);

-- Whose password it is that was forgotten.
CREATE INDEX users_email ON users (account_id, email_search);
