-- The pharmacies that a clinic lists.
CREATE TABLE pharmacies (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    -- JSON: name, address, telephone.
    content      TEXT NOT NULL,
    -- What a search looks through, in lower case.
    searched     TEXT NOT NULL,
    name         TEXT NOT NULL,
    zip          TEXT NOT NULL,
    retired_at   BIGINT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX pharmacies_account ON pharmacies (account_id, name);

-- The pharmacies that a patient keeps.
CREATE TABLE patient_pharmacies (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    user_id      BIGINT NOT NULL REFERENCES users (id),
    -- Sealed.
    content      BYTEA NOT NULL,
    is_default   BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL
);
CREATE INDEX patient_pharmacies_user ON patient_pharmacies (user_id, created_at);
CREATE UNIQUE INDEX patient_pharmacies_default ON patient_pharmacies (user_id) WHERE is_default;
CREATE INDEX patient_pharmacies_account ON patient_pharmacies (account_id);

-- What was prescribed in a visit.
CREATE TABLE prescriptions (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    visit_id      BIGINT NOT NULL REFERENCES visits (id),
    user_id       BIGINT NOT NULL REFERENCES users (id),
    prescriber_id BIGINT NOT NULL REFERENCES users (id),
    -- active or cancelled.
    status        TEXT NOT NULL,
    -- Everything that it says, sealed as one piece.
    content       BYTEA NOT NULL,
    -- Sealed.
    reason        BYTEA,
    cancelled_by  BIGINT REFERENCES users (id),
    cancelled_at  BIGINT,
    created_at    BIGINT NOT NULL
);
CREATE INDEX prescriptions_visit ON prescriptions (visit_id, created_at);
CREATE INDEX prescriptions_user ON prescriptions (user_id, created_at);
CREATE INDEX prescriptions_account ON prescriptions (account_id);
CREATE INDEX prescriptions_prescriber ON prescriptions (prescriber_id);
CREATE INDEX prescriptions_cancelled_by ON prescriptions (cancelled_by);
