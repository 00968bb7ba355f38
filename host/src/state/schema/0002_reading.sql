ALTER TABLE session_processor_state ADD COLUMN IF NOT EXISTS unreadable_lines BIGINT;
ALTER TABLE session_processor_state ADD COLUMN IF NOT EXISTS unrecognised BOOLEAN;
