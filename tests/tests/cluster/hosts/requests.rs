//! What somebody asks of one host concerns all that share its state.

use std::fs;

use serde_json::{Value, json};
use session_host_tests::{Postgres, wait_until};

use super::{
    scene::{Member, ROWS, Scene, Schedule, Setup},
    sharing::is_shared_by,
};

const SESSIONS: usize = 20;

/// What a host lists of a processor; `None` if it has no such plugin.
#[track_caller]
fn listed(member: &Member, processor: &str) -> Option<Value> {
    let listed = member.service.get("/api/admin/processors").is(200).json();
    let mut plugins = listed["processors"].as_array().unwrap().iter();
    plugins.find(|plugin| plugin["processor"] == processor).cloned()
}

fn is_paused(member: &Member) -> bool {
    listed(member, "probe").is_some_and(|probe| !probe["paused"].is_null())
}

/// Asks a host for something about the probe.
#[track_caller]
fn ask(member: &Member, action: &str) {
    drop(
        member
            .service
            .post(&format!("/api/admin/{action}?processor=probe"))
            .is(200),
    );
}

/// Waits for so many committed versions, the last of which were committed by both hosts.
#[track_caller]
fn both_commit(scene: &Scene, versions: usize) {
    scene.wait_for(
        "every session is processed",
        &format!("SELECT count(*) = {versions} FROM watch.version"),
    );
    let last = format!("SELECT machine FROM watch.version ORDER BY id DESC LIMIT {SESSIONS}");
    assert_eq!(
        scene.sql(&format!("SELECT count(DISTINCT machine) FROM ({last}) AS last")),
        "2"
    );
}

#[test]
fn what_is_asked_of_one_host_concerns_the_other_as_well() {
    let scene = Scene::new(Postgres::shared().database().url(), &["probe"]);
    let fine = scene.alone.path("fine");
    let fail = json!({"do": "unless", "path": fine, "then": {"do": "error", "message": "not yet"}});
    let rows = json!({"do": "rows", "count": ROWS});
    for number in 0..SESSIONS {
        let session = format!("user-{}/{number:04}.jsonl", number % 3);
        scene.alone.write(&session, format!("{fail}\n{rows}\n"));
    }
    let setup = Setup {
        schedule: Schedule::Never,
        ..scene.setup()
    };
    let [one, other] = [(); 2].map(|()| scene.start(&setup));
    scene.wait_for("the hosts share the buckets", &is_shared_by(2));
    drop(one.service.run("probe").is(200));
    let failed = format!("SELECT count(*) = {SESSIONS} FROM main.session_processor_failure");
    scene.wait_for("every session has failed", &failed);

    fs::write(&fine, "").unwrap();
    ask(&one, "retry");
    both_commit(&scene, SESSIONS);

    ask(&one, "pause");
    wait_until("the other host knows of the pause", || is_paused(&other));
    drop(other.service.run("probe").is(409));
    ask(&other, "resume");
    wait_until("the first host knows of its end", || !is_paused(&one));

    ask(&one, "reprocess");
    drop(other.service.run("probe").is(200));
    both_commit(&scene, 2 * SESSIONS);

    for member in [&one, &other] {
        member.install("counts");
        assert_eq!(listed(member, "counts"), None);
    }
    drop(one.service.post("/api/admin/reload-plugins").is(200));
    wait_until("the other host has the new plugin", || {
        listed(&other, "counts").is_some()
    });
    one.ends();
    other.ends();
    scene.is_as_if_alone();
}
