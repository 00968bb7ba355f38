//! The example that plugin authors read first.

use serde_json::json;
use session_host_tests::World;

#[test]
fn the_complete_example_is_a_working_plugin() {
    let world = World::with(&["lines"]);
    world.write(
        "alice/a.jsonl",
        "{\"type\":\"user\"}\n\nno JSON\n{\"type\":\"assistant\"}\n",
    );
    let ran = world.run(&["lines"]).exits(0);
    assert_eq!((ran.result().processed, ran.result().items_extracted), (1, 2));
    assert_eq!(
        world.rows("SELECT * FROM session_lines"),
        [json!({"session_file": "alice/a.jsonl", "username": "alice", "lines": 2})]
    );
}

#[test]
fn its_release_and_cadence_are_listed() {
    let world = World::with(&["lines"]);
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["lines"]);
    let files: serde_json::Value = listing.ran.json();
    assert_eq!(files[0]["cadence_minutes"], 10);
    assert_eq!(files[0]["session_tables"], json!(["session_lines"]));
    assert!(files[0]["version"].as_str().unwrap().starts_with(char::is_numeric));
}
