-- Forms that a clinic makes itself. One row a form: what is being worked on.
CREATE TABLE forms (
    id           TEXT PRIMARY KEY,
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    -- sign_up, intake, post_intake or post_call.
    step         TEXT NOT NULL,
    title        TEXT NOT NULL,
    -- The draft: its two parts as one JSON object.
    draft        TEXT NOT NULL,
    -- Counts its changes, from 1.
    revision     BIGINT NOT NULL,
    -- The newest version that was published; 0 for none.
    version      BIGINT NOT NULL,
    -- The one that is asked for at its step.
    live         BOOLEAN NOT NULL DEFAULT FALSE,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL
);
CREATE INDEX forms_account ON forms (account_id, id);
CREATE UNIQUE INDEX forms_live ON forms (account_id, step) WHERE live;

-- What was published. Never changed.
CREATE TABLE form_versions (
    form_id       TEXT NOT NULL REFERENCES forms (id),
    version       BIGINT NOT NULL,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    title         TEXT NOT NULL,
    -- Its two parts as one JSON object.
    content       TEXT NOT NULL,
    published_by  BIGINT REFERENCES users (id),
    published_at  BIGINT NOT NULL,
    PRIMARY KEY (form_id, version)
);
CREATE INDEX form_versions_account ON form_versions (account_id);
CREATE INDEX form_versions_published_by ON form_versions (published_by);

-- What somebody answers, once per form and intake, visit or person.
CREATE TABLE form_answers (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    form_id       TEXT NOT NULL REFERENCES forms (id),
    form_version  BIGINT NOT NULL,
    -- The patient.
    member_id     BIGINT NOT NULL REFERENCES users (id),
    intake_id     TEXT REFERENCES intakes (id),
    visit_id      BIGINT REFERENCES visits (id),
    -- intake:<id>, visit:<id> or user:<id>.
    target        TEXT NOT NULL,
    -- Sealed: the answers, and the section where the patient is.
    content       BYTEA NOT NULL,
    version       BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    completed_at  BIGINT
);
CREATE UNIQUE INDEX form_answers_target ON form_answers (form_id, target);
CREATE INDEX form_answers_account ON form_answers (account_id, id);
CREATE INDEX form_answers_member ON form_answers (member_id, id);
CREATE INDEX form_answers_intake ON form_answers (intake_id);
CREATE INDEX form_answers_visit ON form_answers (visit_id);

-- Which files such answers name: those who see the visit may open them.
CREATE TABLE form_answer_files (
    answers_id  TEXT NOT NULL REFERENCES form_answers (id),
    file_id     TEXT NOT NULL REFERENCES files (id),
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (answers_id, file_id)
);
CREATE INDEX form_answer_files_file ON form_answer_files (file_id);
CREATE INDEX form_answer_files_account ON form_answer_files (account_id);
