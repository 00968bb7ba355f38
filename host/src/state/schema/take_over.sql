INSERT INTO session_processor_state (processor_name, session_file, username, processed_at, items_extracted, file_hash)
SELECT 'verification', session_file, username, coalesce(processed_at::TIMESTAMP, TIMESTAMP '1970-01-01'), coalesce(items_extracted, 0), file_hash
FROM session_extraction_state
ON CONFLICT DO NOTHING;
DROP TABLE session_extraction_state;
