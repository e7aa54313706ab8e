-- How far each reader of the whole event log has come, per account.
CREATE TABLE event_cursors (
    account_id  TEXT NOT NULL REFERENCES accounts (id),
    consumer    TEXT NOT NULL,
    -- Every event up to this number was read.
    seq         BIGINT NOT NULL,
    PRIMARY KEY (account_id, consumer)
);

-- What happened before there was anybody to read it is not told years later.
INSERT INTO event_cursors (account_id, consumer, seq)
    SELECT a.id, c.name, (SELECT COALESCE(MAX(e.seq), 0) FROM events e WHERE e.account_id = a.id)
    FROM accounts a CROSS JOIN (SELECT 'webhooks' AS name UNION ALL SELECT 'notifications') AS c;
