//! Hosts share the work of a run, and leave what one host alone would.

use std::process::Stdio;

use session_host_tests::{Postgres, World, wait_until};

use super::scene::{Scene, Schedule, Setup};

/// Whether so many hosts own equally much of the probe.
pub(super) fn is_shared_by(hosts: i64) -> String {
    format!(
        "SELECT count(*) = {hosts} AND sum(many) = 64 AND max(many) <= ceil(64.0 / {hosts}) FROM (
             SELECT count(*) AS many FROM main.session_host_lease
             WHERE processor_name = 'probe' AND owner IS NOT NULL GROUP BY owner) AS owned"
    )
}

#[track_caller]
fn share(hosts: usize, plugins: &'static [&'static str], sessions: usize) {
    let database = Postgres::shared().database();
    let scene = Scene::new(database.url(), plugins);
    scene.generate(sessions);
    let setup = Setup {
        schedule: Schedule::Never,
        ..scene.setup()
    };
    let members: Vec<_> = (0..hosts).map(|_| scene.start(&setup)).collect();
    scene.wait_for("the hosts share the buckets", &is_shared_by(hosts as i64));
    let observer = scene.observe();
    for plugin in plugins {
        drop(members[0].service.run(plugin).is(200));
    }
    scene.wait_for_all();
    observer.saw_nothing_half();
    assert_eq!(scene.versions(), sessions * plugins.len());
    let worked = "SELECT count(DISTINCT machine) FROM watch.version WHERE processor = 'probe'";
    assert_eq!(scene.sql(worked), hosts.to_string());
    let serial = "SELECT count(DISTINCT machine) FROM watch.version WHERE processor = 'probe_serial'";
    assert_eq!(scene.sql(serial), "1");
    // Each looks closer at the sessions of its own buckets only.
    for plugin in plugins {
        wait_until("every run has ended", || {
            members.iter().map(|member| member.scanned(plugin)).sum::<usize>() == sessions
        });
    }
    for member in members {
        member.ends();
    }
    scene.holds();
}

#[test]
fn two_hosts_share_a_run_and_leave_what_one_would() {
    share(2, &["probe", "probe_serial", "usage", "errors"], 200);
}

#[test]
fn four_hosts_that_write_the_same_rows_with_sql_leave_what_one_would() {
    share(4, &["probe", "probe_serial", "counts"], 100);
}

#[test]
fn hosts_that_start_at_once_make_the_state_once() {
    const HOSTS: usize = 4;
    let database = Postgres::shared().database();
    let world = World::with(&["probe"]);
    let start = |_| {
        let mut command = world.command(&["run", "--json"]);
        command.env("SESSION_HOST_STATE", database.url());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let started: Vec<_> = (0..HOSTS).map(start).collect();
    for host in started {
        let output = host.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let is_made_once = "SELECT count(*) > 0 AND count(*) = count(DISTINCT (owner, sql)) FROM main.session_host_schema";
    assert_eq!(database.sql(is_made_once), "t");
}
