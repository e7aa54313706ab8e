-- Who is in a call, as the one who carries it told it: once per connection,
-- however often and in whatever order it is told, and over restarts.
CREATE TABLE call_peers (
    visit_id            BIGINT NOT NULL REFERENCES visits (id),
    -- A cluster's name of the connection (LiveKit's participant sid); at our own
    -- nodes the person's name in the call, which has one connection at a time.
    sid                 TEXT NOT NULL,
    account_id          TEXT NOT NULL REFERENCES accounts (id),
    user_id             BIGINT NOT NULL REFERENCES users (id),
    -- When we heard of it.
    joined_at           BIGINT NOT NULL,
    -- Null while it lasts.
    left_at             BIGINT,
    PRIMARY KEY (visit_id, sid)
);
CREATE INDEX call_peers_account ON call_peers (account_id);
CREATE INDEX call_peers_user ON call_peers (user_id);
CREATE INDEX call_peers_left ON call_peers (left_at);
-- The calls that a cluster carries.
CREATE INDEX visits_call_node ON visits (call_node, updated_at) WHERE call_node IS NOT NULL;
