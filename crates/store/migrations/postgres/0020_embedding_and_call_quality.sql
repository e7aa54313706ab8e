-- Calls inside the pages of others, and how each call was.

-- Origins whose pages may show the clinic's calls in a frame (JSON).
ALTER TABLE accounts ADD COLUMN embed_origins TEXT NOT NULL DEFAULT '[]';

-- One row per connection of a person to a visit's call. Figures only; what
-- nobody measured is null.
CREATE TABLE call_quality (
    id                  TEXT PRIMARY KEY,
    account_id          TEXT NOT NULL REFERENCES accounts (id),
    visit_id            BIGINT NOT NULL REFERENCES visits (id),
    user_id             BIGINT NOT NULL REFERENCES users (id),
    -- The call's own name of the connection (LiveKit's participant sid).
    peer_sid            TEXT NOT NULL,
    started_at          BIGINT NOT NULL,
    -- Null while it lasts.
    ended_at            BIGINT,
    updated_at          BIGINT NOT NULL,
    -- From the wish to enter until the media connection stood, in ms.
    join_ms             BIGINT,
    -- Until the first packet of the other side went out, and until its first
    -- picture was on the screen, in ms.
    first_packet_ms     BIGINT,
    first_frame_ms      BIGINT,
    -- Lost packets per million, on the way from and to the person.
    loss_up_ppm         BIGINT,
    loss_down_ppm       BIGINT,
    rtt_ms              BIGINT,
    jitter_ms           BIGINT,
    freezes             BIGINT,
    frozen_ms           BIGINT,
    -- Held back because the person's line was too slow.
    paused_ms           BIGINT,
    reconnects          BIGINT,
    -- udp | tcp | relay, or empty.
    path                TEXT NOT NULL,
    -- Which browser or program, in a few words.
    device              TEXT NOT NULL,
    -- The person's page has told its half: it knows better what was seen.
    page_told           BOOLEAN NOT NULL
);
CREATE UNIQUE INDEX call_quality_peer ON call_quality (visit_id, user_id, peer_sid);
CREATE INDEX call_quality_account ON call_quality (account_id, started_at);
CREATE INDEX call_quality_user ON call_quality (user_id);
