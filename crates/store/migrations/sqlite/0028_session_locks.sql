-- Shared workstations: which device a session is on, when a page of it last
-- asked anything (to the minute), and since when it is locked.
ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN last_used_at BIGINT;
ALTER TABLE sessions ADD COLUMN locked_at BIGINT;

-- After how many minutes without a person the pages of staff lock; 0 for never.
ALTER TABLE accounts ADD COLUMN idle_minutes BIGINT NOT NULL DEFAULT 15;
