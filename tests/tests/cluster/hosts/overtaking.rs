//! What concerns a run happens while it is under way: somebody is forgotten, another host migrates the tables, or asks for a run.

use std::{fs, process::Stdio};

use serde_json::json;
use session_host_tests::{Held, Postgres, Proxy, WAITS_FOR_A_LOCK, World, wait_until};

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
    fs::remove_file(scene.alone.sessions().join("alice/secret.jsonl")).unwrap();
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

/// What a host commits that has passed its fence is in the tables before anybody is forgotten, and is removed with the rest.
#[test]
fn forgetting_waits_for_a_commit_that_has_passed_its_fence() {
    const SECRET: &str = "alice/secret.jsonl";
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let scene = Scene::new(database.url(), &["probe"]);
    scene.write(SECRET, "text");
    proxy.fall_silent_before_commit_of(SECRET);
    let member = scene.start(&Setup {
        url: database.url_through(&proxy),
        schedule: Schedule::Once,
        ..scene.setup()
    });
    proxy.has_fallen_silent();
    fs::remove_file(scene.alone.sessions().join(SECRET)).unwrap();
    let mut command = scene.alone.command(&["forget", "alice"]);
    command.env("SESSION_HOST_STATE", &scene.url);
    let forgetting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    scene.wait_for("the command waits for the commit", WAITS_FOR_A_LOCK);
    proxy.pass();
    let forgotten = forgetting.wait_with_output().unwrap();
    assert_eq!(forgotten.status.code(), Some(0), "{forgotten:?}");
    assert_eq!(scene.versions(), 1);
    assert_eq!(scene.sql("SELECT count(*) FROM main.session_processor_state"), "0");
    assert_eq!(scene.sql("SELECT count(*) FROM main.probe_rows"), "0");
    member.ends();
}

/// The next version of a plugin changes the tables after what the present one has fenced is committed, and the present one is
/// refused from then on.
#[test]
fn a_migration_waits_for_a_commit_that_has_passed_its_fence() {
    const SESSION: &str = "alice/a.jsonl";
    let first = "CREATE TABLE shaped_rows (n BIGINT)";
    let second = "ALTER TABLE shaped_rows ADD COLUMN m BIGINT";
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let host = |url: &str, migrations: &[&str]| {
        let mut world = World::with(&["shaped"]);
        world.write(SESSION, "text");
        world.set_variable("SESSION_HOST_STATE", url);
        world.set_variable("SHAPED_MIGRATIONS", &json!(migrations).to_string());
        world.set_variable("SHAPED_EXECUTE", "INSERT INTO shaped_rows (n) VALUES (1)");
        world
    };
    let present = host(&database.url_through(&proxy), &[first]);
    let next = host(&database.url(), &[first, second]);
    proxy.fall_silent_before_commit_of(SESSION);
    let committing = present.start(&["run", "--json"]);
    proxy.has_fallen_silent();
    let migrating = next.start(&["run", "--json"]);
    wait_until("the migration waits for the commit", || {
        database.sql(WAITS_FOR_A_LOCK) == "t"
    });
    let columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'shaped_rows'";
    assert_eq!(database.sql(columns), "1");
    proxy.pass();
    drop(committing.ends().exits(0));
    drop(migrating.ends().exits(0));
    assert_eq!(database.sql(columns), "2");
    assert_eq!(database.sql("SELECT count(*) FROM main.shaped_rows"), "1");
    let refused = present.run(&[]).exits(2);
    refused.tells("at version 2, but the plugin knows versions only up to 1");
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

/// The schedule of the host that asked does not fire again during the test, nor does that of this one.
#[test]
fn a_run_for_which_another_host_fires_the_schedule_during_a_run_follows_it() {
    let (scene, held, member) = begin(Guards::On);
    scene.write("bruno/later.jsonl", "x");
    scene.sql(
        r#"INSERT INTO main.session_host_request (asked_at, actor, kind, processor, payload) VALUES
           (clock_timestamp(), 'scheduler', 'run', 'probe', '{"asked_at": "another", "failing": false, "sessions": null}')"#,
    );
    scene.wait_for(
        "the host has read the request",
        "SELECT count(*) > 1 FROM watch.renewal WHERE seen >
             (SELECT max(asked_at) + interval '2 s' FROM main.session_host_request)",
    );
    held.let_go();
    scene.wait_for_all();
    member.ends();
    scene.holds();
}

/// A retry attempts failing sessions alone, so the host still has to run over what it gained with its start.
#[test]
fn a_retry_soon_after_the_start_does_not_stand_for_a_run() {
    let scene = Scene::new(Postgres::shared().database().url(), &["probe"]);
    scene.write("alice/a.jsonl", "x");
    let [first, second] = [Schedule::Once, Schedule::OnceAfterAWhile].map(|schedule| Setup {
        schedule,
        ..scene.setup()
    });
    let member = scene.start(&first);
    scene.wait_for_all();
    member.ends();
    scene.write("bruno/later.jsonl", "x");
    let member = scene.start(&second);
    drop(member.service.post("/api/admin/retry?processor=probe").is(200));
    scene.wait_for_all();
    member.ends();
    scene.holds();
}

/// Who forgets locks out all commits and take-overs. A process that stands still does not do so for ever.
#[test]
fn forgetting_that_stands_still_is_ended() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let scene = Scene::new(database.url(), &["probe"]);
    scene.write("alice/secret.jsonl", "text");
    let member = scene.start(&Setup {
        schedule: Schedule::Once,
        ..scene.setup()
    });
    scene.wait_for_all();
    proxy.fall_silent_before_commit_of("main.session_host_request");
    let mut command = scene.alone.command(&["forget", "alice"]);
    command.env("SESSION_HOST_STATE", database.url_through(&proxy));
    let forgetting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    proxy.has_fallen_silent();
    scene.change();
    drop(member.service.run("probe").is(200));
    scene.wait_for_all();
    proxy.pass();
    let failed = forgetting.wait_with_output().unwrap();
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    member.ends();
    scene.holds();
}
