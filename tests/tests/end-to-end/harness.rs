//! The harness itself, and the probe that most tests use.

use serde_json::json;
use session_host_tests::World;

#[test]
fn a_probe_does_what_its_session_tells() {
    let world = World::with(&["probe"]);
    world.write(
        "alice/a.jsonl",
        r#"{"do":"rows","count":2,"first":7}
           {"type":"user"}
           {"do":"query","sql":"SELECT 40 + 2"}"#,
    );
    let ran = world.run(&["probe"]).exits(0);
    let result = ran.result();
    assert_eq!((result.scanned, result.processed, result.items_extracted), (1, 1, 3));
    let row = |n: i64, text: &str| json!({"session_file": "alice/a.jsonl", "username": "alice", "n": n, "text": text, "instance": 1});
    assert_eq!(
        world.rows("SELECT * FROM probe_rows ORDER BY n"),
        [row(7, "text"), row(8, "text"), row(42, "queried")]
    );
}

#[test]
fn every_probe_has_its_own_tables() {
    let world = World::new();
    for probe in ["probe", "probe_other", "probe_serial"] {
        world.install(probe);
    }
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    let ran = world.run(&[]).exits(0);
    for probe in ["probe", "probe_other", "probe_serial"] {
        assert_eq!(ran.result_of(probe).processed, 1);
        assert_eq!(world.count(&format!("{probe}_rows")), 1);
    }
}
