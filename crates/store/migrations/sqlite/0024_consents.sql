-- What a clinic asks people to agree to: its terms, a consent, anything else
-- that it gives a name. One row a kind; its versions are in consent_texts.
CREATE TABLE consent_documents (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    -- tos, consent, or a word of the clinic's own.
    kind         TEXT NOT NULL,
    -- The newest version; counts up, also over a retirement.
    version      BIGINT NOT NULL,
    -- Nobody is asked for it any more.
    retired_at   BIGINT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX consent_documents_kind ON consent_documents (account_id, kind);

-- A version of a document in one language. Never changed.
CREATE TABLE consent_texts (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    document_id  TEXT NOT NULL REFERENCES consent_documents (id),
    version      BIGINT NOT NULL,
    -- 0 is the language that everybody gets whose own is not there.
    position     BIGINT NOT NULL,
    -- BCP 47.
    language     TEXT NOT NULL,
    title        TEXT NOT NULL,
    text         TEXT NOT NULL,
    -- Where the same can be read outside; empty for nowhere.
    url          TEXT NOT NULL,
    -- SHA-256 of language, title, text and url, in hexadecimal.
    hash         TEXT NOT NULL,
    created_by   BIGINT REFERENCES users (id),
    created_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX consent_texts_version ON consent_texts (document_id, version, language);
CREATE INDEX consent_texts_account ON consent_texts (account_id);
CREATE INDEX consent_texts_created_by ON consent_texts (created_by);

-- Who agreed to what. Never changed.
CREATE TABLE consents (
    id                TEXT PRIMARY KEY,
    account_id        TEXT NOT NULL REFERENCES accounts (id),
    -- Whom it is for.
    user_id           BIGINT NOT NULL REFERENCES users (id),
    -- Who agreed: that person, or whoever cares for them.
    given_by          BIGINT NOT NULL REFERENCES users (id),
    document_id       TEXT NOT NULL REFERENCES consent_documents (id),
    version           BIGINT NOT NULL,
    language          TEXT NOT NULL,
    -- The name that was typed and the network address, sealed.
    content           BLOB NOT NULL,
    -- The copy as a PDF.
    file_id           TEXT NOT NULL REFERENCES files (id),
    -- What was drawn.
    signature_file_id TEXT REFERENCES files (id),
    created_at        BIGINT NOT NULL
);
CREATE UNIQUE INDEX consents_once ON consents (user_id, document_id, version);
CREATE INDEX consents_account ON consents (account_id);
CREATE INDEX consents_given_by ON consents (given_by);
CREATE INDEX consents_document ON consents (document_id);
CREATE INDEX consents_file ON consents (file_id);
CREATE INDEX consents_signature_file ON consents (signature_file_id);

CREATE TRIGGER consents_stay BEFORE UPDATE ON consents BEGIN
    SELECT RAISE(ABORT, 'consents_stay');
END;
CREATE TRIGGER consent_texts_stay BEFORE UPDATE ON consent_texts BEGIN
    SELECT RAISE(ABORT, 'consents_stay');
END;
