//! A state file that has the tables of the usage processor's first version, and rows of sessions whose transcripts are gone.

use session_host_tests::World;

const FIRST_VERSION: &str = include_str!("../../../plugins/usage/src/schema/0001.sql");

const CALL: &str = r#"{"type":"assistant","uuid":"u1","sessionId":"s1","timestamp":"2026-03-01T09:00:00Z","message":{
    "id":"msg_1","model":"claude-opus-4-6","usage":{"output_tokens":7},
    "content":[{"type":"tool_use","id":"toolu_1","name":"Bash","input":{}}]}}"#;

/// Puts the state back to what the first version made of it, without rows.
fn go_back(world: &World) {
    let owned = world.rows(
        "SELECT table_name, table_name IN (SELECT view_name FROM duckdb_views()) AS is_view
         FROM processor_table WHERE owner = 'usage'",
    );
    let drops = owned.iter().map(|object| {
        let kind = if object["is_view"] == true { "VIEW" } else { "TABLE" };
        format!("DROP {kind} IF EXISTS {};", object["table_name"])
    });
    world.change_state(&drops.collect::<String>());
    world.change_state(FIRST_VERSION);
    world.change_state(
        "DELETE FROM schema_migration WHERE owner = 'usage' AND version > 1;
         DELETE FROM processor_table WHERE owner = 'usage';
         INSERT INTO processor_table SELECT table_name, 'usage' FROM duckdb_tables() WHERE table_name LIKE 'usage%';
         INSERT INTO processor_table SELECT view_name, 'usage' FROM duckdb_views() WHERE view_name LIKE 'usage%';
         DELETE FROM session_processor_state;",
    );
}

#[test]
fn keep_the_rows_of_sessions_that_are_gone() {
    let world = World::with(&["usage"]);
    world.write("alice/resumed.jsonl", CALL.replace('\n', " "));
    drop(world.run(&["usage"]).exits(0));
    let event = world.rows("SELECT id FROM usage_events").remove(0);
    go_back(&world);
    let id = event["id"].as_str().unwrap();
    world.change_state(&format!(
        "INSERT INTO usage_events VALUES ('{id}', 's1', 'alice/gone.jsonl', 'alice', 'u1', NULL, 'tool_use', 'Bash',
             NULL, NULL, NULL, true, 'builtin', NULL, NULL, NULL, '2026-03-01 09:00:00', 1);
         INSERT INTO usage_messages VALUES
             ('alice/gone.jsonl', 'alice', 's1', 'msg_1', NULL, 'claude-opus-4-6', '2026-03-01 09:00:00', false,
              0, 7, 0, 0, 0, 0.000175),
             ('alice/gone.jsonl', 'alice', 's1', 'msg_2', NULL, '<synthetic>', '2026-03-01 09:00:01', false,
              0, 0, 0, 0, 0, NULL);
         INSERT INTO usage_session_summary VALUES ('alice/gone.jsonl', 's1', 'alice', NULL, NULL, 0, 0, 0, 2, 1, 1, 0, 0, 0,
             0, 1, 0, 0, 2, '<synthetic>', 0, 7, 0, 0, 0.000175, 1);"
    ));

    drop(world.run(&["usage"]).exits(0));
    let gone = world.rows(
        "SELECT responses, primary_model, output_tokens FROM usage_session_summary
         WHERE session_file = 'alice/gone.jsonl'",
    );
    let expected = serde_json::json!({"responses": 1, "primary_model": "claude-opus-4-6", "output_tokens": 7});
    assert_eq!(gone, [expected]);
    assert_eq!((world.count("usage_messages"), world.count("usage_responses")), (2, 1));

    // The resumed session repeats the call, which the row of the session that is gone does not name.
    assert_eq!(world.count("usage_events"), 2);
    let tools = world.rows("SELECT invocations, error_count FROM usage_tool_daily");
    assert_eq!(tools, [serde_json::json!({"invocations": 1, "error_count": 1})]);
}
