-- The project of each session: the last folder of the directory in which it began.
CREATE VIEW usage_projects AS
WITH place AS (
    SELECT username, session_id, cwd, occurred_at FROM usage_stored_messages WHERE cwd IS NOT NULL
    UNION ALL
    SELECT username, session_id, cwd, occurred_at FROM usage_events WHERE cwd IS NOT NULL
)
SELECT username,
       session_id,
       nullif(regexp_extract(rtrim(arg_min(cwd, occurred_at), '/\'), '[^/\\]*$'), '') AS project
FROM place
GROUP BY username, session_id;
