CREATE TABLE IF NOT EXISTS session_processor_state (
    processor_name VARCHAR NOT NULL,
    session_file VARCHAR NOT NULL,
    username VARCHAR,
    processed_at TIMESTAMP NOT NULL,
    items_extracted BIGINT DEFAULT 0,
    file_hash VARCHAR,
    PRIMARY KEY (processor_name, session_file)
);
ALTER TABLE session_processor_state ADD COLUMN IF NOT EXISTS file_size BIGINT;
ALTER TABLE session_processor_state ADD COLUMN IF NOT EXISTS file_mtime TIMESTAMP;
ALTER TABLE session_processor_state ADD COLUMN IF NOT EXISTS checked_at TIMESTAMP;
ALTER TABLE session_processor_state ADD COLUMN IF NOT EXISTS output_version INTEGER DEFAULT 0;

CREATE TABLE session_processor_failure (
    processor_name VARCHAR NOT NULL,
    session_file VARCHAR NOT NULL,
    username VARCHAR,
    file_hash VARCHAR,
    attempts BIGINT NOT NULL,
    first_failed_at TIMESTAMP NOT NULL,
    last_failed_at TIMESTAMP NOT NULL,
    kind VARCHAR NOT NULL CHECK (kind IN ('error', 'panic', 'timeout', 'crash')),
    error VARCHAR NOT NULL,
    PRIMARY KEY (processor_name, session_file)
);

CREATE TABLE processor_schedule (
    processor_name VARCHAR PRIMARY KEY,
    last_run_at TIMESTAMP NOT NULL,
    last_outcome VARCHAR NOT NULL
);

CREATE TABLE audit_log (
    id BIGINT PRIMARY KEY,
    timestamp TIMESTAMP NOT NULL,
    actor VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    resource VARCHAR NOT NULL,
    params JSON,
    result VARCHAR NOT NULL,
    duration_ms BIGINT NOT NULL
);

CREATE TABLE processor_table (
    table_name VARCHAR PRIMARY KEY,
    owner VARCHAR NOT NULL
);

CREATE TABLE schema_migration (
    owner VARCHAR NOT NULL,
    version INTEGER NOT NULL,
    applied_at TIMESTAMP NOT NULL,
    checksum VARCHAR NOT NULL,
    PRIMARY KEY (owner, version)
);
