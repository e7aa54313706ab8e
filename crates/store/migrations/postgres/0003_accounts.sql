-- Apps, keys and what a clinic says of itself.

-- A program that a clinic lets in: its keys, its admin tokens, what they are
-- limited to.
CREATE TABLE api_apps (
    id          TEXT PRIMARY KEY,
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    -- JSON list of scopes; * is every scope.
    scopes      TEXT NOT NULL DEFAULT '["*"]',
    -- The system user that acts for it in the audit trail.
    user_id     BIGINT NOT NULL REFERENCES users (id),
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    revoked_at  BIGINT
);
CREATE INDEX api_apps_account ON api_apps (account_id, id);
CREATE INDEX api_apps_user ON api_apps (user_id);

ALTER TABLE api_keys ADD COLUMN app_id TEXT REFERENCES api_apps (id);
-- A key that another one follows ends here.
ALTER TABLE api_keys ADD COLUMN expires_at BIGINT;
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '["*"]';
ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;
CREATE INDEX api_keys_app ON api_keys (app_id);

-- Of admin tokens; the other kinds belong to no app.
ALTER TABLE tokens ADD COLUMN app_id TEXT REFERENCES api_apps (id);
ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT '["*"]';
-- What people recognise it by; empty where it was not kept.
ALTER TABLE tokens ADD COLUMN last_four TEXT NOT NULL DEFAULT '';
CREATE INDEX tokens_app ON tokens (app_id);

-- The credentials of a clinic from before belong to its first app, which has
-- the clinic's own identifier.
INSERT INTO api_apps (id, account_id, name, user_id, created_at, updated_at)
SELECT a.id, a.id, 'API', MIN(u.id), a.created_at, a.created_at
FROM accounts a JOIN users u ON u.account_id = a.id AND u.type = 160
GROUP BY a.id, a.created_at;
UPDATE api_keys SET app_id = account_id WHERE account_id IN (SELECT id FROM api_apps);
UPDATE tokens SET app_id = account_id WHERE kind = 'admin' AND account_id IN (SELECT id FROM api_apps);

-- Host of the clinic's own portal.
ALTER TABLE accounts ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN privacy_id TEXT NOT NULL DEFAULT '';
-- Origins whose pages may call the API, as a JSON list of texts.
ALTER TABLE accounts ADD COLUMN cors_origins TEXT NOT NULL DEFAULT '[]';
-- Wizards as JSON lists of steps; empty is our default.
ALTER TABLE accounts ADD COLUMN signup_steps TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN intake_steps TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN post_intake_steps TEXT NOT NULL DEFAULT '';
-- Largest file in bytes; the server's own limit when there is none.
ALTER TABLE accounts ADD COLUMN max_file_bytes BIGINT;
CREATE UNIQUE INDEX accounts_domain ON accounts (domain) WHERE domain <> '';
