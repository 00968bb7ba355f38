//! What concerns a run happens while it is under way: somebody is forgotten, another host migrates the tables, or asks for a run.

use serde_json::json;
use session_host_tests::{Held, Postgres};

use super::scene::{Guards, Member, ROWS, Scene, Schedule, Setup};

/// A host whose attempt has read the only transcript, and waits.
#[track_caller]
fn begin(guards: Guards) -> (Scene, Held, Member) {
    let scene = Scene::new(Postgres::shared().database().url(), &["probe"]);
    let steps = json!({"do": "rows", "count": ROWS}).to_string();
    let held = Held::before(&scene.alone, "alice/secret.jsonl", &steps);
    let member = scene.start(&Setup {
        guards,
        schedule: Schedule::Once,
        ..scene.setup()
    });
    held.starts();
    (scene, held, member)
}

/// Forgets the user whose session a host attempts, and lets the attempt go on.
#[track_caller]
pub(super) fn forget_meanwhile(guards: Guards) -> (Scene, Member) {
    let (scene, held, member) = begin(guards);
    let mut command = scene.alone.command(&["forget", "alice"]);
    // Nothing of the session is committed yet, so the command knows nothing about her.
    let forgotten = command.env("SESSION_HOST_STATE", &scene.url).output().unwrap();
    assert_eq!(forgotten.status.code(), Some(2), "{forgotten:?}");
    std::fs::remove_file(scene.alone.sessions().join("alice/secret.jsonl")).unwrap();
    held.let_go();
    (scene, member)
}

/// Lets another host migrate the tables that an attempt is to write to, and lets the attempt go on.
#[track_caller]
pub(super) fn migrate_meanwhile(guards: Guards) -> (Scene, Member) {
    let (scene, held, member) = begin(guards);
    scene.sql(
        "INSERT INTO main.schema_migration (owner, version, checksum, applied_at)
         SELECT owner, version + 7, checksum, applied_at FROM main.schema_migration WHERE owner = 'probe'",
    );
    held.let_go();
    (scene, member)
}

/// Checks that a host has refused to write anything of its attempt.
#[track_caller]
fn nothing_is_written((scene, member): (Scene, Member), refusal: &str) {
    member.tells(refusal);
    member.ends();
    for table in ["session_processor_state", "session_processor_failure", "probe_rows"] {
        assert_eq!(scene.sql(&format!("SELECT count(*) FROM main.{table}")), "0", "{table}");
    }
}

#[test]
fn what_is_forgotten_during_the_run_of_another_host_stays_forgotten() {
    nothing_is_written(forget_meanwhile(Guards::On), "was forgotten since the run began");
}

#[test]
fn what_an_older_plugin_gives_is_not_written_to_tables_that_were_migrated_meanwhile() {
    nothing_is_written(migrate_meanwhile(Guards::On), "another host has migrated its tables");
}

#[test]
fn a_run_that_is_asked_for_elsewhere_during_a_run_follows_it() {
    let (scene, held, member) = begin(Guards::On);
    // The run under way has chosen its sessions before.
    scene.write("bruno/later.jsonl", "x");
    let mut command = scene.alone.command(&["run", "probe"]);
    let asked = command.env("SESSION_HOST_STATE", &scene.url).output().unwrap();
    assert!(asked.status.success(), "{asked:?}");
    held.let_go();
    scene.wait_for_all();
    member.ends();
    scene.holds();
}
