-- Keys of the house, the audit trail's rights and heads, accounts that go.

CREATE TABLE house_keys (
    -- master: which master key wraps everything now. calls: what signs call
    -- tokens, wrapped by the master key.
    id          TEXT PRIMARY KEY,
    value       BLOB NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- From where, and under which right (action, seat, relation).
ALTER TABLE audit_entries ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_entries ADD COLUMN granted TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_entries_at ON audit_entries (account_id, at, n);
CREATE INDEX audit_entries_user ON audit_entries (account_id, user_id, at);

-- The end of each account's chain, sealed: whoever can only write rows cannot
-- make one that fits a shorter or another chain.
CREATE TABLE audit_heads (
    account_id  TEXT PRIMARY KEY REFERENCES accounts (id),
    sealed      BLOB NOT NULL,
    updated_at  BIGINT NOT NULL
);

-- Set while an account is being deleted: its key is gone already.
ALTER TABLE accounts ADD COLUMN erased_at BIGINT;

-- What is deleted leaves no trace in the index of names.
INSERT INTO users_search (users_search, rank) VALUES ('secure-delete', 1);
