//! A `COMMIT` that comes late: the host has lost that connection, and makes the same sessions again meanwhile.

use session_host_tests::{Postgres, Proxy, WAITS_FOR_A_LOCK, copying_into};

use super::{
    scene::{Guards, Member, Scene, Setup},
    watch::{IS_ANY_TWICE, Observer},
};

/// A session whose user has no other.
const LAST: &str = "user-9/last.jsonl";

/// What is there when the `COMMIT` has come.
struct Late {
    scene: Scene,
    member: Member,
    observer: Observer,
    _proxy: Proxy,
}

/// Which version of the sessions it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    First,
    Second,
}

/// What the first of these processors sends in each commit of sessions. Where it gives rows, no other commit has that.
fn written(plugins: &[&str]) -> String {
    match plugins[0] {
        "probe" => copying_into("probe_rows"),
        "counts" => copying_into("counts_lines"),
        _ => LAST.to_owned(),
    }
}

#[track_caller]
fn commit_late(plugins: &'static [&'static str], version: Version, guards: Guards) -> Late {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let scene = Scene::new(database.url(), plugins);
    scene.write_many(20, &"x".repeat(2000));
    scene.write(LAST, "text");
    let observer = scene.observe();
    let setup = Setup {
        guards,
        url: database.url_through(&proxy),
        ..scene.setup()
    };
    let member = match version {
        Version::First => {
            proxy.hold_back_commit_of(&written(plugins));
            scene.start(&setup)
        }
        Version::Second => {
            let member = scene.start(&setup);
            scene.wait_for_all();
            proxy.hold_back_commit_of(&written(plugins));
            scene.change();
            member
        }
    };
    proxy.holds_back();
    scene.wait_for("the host waits for its own earlier commit", WAITS_FOR_A_LOCK);
    proxy.deliver();
    Late {
        scene,
        member,
        observer,
        _proxy: proxy,
    }
}

/// Checks that a host commits nothing again after a late `COMMIT`, and that everything is as if it had come in time.
#[track_caller]
fn is_not_committed_again(plugins: &'static [&'static str]) {
    let late = commit_late(plugins, Version::First, Guards::On);
    late.member.tells("this version is recorded already");
    late.scene.wait_for_all();
    late.observer.saw_nothing_half();
    late.member.ends();
    late.scene.holds();
}

/// Checks that a host that does not compare commits a version again. A session that was not recorded before cannot be
/// recorded twice in any case.
#[track_caller]
pub(super) fn is_committed_again(plugins: &'static [&'static str]) {
    let late = commit_late(plugins, Version::Second, Guards::NoComparison);
    late.scene.wait_for("a version is committed twice", IS_ANY_TWICE);
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
