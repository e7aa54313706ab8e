-- The cards that people pay with: what a processor calls them, never a number.
CREATE TABLE billing_sources (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    user_id      BIGINT NOT NULL REFERENCES users (id),
    -- The processor's name of it, brand, last digits, expiry, name: sealed.
    content      BYTEA NOT NULL,
    is_default   BOOLEAN NOT NULL DEFAULT FALSE,
    created_at   BIGINT NOT NULL
);
CREATE INDEX billing_sources_user ON billing_sources (user_id, created_at);
CREATE INDEX billing_sources_account ON billing_sources (account_id);

-- What makes a visit cheaper.
CREATE TABLE promo_codes (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    -- In capitals.
    code         TEXT NOT NULL,
    -- Of the price, or an amount in the currency's smallest unit: one of both.
    percent      BIGINT,
    amount       BIGINT,
    -- ISO 4217, of the amount.
    currency     TEXT,
    -- How many intakes may use it; none is no limit.
    max_uses     BIGINT,
    uses         BIGINT NOT NULL DEFAULT 0,
    expires_at   BIGINT,
    retired_at   BIGINT,
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX promo_codes_code ON promo_codes (account_id, code) WHERE retired_at IS NULL;
CREATE INDEX promo_codes_account ON promo_codes (account_id);

-- The code that was entered before a visit.
CREATE TABLE intake_promos (
    intake_id    TEXT PRIMARY KEY REFERENCES intakes (id),
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    promo_id     TEXT NOT NULL REFERENCES promo_codes (id),
    created_at   BIGINT NOT NULL
);
CREATE INDEX intake_promos_account ON intake_promos (account_id);
CREATE INDEX intake_promos_promo ON intake_promos (promo_id);

-- What a visit costs, and what of it was paid. One a visit; amounts in the
-- currency's smallest unit.
CREATE TABLE invoices (
    id               TEXT PRIMARY KEY,
    account_id       TEXT NOT NULL REFERENCES accounts (id),
    visit_id         BIGINT NOT NULL REFERENCES visits (id),
    -- draft, processing, paid, failed, void, refunded, partly_refunded.
    state            TEXT NOT NULL,
    currency         TEXT NOT NULL,
    promo_id         TEXT REFERENCES promo_codes (id),
    amount_paid      BIGINT NOT NULL DEFAULT 0,
    amount_refunded  BIGINT NOT NULL DEFAULT 0,
    version          BIGINT NOT NULL,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL
);
CREATE UNIQUE INDEX invoices_visit ON invoices (visit_id);
CREATE INDEX invoices_account ON invoices (account_id);
CREATE INDEX invoices_promo ON invoices (promo_id);

CREATE TABLE invoice_items (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    invoice_id   TEXT NOT NULL REFERENCES invoices (id),
    position     BIGINT NOT NULL,
    -- Name and description, sealed.
    content      BYTEA NOT NULL,
    quantity     BIGINT NOT NULL,
    unit_price   BIGINT NOT NULL
);
CREATE INDEX invoice_items_invoice ON invoice_items (invoice_id, position);
CREATE INDEX invoice_items_account ON invoice_items (account_id);

-- What the processor is asked to do, written before it is asked. The identifier
-- is the idempotency key there.
CREATE TABLE payments (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    invoice_id    TEXT NOT NULL REFERENCES invoices (id),
    -- charge or refund.
    kind          TEXT NOT NULL,
    amount        BIGINT NOT NULL,
    currency      TEXT NOT NULL,
    -- started, requires_action, succeeded or failed.
    state         TEXT NOT NULL,
    -- The processor's name of the card, sealed; of a charge.
    token         BYTEA,
    -- The processor's name of the charge; of a refund, of the charge it gives back.
    processor_id  TEXT,
    -- Why it failed: a word.
    failure       TEXT,
    -- Where the payer confirms it, and the secret for that: sealed.
    next_action   BYTEA,
    created_by    BIGINT REFERENCES users (id),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);
CREATE INDEX payments_invoice ON payments (invoice_id, created_at);
CREATE INDEX payments_account ON payments (account_id);
CREATE INDEX payments_created_by ON payments (created_by);

-- What the processor told: each message counts once.
CREATE TABLE billing_events (
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    id           TEXT NOT NULL,
    received_at  BIGINT NOT NULL,
    PRIMARY KEY (account_id, id)
);

-- The books of the processor that test clinics pay at. A real one keeps its own.
CREATE TABLE test_processor (
    idempotency_key  TEXT PRIMARY KEY,
    account_id       TEXT NOT NULL REFERENCES accounts (id),
    -- charge or refund.
    kind             TEXT NOT NULL,
    -- The charge that a refund gives back.
    charge_id        TEXT,
    amount           BIGINT NOT NULL,
    currency         TEXT NOT NULL,
    -- succeeded, declined or requires_action.
    state            TEXT NOT NULL,
    reason           TEXT,
    created_at       BIGINT NOT NULL
);
CREATE INDEX test_processor_account ON test_processor (account_id);
