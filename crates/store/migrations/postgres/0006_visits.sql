-- Guardians, arrivals and private texts of visits, and what lists go by.

-- Who made the visit for somebody in their care.
ALTER TABLE visits ADD COLUMN guardian_id BIGINT REFERENCES users (id);
-- When the patient of an appointment came to wait.
ALTER TABLE visits ADD COLUMN arrived_at BIGINT;
-- Digits for a telephone bridge; 0 in visits of an older version.
ALTER TABLE visits ADD COLUMN conference_pin BIGINT NOT NULL DEFAULT 0;
-- What staff wrote about the visit, and why it was handed over; sealed.
ALTER TABLE visits ADD COLUMN remark BYTEA;
ALTER TABLE visits ADD COLUMN transfer_reason BYTEA;
CREATE INDEX visits_guardian ON visits (guardian_id);

-- Holds all that a list is narrowed by, so that counting reads no rows.
CREATE INDEX visits_list ON visits
    (account_id, id, status, type, subtype, room_id, provider_id, requested_provider_id);
-- The few that are open, whatever their room.
CREATE INDEX visits_waiting ON visits (account_id, status) WHERE status IN (10, 20, 25);
-- Nothing asks for it: queues go by the index of open visits.
DROP INDEX visits_queue;
