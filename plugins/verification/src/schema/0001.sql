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

-- Shared tables: knowledge outlives the session that it came from.

CREATE TABLE knowledge_items (
    id          VARCHAR PRIMARY KEY,
    title       VARCHAR NOT NULL,
    content     VARCHAR NOT NULL,
    category    VARCHAR NOT NULL,
    domain      VARCHAR NOT NULL, -- finance, engineering, product, data, operations, infrastructure
    entities    JSON NOT NULL,
    confidence  DOUBLE NOT NULL,
    status      VARCHAR NOT NULL,
    source_user VARCHAR NOT NULL, -- the first who verified it
    source_ref  VARCHAR NOT NULL,
    source_type VARCHAR NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    updated_at  TIMESTAMP NOT NULL
);

CREATE TABLE knowledge_item_relations (
    item_a     VARCHAR NOT NULL, -- the newer one
    item_b     VARCHAR NOT NULL,
    relation   VARCHAR NOT NULL, -- likely_duplicate
    score      DOUBLE NOT NULL,  -- the share of their entities that they have in common
    created_at TIMESTAMP NOT NULL,
    PRIMARY KEY (item_a, item_b, relation)
);

CREATE TABLE knowledge_contradictions (
    id                   VARCHAR PRIMARY KEY,
    item_a               VARCHAR NOT NULL, -- the newer one
    item_b               VARCHAR NOT NULL,
    explanation          VARCHAR NOT NULL,
    severity             VARCHAR NOT NULL, -- low, medium, high
    suggested_resolution JSON NOT NULL,    -- {"action": keep_new | keep_known | merge | ask, "reason"}
    status               VARCHAR NOT NULL,
    created_at           TIMESTAMP NOT NULL
);
