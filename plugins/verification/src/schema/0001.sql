-- Session tables: the host keeps each session's rows those of its latest version.

CREATE TABLE verification_session (
    session_file      VARCHAR NOT NULL,
    username          VARCHAR NOT NULL,
    turns             BIGINT NOT NULL,  -- of user and assistant, in the whole session
    turns_sent        BIGINT NOT NULL,  -- the latest of them, which the model was given
    model             VARCHAR,          -- null where there was nothing to ask
    requests          BIGINT NOT NULL,  -- those that failed and were made again included
    input_tokens      BIGINT NOT NULL,
    output_tokens     BIGINT NOT NULL,
    verifications     BIGINT NOT NULL,  -- that the model reported
    quotes_dropped    BIGINT NOT NULL,  -- of them, those whose quote no user of the session said
    items_new         BIGINT NOT NULL,
    items_merged      BIGINT NOT NULL,  -- verifications that became evidence of an item that was there
    evidence_lost     BIGINT NOT NULL,  -- of the session's earlier version, which its text no longer supports
    contradictions    BIGINT NOT NULL,
    judgements_failed BIGINT NOT NULL,  -- new items that could not be compared with the known ones
    processor_version INTEGER NOT NULL
);

CREATE TABLE verification_evidence (
    id             VARCHAR NOT NULL, -- of item, user and session
    item_id        VARCHAR NOT NULL,
    source_user    VARCHAR NOT NULL,
    source_ref     VARCHAR NOT NULL,
    session_file   VARCHAR NOT NULL,
    detection_type VARCHAR NOT NULL, -- correction, confirmation, unprompted_definition
    user_quote     VARCHAR NOT NULL,
    created_at     TIMESTAMP NOT NULL -- when the user said it
);

-- Shared tables: knowledge outlives the session that it came from. Rows of an older service, whose columns may be null,
-- are taken over as they are.

CREATE TABLE knowledge_items (
    id          VARCHAR PRIMARY KEY,
    title       VARCHAR,
    content     VARCHAR,
    category    VARCHAR,
    domain      VARCHAR, -- finance, engineering, product, data, operations, infrastructure
    entities    JSON,
    confidence  DOUBLE,
    status      VARCHAR,
    source_user VARCHAR, -- the first who verified it
    source_ref  VARCHAR,
    source_type VARCHAR,
    created_at  TIMESTAMP,
    updated_at  TIMESTAMP
);

CREATE TABLE knowledge_item_relations (
    item_a     VARCHAR, -- the newer one
    item_b     VARCHAR,
    relation   VARCHAR, -- likely_duplicate
    score      DOUBLE,  -- the share of their entities that they have in common
    created_at TIMESTAMP,
    PRIMARY KEY (item_a, item_b, relation)
);

CREATE TABLE knowledge_contradictions (
    id                   VARCHAR PRIMARY KEY,
    item_a               VARCHAR, -- the newer one
    item_b               VARCHAR,
    explanation          VARCHAR,
    severity             VARCHAR, -- low, medium, high
    suggested_resolution JSON,    -- {"action": keep_new | keep_known | merge | ask, "reason"}
    status               VARCHAR,
    created_at           TIMESTAMP
);
