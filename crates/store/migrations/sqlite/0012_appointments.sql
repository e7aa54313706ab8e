-- What is kept of appointments.

-- Appointments that were made together and repeat.
ALTER TABLE visits ADD COLUMN series_id TEXT;
-- The link that opens this one visit without a login: its hash to find the
-- visit by, and the sealed text to show it again.
ALTER TABLE visits ADD COLUMN link_hash BLOB;
ALTER TABLE visits ADD COLUMN link BLOB;
-- When somebody noticed that nobody came or took it.
ALTER TABLE visits ADD COLUMN missed_at BIGINT;
CREATE INDEX visits_series ON visits (series_id, start_at) WHERE series_id IS NOT NULL;
CREATE UNIQUE INDEX visits_link ON visits (link_hash) WHERE link_hash IS NOT NULL;
CREATE INDEX visits_due ON visits (end_at) WHERE type = 2 AND status IN (10, 20) AND missed_at IS NULL;

-- Appointments come with a link that needs no login.
ALTER TABLE accounts ADD COLUMN one_time_links BOOLEAN NOT NULL DEFAULT FALSE;

-- Private addresses of people's calendars.
CREATE TABLE calendar_feeds (
    user_id     BIGINT PRIMARY KEY REFERENCES users (id),
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    hash        BLOB NOT NULL UNIQUE,
    -- The address's secret, sealed, to show it again.
    secret      BLOB NOT NULL,
    created_at  BIGINT NOT NULL
);
CREATE INDEX calendar_feeds_account ON calendar_feeds (account_id);
