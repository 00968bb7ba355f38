use session_plugin_api::Migration;

use super::*;
use crate::state::State;

#[test]
fn tables_with_different_duplicate_rows_have_different_contents() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("state.duckdb")).unwrap();
    let sql = "CREATE TABLE one AS FROM (VALUES ('a'), ('a'), ('c')) AS t(x);
               CREATE TABLE other AS FROM (VALUES ('b'), ('c'), ('b')) AS t(x);
               CREATE TABLE same AS FROM (VALUES ('a'), ('c'), ('a')) AS t(x)";
    let declared = DeclaredTables {
        processor: &"p".parse().unwrap(),
        migrations: &[Migration::new(1, "tables", sql)],
        session_tables: &[],
    };
    state.prepare_processor(declared).unwrap();
    let reader = state.reader().unwrap();
    let [one, other, same] = ["one", "other", "same"].map(|table| reader.contents(table).unwrap());
    assert_eq!(one, same);
    assert_ne!(one, other);
}
