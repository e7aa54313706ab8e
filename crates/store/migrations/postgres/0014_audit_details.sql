-- What an audit entry says beyond its names, sealed: why staff booked outside
-- the offered times, and what they booked over.
ALTER TABLE audit_entries ADD COLUMN detail BYTEA;

-- What a visit was booked for, among what its room offers: a moved appointment
-- asks for a time of the same.
ALTER TABLE visits ADD COLUMN consultation_id TEXT;
