-- DuckDB cannot alter a CHECK: the table is made anew around its rows. It gains `crash` and `memory`, and what its retries
-- depend on: which version of the transcript and of the plugin failed, and how many attempts count since they changed.
CREATE TEMP TABLE earlier_failure AS FROM main.session_processor_failure;
DROP TABLE main.session_processor_failure;
CREATE TABLE main.session_processor_failure (
    processor_name VARCHAR NOT NULL,
    session_file VARCHAR NOT NULL,
    username VARCHAR,
    file_hash VARCHAR,
    attempts BIGINT NOT NULL,
    first_failed_at TIMESTAMP NOT NULL,
    last_failed_at TIMESTAMP NOT NULL,
    kind VARCHAR NOT NULL CHECK (kind IN ('error', 'panic', 'timeout', 'crash', 'memory')),
    error VARCHAR NOT NULL,
    counted_attempts BIGINT NOT NULL DEFAULT 0,
    file_size BIGINT,
    file_mtime TIMESTAMP,
    output_version INTEGER,
    plugin_digest VARCHAR,
    PRIMARY KEY (processor_name, session_file)
);
INSERT INTO main.session_processor_failure BY NAME FROM temp.earlier_failure;
DROP TABLE temp.earlier_failure;

-- Processors that start no runs until someone resumes them.
CREATE TABLE main.processor_pause (
    processor_name VARCHAR PRIMARY KEY,
    reason VARCHAR,
    actor VARCHAR NOT NULL,
    paused_at TIMESTAMP NOT NULL
);
