-- A session table: the host keeps each session's rows those of its latest version. No column holds a secret that the rules
-- find.

CREATE TABLE search_texts (
    session_file  VARCHAR NOT NULL,
    username      VARCHAR NOT NULL,
    project       VARCHAR,          -- the last folder of the directory in which the session began
    occurred_at   TIMESTAMP NOT NULL,
    line          BIGINT NOT NULL,  -- of the transcript, from 1
    part          BIGINT NOT NULL,  -- the number of the text in its session, from 1
    kind          VARCHAR NOT NULL, -- prompt, note, answer, tool_call or tool_result
    tool          VARCHAR,          -- of a call or a result
    -- DuckDB would store texts of this length as they are. An older state file cannot hold compressed ones, and stores them so.
    text          VARCHAR NOT NULL USING COMPRESSION zstd,
    omitted_bytes BIGINT NOT NULL   -- how many bytes at the end of a very long text are not stored
);
