-- What a clinic asks after a visit. One row a version; never changed but for
-- its retirement. The survey with which visits are rated is built in.
CREATE TABLE surveys (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    code         TEXT NOT NULL,
    version      BIGINT NOT NULL,
    title        TEXT NOT NULL,
    -- JSON.
    questions    TEXT NOT NULL,
    retired_at   BIGINT,
    created_by   BIGINT REFERENCES users (id),
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX surveys_version ON surveys (account_id, code, version);
CREATE INDEX surveys_created_by ON surveys (created_by);

-- What somebody answered, once per person, visit and survey.
CREATE TABLE survey_results (
    id              TEXT PRIMARY KEY,
    account_id      TEXT NOT NULL REFERENCES accounts (id),
    visit_id        BIGINT NOT NULL REFERENCES visits (id),
    user_id         BIGINT NOT NULL REFERENCES users (id),
    survey_code     TEXT NOT NULL,
    survey_version  BIGINT NOT NULL,
    -- Sealed.
    answers         BLOB NOT NULL,
    -- 1 to 5, of the survey with which visits are rated.
    rating          BIGINT,
    created_at      BIGINT NOT NULL
);
CREATE UNIQUE INDEX survey_results_once ON survey_results (visit_id, user_id, survey_code);
CREATE INDEX survey_results_account ON survey_results (account_id);
CREATE INDEX survey_results_user ON survey_results (user_id);

-- Intakes are counted by when they were made.
CREATE INDEX intakes_created ON intakes (account_id, created_at);
DROP INDEX intakes_account;

-- The quarters of an hour (since 1970) whose figures have to be counted anew.
-- Appended by the triggers below with the change itself, whoever makes it;
-- without a key of its own, so that no change waits for another.
CREATE TABLE report_touched (
    n           INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    quarter     BIGINT NOT NULL
);
CREATE INDEX report_touched_quarter ON report_touched (account_id, quarter);

-- Figures of a stretch of time: level 0 is a quarter of an hour, 1 an hour, 2 a
-- day of UTC; slot is its number since 1970. Room and provider: -1 is all of
-- them, 0 is none.
CREATE TABLE report_buckets (
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    level       BIGINT NOT NULL,
    slot        BIGINT NOT NULL,
    room        BIGINT NOT NULL,
    provider    BIGINT NOT NULL,
    -- JSON.
    tally       TEXT NOT NULL,
    PRIMARY KEY (account_id, level, room, provider, slot)
);
CREATE INDEX report_buckets_slot ON report_buckets (account_id, level, slot);

-- When a clinic's figures were counted last. The row is the counter's lock.
CREATE TABLE report_states (
    account_id   TEXT PRIMARY KEY REFERENCES accounts (id),
    computed_at  BIGINT NOT NULL
);

CREATE TRIGGER report_visit_added AFTER INSERT ON visits BEGIN
    INSERT INTO report_touched (account_id, quarter)
    SELECT NEW.account_id, NEW.start_at / 900000
    UNION SELECT NEW.account_id, i.created_at / 900000 FROM intakes i WHERE i.id = NEW.intake_id;
END;
CREATE TRIGGER report_visit_changed AFTER UPDATE OF room_id, provider_id, requested_provider_id, type, status,
    start_at, waiting_since_at, arrived_at, actual_start_at, actual_end_at, ended_by, reason, missed_at ON visits BEGIN
    INSERT INTO report_touched (account_id, quarter)
    SELECT NEW.account_id, NEW.start_at / 900000
    UNION SELECT OLD.account_id, OLD.start_at / 900000
    UNION SELECT NEW.account_id, i.created_at / 900000 FROM intakes i WHERE i.id = NEW.intake_id;
END;
CREATE TRIGGER report_visit_deleted AFTER DELETE ON visits BEGIN
    INSERT INTO report_touched (account_id, quarter)
    SELECT a.id, OLD.start_at / 900000 FROM accounts a WHERE a.id = OLD.account_id AND a.erased_at IS NULL
    UNION SELECT a.id, i.created_at / 900000 FROM accounts a JOIN intakes i ON i.id = OLD.intake_id
    WHERE a.id = OLD.account_id AND a.erased_at IS NULL;
END;
CREATE TRIGGER report_intake_added AFTER INSERT ON intakes BEGIN
    INSERT INTO report_touched (account_id, quarter) VALUES (NEW.account_id, NEW.created_at / 900000);
END;
CREATE TRIGGER report_intake_changed AFTER UPDATE OF room_id, provider_id, created_at ON intakes BEGIN
    INSERT INTO report_touched (account_id, quarter)
    SELECT NEW.account_id, NEW.created_at / 900000
    UNION SELECT OLD.account_id, OLD.created_at / 900000;
END;
CREATE TRIGGER report_intake_deleted AFTER DELETE ON intakes BEGIN
    INSERT INTO report_touched (account_id, quarter)
    SELECT a.id, OLD.created_at / 900000 FROM accounts a WHERE a.id = OLD.account_id AND a.erased_at IS NULL;
END;
CREATE TRIGGER report_rating_added AFTER INSERT ON survey_results WHEN NEW.rating IS NOT NULL BEGIN
    INSERT INTO report_touched (account_id, quarter)
    SELECT v.account_id, v.start_at / 900000 FROM visits v WHERE v.id = NEW.visit_id;
END;
CREATE TRIGGER report_rating_deleted AFTER DELETE ON survey_results WHEN OLD.rating IS NOT NULL BEGIN
    INSERT INTO report_touched (account_id, quarter)
    SELECT a.id, v.start_at / 900000 FROM accounts a JOIN visits v ON v.id = OLD.visit_id
    WHERE a.id = OLD.account_id AND a.erased_at IS NULL;
END;

-- Everything that is there already is counted once.
INSERT INTO report_touched (account_id, quarter)
SELECT account_id, start_at / 900000 FROM visits UNION SELECT account_id, created_at / 900000 FROM intakes;
