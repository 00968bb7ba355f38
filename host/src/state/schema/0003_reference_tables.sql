-- What stands in the processors' reference tables; `digest` is that of the rows as the plugin gave them.
CREATE TABLE processor_reference_table (
    table_name VARCHAR PRIMARY KEY,
    owner VARCHAR NOT NULL,
    digest VARCHAR NOT NULL,
    replaced_at TIMESTAMP NOT NULL
);
