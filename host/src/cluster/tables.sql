-- The tables by which the machines agree on who processes what. Making them again changes nothing.

-- One row for each incarnation of a machine. Its end frees what it owns.
CREATE TABLE IF NOT EXISTS session_host_machine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    version text NOT NULL,
    seen timestamptz NOT NULL,
    processors text[] NOT NULL,
    lease_seconds double precision NOT NULL
);

-- Which machine processes which sessions of a processor.
CREATE TABLE IF NOT EXISTS session_host_lease (
    processor_name text NOT NULL,
    bucket int NOT NULL,
    owner bigint REFERENCES session_host_machine (id) ON DELETE SET NULL,
    PRIMARY KEY (processor_name, bucket)
);
CREATE INDEX IF NOT EXISTS session_host_lease_owner ON session_host_lease (owner);

-- What each machine says of its processors, for people. `waiting` has the buckets in which sessions wait: by number, how many
-- they are and when the oldest was last written, in microseconds of Unix time. A time of a transcript, of a check or of a run is that of the
-- machine's own clock.
CREATE TABLE IF NOT EXISTS session_host_report (
    machine bigint NOT NULL REFERENCES session_host_machine (id) ON DELETE CASCADE,
    processor_name text NOT NULL,
    plugin_version text NOT NULL,
    output_version bigint NOT NULL,
    digest text NOT NULL,
    waiting jsonb,
    checked_at timestamptz,
    running_since timestamptz,
    PRIMARY KEY (machine, processor_name)
);

-- What somebody asked of all machines, in this order.
CREATE TABLE IF NOT EXISTS session_host_request (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asked_at timestamptz NOT NULL,
    actor text NOT NULL,
    kind text NOT NULL,
    processor text,
    payload jsonb NOT NULL
);

-- Which machines were taken for dead, and by whom.
CREATE TABLE IF NOT EXISTS session_host_takeover (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    dead_id bigint NOT NULL,
    dead_name text NOT NULL,
    by_id bigint NOT NULL
);
