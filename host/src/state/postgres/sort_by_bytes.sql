DO $sort$
DECLARE
    place record;
BEGIN
    FOR place IN
        SELECT DISTINCT col.attrelid::regclass AS tab, col.attname AS col
        FROM pg_attribute AS col
        JOIN pg_class AS tab ON tab.oid = col.attrelid AND tab.relkind = 'r'
        JOIN pg_namespace AS space ON space.oid = tab.relnamespace AND space.nspname = 'main'
        JOIN pg_collation AS sorting ON sorting.oid = col.attcollation AND sorting.collname <> 'C'
        LEFT JOIN pg_index AS key ON key.indrelid = tab.oid AND key.indisprimary
        WHERE col.attnum > 0 AND NOT col.attisdropped AND col.atttypid = 'varchar'::regtype
          AND (col.attname = 'session_file' OR col.attnum = ANY (key.indkey))
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE varchar COLLATE "C"', place.tab, place.col);
    END LOOP;
    FOR place IN
        SELECT col.attrelid::regclass AS tab
        FROM pg_attribute AS col
        JOIN pg_class AS tab ON tab.oid = col.attrelid AND tab.relkind = 'r'
        JOIN pg_namespace AS space ON space.oid = tab.relnamespace AND space.nspname = 'main'
        WHERE col.attname = 'session_file' AND NOT col.attisdropped
          AND NOT EXISTS (SELECT FROM pg_index AS found WHERE found.indrelid = tab.oid AND found.indkey[0] = col.attnum)
    LOOP
        EXECUTE format('CREATE INDEX ON %s (session_file)', place.tab);
    END LOOP;
END
$sort$
