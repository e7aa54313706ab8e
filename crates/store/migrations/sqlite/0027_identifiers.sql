-- What other systems call a user or a visit: the number in a hospital's record,
-- an appointment's in its scheduling. One of the two references is set.
CREATE TABLE identifiers (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    user_id      BIGINT REFERENCES users (id),
    visit_id     BIGINT REFERENCES visits (id),
    -- Whose numbers they are: a URI.
    system       TEXT NOT NULL,
    value        TEXT NOT NULL,
    -- Its place in the list, from 0.
    position     BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    CHECK ((user_id IS NULL) <> (visit_id IS NULL))
);
CREATE UNIQUE INDEX identifiers_of_users ON identifiers (account_id, system, value) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX identifiers_of_visits ON identifiers (account_id, system, value) WHERE visit_id IS NOT NULL;
CREATE INDEX identifiers_value ON identifiers (account_id, value);
CREATE INDEX identifiers_user ON identifiers (user_id);
CREATE INDEX identifiers_visit ON identifiers (visit_id);

-- An account's documents and consents, page by page.
CREATE INDEX files_listed ON files (account_id, id);
CREATE INDEX consents_listed ON consents (account_id, id);
