-- Recordings of calls: what was asked and answered, what came of it, and where
-- the contents lie. Contents lie outside the database, each encrypted with a
-- key of its own; that key is sealed with the account's data key.

-- How long recordings are kept; 0 until somebody deletes them.
ALTER TABLE accounts ADD COLUMN recording_retention_days BIGINT NOT NULL DEFAULT 30;
-- May patients see the recordings of their own visits?
ALTER TABLE accounts ADD COLUMN recordings_for_patients BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE recordings (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    visit_id    BIGINT NOT NULL REFERENCES visits (id),
    -- asked | recording | processing | ready | failed | deleted
    status      TEXT NOT NULL,
    -- Why it failed; else empty.
    reason      TEXT NOT NULL,
    -- Null: the room's setting asked.
    started_by  BIGINT REFERENCES users (id),
    asked_at    BIGINT NOT NULL,
    started_at  BIGINT,
    ended_at    BIGINT,
    ready_at    BIGINT,
    deleted_at  BIGINT,
    -- How long it is, in ms.
    length_ms   BIGINT,
    -- When whose sound and picture is in it, and where it is missing (JSON).
    tracks      TEXT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX recordings_account ON recordings (account_id, status, ended_at);
CREATE INDEX recordings_visit ON recordings (visit_id, id);
CREATE INDEX recordings_started_by ON recordings (started_by);
-- One at a time.
CREATE UNIQUE INDEX recordings_running ON recordings (visit_id) WHERE status IN ('asked', 'recording');

-- What everybody who was in the call said to it.
CREATE TABLE recording_consents (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    recording_id  BIGINT NOT NULL REFERENCES recordings (id),
    user_id       BIGINT NOT NULL REFERENCES users (id),
    -- waiting | agreed | refused
    answer        TEXT NOT NULL,
    -- Version and language of the text that was answered.
    text_version  TEXT NOT NULL,
    asked_at      BIGINT NOT NULL,
    answered_at   BIGINT
);
CREATE UNIQUE INDEX recording_consents_person ON recording_consents (recording_id, user_id);
CREATE INDEX recording_consents_account ON recording_consents (account_id);
CREATE INDEX recording_consents_user ON recording_consents (user_id);

-- Who came and went while it ran.
CREATE TABLE recording_marks (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    recording_id  BIGINT NOT NULL REFERENCES recordings (id),
    user_id       BIGINT NOT NULL REFERENCES users (id),
    -- joined | left
    kind          TEXT NOT NULL,
    at            BIGINT NOT NULL
);
CREATE INDEX recording_marks_recording ON recording_marks (recording_id, at);
CREATE INDEX recording_marks_account ON recording_marks (account_id);
CREATE INDEX recording_marks_user ON recording_marks (user_id);

-- The contents: one for all together, or one per person where nothing on the
-- machine puts them together.
CREATE TABLE recording_files (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    recording_id  BIGINT NOT NULL REFERENCES recordings (id),
    -- Null: everybody.
    user_id       BIGINT REFERENCES users (id),
    -- mp4 | webm | mkv
    format        TEXT NOT NULL,
    -- all | audio | video | screen
    media         TEXT NOT NULL,
    -- From the recording's begin, in ms.
    start_ms      BIGINT NOT NULL,
    length_ms     BIGINT NOT NULL,
    size_bytes    BIGINT NOT NULL,
    data_key      BLOB NOT NULL,
    created_at    BIGINT NOT NULL
);
CREATE INDEX recording_files_recording ON recording_files (recording_id, start_ms, id);
CREATE INDEX recording_files_account ON recording_files (account_id);
CREATE INDEX recording_files_user ON recording_files (user_id);
