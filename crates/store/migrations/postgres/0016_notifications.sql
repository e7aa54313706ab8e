-- Whom we tell what, on which way, and what became of it.

-- Where people can be reached besides the e-mail address of their profile.
CREATE TABLE endpoints (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    user_id     BIGINT NOT NULL REFERENCES users (id),
    -- The documented number: 10 e-mail, 20 SMS, 30 APNS, 40 FCM, 50 web push.
    type        BIGINT NOT NULL,
    -- Address or device token, sealed, with the keys of web push.
    key         BYTEA NOT NULL,
    -- So that one address is there once: a hash, keyed by the user.
    key_hash    TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX endpoints_once ON endpoints (user_id, type, key_hash);
CREATE INDEX endpoints_account ON endpoints (account_id);

-- One row per fact, person and way.
CREATE TABLE notifications (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    -- The event, or what else made it, such as a reminder of one time.
    source      TEXT NOT NULL,
    kind        TEXT NOT NULL,
    -- app, mail, sms or push.
    channel     TEXT NOT NULL,
    -- Who: the user's number, or a hash of an address without a user.
    recipient   TEXT NOT NULL,
    user_id     BIGINT REFERENCES users (id),
    -- The endpoint; empty takes the profile's address.
    endpoint_id TEXT NOT NULL DEFAULT '',
    -- An address without a user, sealed.
    address     BYTEA,
    visit_id    BIGINT REFERENCES visits (id),
    -- waiting, sent, failed, bounced or skipped.
    state       TEXT NOT NULL,
    -- Why not, as a stable word.
    reason      TEXT NOT NULL DEFAULT '',
    tries       BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    -- Not worth sending any more from here on.
    expires_at  BIGINT NOT NULL,
    settled_at  BIGINT,
    read_at     BIGINT
);
CREATE UNIQUE INDEX notifications_once
    ON notifications (account_id, source, kind, recipient, channel, endpoint_id);
CREATE INDEX notifications_account ON notifications (account_id, created_at);
CREATE INDEX notifications_user ON notifications (user_id, channel, created_at);
CREATE INDEX notifications_visit ON notifications (visit_id);

-- When somebody last looked: what is newer counts on the badge.
CREATE TABLE notification_people (
    user_id     BIGINT PRIMARY KEY REFERENCES users (id),
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    badge_at    BIGINT NOT NULL DEFAULT 0,
    -- Empty takes the account's.
    language    TEXT NOT NULL DEFAULT ''
);
CREATE INDEX notification_people_account ON notification_people (account_id);

-- What an account wants of notifications.
CREATE TABLE notification_settings (
    account_id  TEXT PRIMARY KEY REFERENCES accounts (id),
    language    TEXT NOT NULL,
    -- Minutes before an appointment, as JSON.
    reminders   TEXT NOT NULL
);

-- When a way out of the house was last tried by hand.
CREATE TABLE channel_tests (
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    channel     TEXT NOT NULL,
    works       BOOLEAN NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (account_id, channel)
);

-- What people were told of a visit last, so that a change is told as one.
CREATE TABLE visit_tellings (
    visit_id    BIGINT PRIMARY KEY REFERENCES visits (id),
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    start_at    BIGINT NOT NULL,
    end_at      BIGINT NOT NULL,
    provider_id BIGINT,
    status      BIGINT NOT NULL,
    waiting_at  BIGINT
);
CREATE INDEX visit_tellings_account ON visit_tellings (account_id);

-- Those of the open visits know what there is to know now.
INSERT INTO visit_tellings (visit_id, account_id, start_at, end_at, provider_id, status, waiting_at)
    SELECT id, account_id, start_at, end_at, COALESCE(provider_id, requested_provider_id), status,
        CASE WHEN status = 25 THEN NULL WHEN type = 2 THEN arrived_at ELSE waiting_since_at END
    FROM visits WHERE status IN (10, 20, 25);
