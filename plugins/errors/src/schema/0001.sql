-- Session tables: the host keeps each session's rows those of its latest version.

CREATE TABLE session_errors (
    session_file VARCHAR NOT NULL,
    username     VARCHAR NOT NULL,
    session_id   VARCHAR NOT NULL,
    event_uuid   VARCHAR,          -- of the line that tells of the error; a resumed session repeats it
    line         BIGINT NOT NULL,  -- from 1
    occurred_at  TIMESTAMP NOT NULL,
    class        VARCHAR NOT NULL,
    tool_name    VARCHAR,          -- null: the model's API failed, or a person interrupted the model
    message      VARCHAR NOT NULL, -- its first 500 characters, secrets redacted
    is_retry     BOOLEAN NOT NULL, -- the same call had failed just before
    recovered    BOOLEAN NOT NULL  -- a later call of the tool succeeded
);

CREATE TABLE session_outcome (
    session_file      VARCHAR NOT NULL,
    username          VARCHAR NOT NULL,
    ended_on          VARCHAR NOT NULL, -- answer, error, interrupted, open
    error_count       BIGINT NOT NULL,
    distinct_classes  BIGINT NOT NULL,
    longest_retry_run BIGINT NOT NULL   -- the most times in a row that a failing call was made again
);

-- Each error once over all sessions: a resumed session repeats its history.
CREATE VIEW distinct_errors AS
SELECT *
FROM session_errors
QUALIFY event_uuid IS NULL OR row_number() OVER (
    PARTITION BY event_uuid, tool_name, class, message ORDER BY session_file, line
) = 1;

CREATE VIEW error_daily AS
SELECT occurred_at::DATE AS day,
       class,
       tool_name,
       count(*) AS errors,
       count(DISTINCT session_id) AS sessions,
       count(DISTINCT username) AS users
FROM distinct_errors
GROUP BY ALL;
