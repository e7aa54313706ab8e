-- Scheduling. SQLite spelling; the other engine's file has the same number, tables
-- and columns.

-- When a provider can be booked in a room: weekly hours on the wall clock of a
-- zone, or one opening between two instants.
CREATE TABLE slots (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id        TEXT NOT NULL REFERENCES accounts (id),
    room_id           BIGINT NOT NULL REFERENCES rooms (id),
    provider_id       BIGINT NOT NULL REFERENCES users (id),
    -- appointment | oncall
    kind              TEXT NOT NULL,
    -- JSON list of ISO weekdays, 1 Monday to 7 Sunday; empty for one opening.
    days              TEXT NOT NULL DEFAULT '[]',
    from_minute       BIGINT,
    until_minute      BIGINT,
    -- IANA name.
    timezone          TEXT NOT NULL,
    -- YYYY-MM-DD; the last day, or none for good.
    valid_from        TEXT,
    valid_until       TEXT,
    -- JSON list of days on which it is left out.
    except_days       TEXT NOT NULL DEFAULT '[]',
    start_at          BIGINT,
    end_at            BIGINT,
    capacity          BIGINT NOT NULL DEFAULT 1,
    -- JSON list of consultations it serves; empty serves all.
    consultation_ids  TEXT NOT NULL DEFAULT '[]',
    version           BIGINT NOT NULL DEFAULT 1,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);
CREATE INDEX slots_room ON slots (room_id, kind);
CREATE INDEX slots_provider ON slots (provider_id);
CREATE INDEX slots_account ON slots (account_id);

-- Holidays and leave: of a room, of a provider, or (neither) of the clinic.
CREATE TABLE closures (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    room_id      BIGINT REFERENCES rooms (id),
    provider_id  BIGINT REFERENCES users (id),
    start_at     BIGINT NOT NULL,
    end_at       BIGINT NOT NULL,
    -- Sealed with the account's data key.
    reason       BLOB NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX closures_account ON closures (account_id, end_at);
CREATE INDEX closures_room ON closures (room_id);
CREATE INDEX closures_provider ON closures (provider_id);

-- What takes a provider's time, in whatever room: a visit, or a time held for
-- a patient. Two of them never overlap, except seats of one slot and what
-- staff forced.
CREATE TABLE bookings (
    id                     TEXT PRIMARY KEY,
    account_id             TEXT NOT NULL REFERENCES accounts (id),
    provider_id            BIGINT NOT NULL REFERENCES users (id),
    room_id                BIGINT NOT NULL REFERENCES rooms (id),
    member_id              BIGINT NOT NULL REFERENCES users (id),
    -- The slot's name; the row's own id when it comes from no slot.
    slot                   TEXT NOT NULL,
    rule_id                BIGINT,
    seat                   BIGINT NOT NULL DEFAULT 0,
    start_at               BIGINT NOT NULL,
    end_at                 BIGINT NOT NULL,
    buffer_before_minutes  BIGINT NOT NULL DEFAULT 0,
    buffer_after_minutes   BIGINT NOT NULL DEFAULT 0,
    visit_id               BIGINT UNIQUE REFERENCES visits (id),
    -- Of a hold; none for a visit.
    expires_at             BIGINT,
    renewed                BOOLEAN NOT NULL DEFAULT FALSE,
    forced                 BOOLEAN NOT NULL DEFAULT FALSE,
    created_at             BIGINT NOT NULL,
    UNIQUE (provider_id, slot, seat)
);
CREATE INDEX bookings_provider ON bookings (provider_id, start_at);
CREATE INDEX bookings_member ON bookings (member_id, start_at);
CREATE INDEX bookings_room ON bookings (room_id);
CREATE INDEX bookings_account ON bookings (account_id);
CREATE INDEX bookings_expiry ON bookings (expires_at) WHERE expires_at IS NOT NULL;

CREATE TRIGGER bookings_insert BEFORE INSERT ON bookings WHEN NOT NEW.forced
BEGIN
    SELECT RAISE(ABORT, 'slot_taken') WHERE EXISTS (
        SELECT 1 FROM bookings b WHERE b.provider_id = NEW.provider_id AND b.slot <> NEW.slot AND NOT b.forced
        AND b.start_at < NEW.end_at AND b.end_at > NEW.start_at);
END;
CREATE TRIGGER bookings_update BEFORE UPDATE ON bookings WHEN NOT NEW.forced
BEGIN
    SELECT RAISE(ABORT, 'slot_taken') WHERE EXISTS (
        SELECT 1 FROM bookings b WHERE b.provider_id = NEW.provider_id AND b.slot <> NEW.slot AND NOT b.forced
        AND b.id <> NEW.id AND b.start_at < NEW.end_at AND b.end_at > NEW.start_at);
END;
