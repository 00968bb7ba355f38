-- The call that failed: a fork of a session stamps the copies of its lines anew, but not their calls.

DROP VIEW error_daily;
DROP VIEW distinct_errors;

ALTER TABLE session_errors ADD COLUMN tool_use_id VARCHAR;    -- null: no call of a tool failed
ALTER TABLE session_errors ADD COLUMN is_unique_call BOOLEAN; -- whether the identifier tells the call apart from all others

-- Each error once over all sessions: a resumed or forked session repeats its history. Identifiers
-- of calls that others may have too, and errors that are of no call, are told apart by their time.
CREATE VIEW distinct_errors AS
SELECT *
FROM session_errors
QUALIFY coalesce(tool_use_id, event_uuid) IS NULL OR row_number() OVER (
    PARTITION BY
        tool_use_id,
        CASE WHEN is_unique_call THEN NULL ELSE occurred_at END,
        CASE WHEN tool_use_id IS NULL THEN (tool_name, class, message) END
    ORDER BY tool_name IS NULL, session_file, line
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
