-- Letters show their clinic's logo.
ALTER TABLE accounts ADD COLUMN logo_url TEXT NOT NULL DEFAULT '';

-- Whose browser is told, when push was chosen: the patient's, or that of
-- whoever brought them. None for rows of before, and for other ways.
ALTER TABLE callbacks ADD COLUMN user_id BIGINT REFERENCES users (id);
CREATE INDEX callbacks_user ON callbacks (user_id);
