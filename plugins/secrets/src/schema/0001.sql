-- A session table: the host keeps each session's rows those of its latest version. No column holds a secret.

CREATE TABLE secret_findings (
    session_file     VARCHAR NOT NULL,
    username         VARCHAR NOT NULL,
    session_id       VARCHAR NOT NULL,
    rule_id          VARCHAR NOT NULL,
    description      VARCHAR NOT NULL, -- the rule's
    fingerprint      VARCHAR NOT NULL, -- HMAC-SHA-256 of the secret, in hex; the same secret has the same in all sessions
    preview          VARCHAR NOT NULL, -- at most the first four characters, and the length
    first_event_uuid VARCHAR,
    first_line       BIGINT NOT NULL,  -- from 1
    json_path        VARCHAR NOT NULL, -- where in that line
    occurrences      BIGINT NOT NULL,
    first_seen_at    TIMESTAMP NOT NULL
);

-- One row: the key of the fingerprints, made with the first finding.
CREATE TABLE secrets_salt (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    salt BLOB NOT NULL
);
