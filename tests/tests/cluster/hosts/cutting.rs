//! Connections between a host and PostgreSQL that are cut, or silent for long.

use session_host_tests::{Postgres, Proxy};

use super::scene::{Guards, Member, Scene, Schedule, Setup};

const PLUGINS: &[&str] = &["probe", "probe_serial"];

/// The session that tells a commit from others.
const MARK: &str = "user-9/last.jsonl";

/// A scene with a network, and no host yet.
#[track_caller]
fn scene(plugins: &'static [&'static str]) -> (Scene, Proxy, String) {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let through_proxy = database.url_through(&proxy);
    let scene = Scene::new(database.url(), plugins);
    scene.write_many(40, &"x".repeat(2000));
    scene.write(MARK, "text");
    (scene, proxy, through_proxy)
}

fn at(scene: &Scene, url: String) -> Setup {
    Setup { url, ..scene.setup() }
}

/// What is there when a late `COMMIT` has come.
pub(super) struct Late {
    pub(super) scene: Scene,
    member: Member,
    _proxy: Proxy,
}

/// Lets the `COMMIT` of a host come late: the host has lost that connection, and makes the same sessions again meanwhile.
#[track_caller]
pub(super) fn commit_late(plugins: &'static [&'static str], guards: Guards) -> Late {
    let (scene, proxy, url) = scene(plugins);
    proxy.hold_back_commit_of(MARK);
    let setup = Setup {
        guards,
        ..at(&scene, url)
    };
    let member = scene.start(&setup);
    proxy.holds_back();
    scene.wait_for(
        "the host waits for its own earlier commit",
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())",
    );
    proxy.deliver();
    Late {
        scene,
        member,
        _proxy: proxy,
    }
}

#[track_caller]
fn is_not_committed_again(plugins: &'static [&'static str]) {
    let Late { scene, member, _proxy } = commit_late(plugins, Guards::On);
    member.tells("this version is recorded already");
    scene.wait_for_all();
    member.ends();
    scene.holds();
}

#[test]
fn what_a_late_commit_commits_is_not_committed_again() {
    is_not_committed_again(&["probe"]);
}

#[test]
fn what_a_late_commit_of_statements_commits_is_not_committed_again() {
    is_not_committed_again(&["counts"]);
}

#[test]
fn what_a_late_commit_of_serial_statements_commits_is_not_committed_again() {
    is_not_committed_again(&["upserts"]);
}

#[test]
fn what_was_committed_without_an_answer_is_not_committed_again() {
    let (scene, proxy, url) = scene(PLUGINS);
    proxy.swallow_answer_to_commit(MARK);
    let observer = scene.observe();
    let member = scene.start(&at(&scene, url));
    proxy.has_swallowed(1);
    scene.wait_for_all();
    member.tells("the run failed");
    observer.saw_nothing_half();
    member.ends();
    scene.holds();
}

/// Ends all connections of a host at a point, and lets it go on by itself.
#[track_caller]
fn end_connections(arm: impl Fn(&Proxy)) {
    let (scene, proxy, url) = scene(PLUGINS);
    arm(&proxy);
    let observer = scene.observe();
    let member = scene.start(&at(&scene, url));
    proxy.has_fallen_silent();
    let ended = scene.sql(
        "SELECT bool_or(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
         WHERE application_name LIKE 'session-host%' AND datname = current_database()",
    );
    assert_eq!(ended, "t");
    proxy.pass();
    scene.wait_for_all();
    observer.saw_nothing_half();
    member.ends();
    scene.holds();
}

#[test]
fn a_host_whose_connections_are_ended_before_a_commit_goes_on() {
    end_connections(|proxy| proxy.fall_silent_before_commit_of(MARK));
}

#[test]
fn a_host_whose_connections_are_ended_while_it_copies_rows_goes_on() {
    end_connections(|proxy| proxy.fall_silent_in_copy_of(MARK));
}

#[test]
fn a_host_behind_a_network_that_is_silent_for_long_is_taken_over_and_comes_back() {
    let (scene, proxy, url) = scene(PLUGINS);
    proxy.fall_silent_before_commit_of(MARK);
    let observer = scene.observe();
    let silent = scene.start(&at(&scene, url));
    proxy.has_fallen_silent();
    let other = scene.start(&scene.setup());
    scene.wait_for_all();
    proxy.pass();
    scene.wait_for(
        "both hosts are there",
        "SELECT count(*) = 2 FROM main.session_host_machine",
    );
    scene.append(&serde_json::json!({"do": "log", "level": "debug", "message": "another version"}));
    scene.wait_for_all();
    observer.saw_nothing_half();
    for member in [silent, other] {
        member.ends();
    }
    scene.holds();
}

#[test]
fn a_host_that_runs_alone_survives_every_cut() {
    let (scene, proxy, url) = scene(PLUGINS);
    let setup = Setup {
        schedule: Schedule::Always,
        ..at(&scene, url)
    };
    let member = scene.start(&setup);
    for round in 0..5 {
        let before = scene.versions();
        scene.append(&serde_json::json!({"do": "log", "level": "debug", "message": round.to_string()}));
        scene.wait_for(
            "a commit of the round",
            &format!("SELECT count(*) > {before} FROM watch.version"),
        );
        proxy.cut();
    }
    scene.wait_for_all();
    member.ends();
    scene.holds();
}
