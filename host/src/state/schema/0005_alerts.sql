-- What alerts have told. An alert is active from `fired_at` to `resolved_at`. Secrets that were known before anybody asked
-- for alerts have rows of the kind `known_secret`, which no alert tells of.
CREATE TABLE main.alert (
    key VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL CHECK (kind IN ('budget', 'secret', 'processor', 'known_secret')),
    scope VARCHAR NOT NULL,
    username VARCHAR,
    period VARCHAR,
    value_usd DOUBLE,
    budget_usd DOUBLE,
    text VARCHAR NOT NULL,
    fired_at TIMESTAMP NOT NULL,
    resolved_at TIMESTAMP,
    delivered_at TIMESTAMP
);
