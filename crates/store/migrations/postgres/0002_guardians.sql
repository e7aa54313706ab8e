-- People in somebody's care, such as a parent's children.

CREATE TABLE guardians (
    guardian_id   BIGINT NOT NULL REFERENCES users (id),
    dependant_id  BIGINT NOT NULL REFERENCES users (id),
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    -- What the dependant is to the guardian: child, parent, spouse, other.
    relation      TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (guardian_id, dependant_id)
);
CREATE INDEX guardians_dependant ON guardians (dependant_id);
CREATE INDEX guardians_account ON guardians (account_id);
