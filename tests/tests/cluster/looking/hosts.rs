//! Who owns what, what waits, and who took over.

use serde_json::json;
use session_host_tests::{Postgres, Visit, World, wait_until};

use super::scene::{beside, buckets, cluster, host_at, listed, wait_for_metric};

#[test]
fn a_state_in_a_file_has_no_other_hosts() {
    let world = World::with(&["probe"]);
    let told = world.host(&["cluster"]).exits(0).stdout;
    assert_eq!(told, "this state is in a file: no other host shares it\n");
    assert_eq!(cluster(&world)["shared"], false);
    let service = world.serve(&[]);
    let answer = service.get("/api/admin/cluster").is(200).json();
    assert_eq!(
        answer,
        json!({"shared": false, "machines": [], "processors": [], "take_overs": []})
    );
    let visit = Visit::of(&service);
    assert!(!visit.get(&service, "/").is(200).body.contains("\"/cluster\""));
    assert!(visit.get(&service, "/cluster").is(200).body.contains("in a file"));
}

#[test]
fn nobody_has_a_state_open_that_nobody_has_made() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &[]);
    assert_eq!(
        world.host(&["cluster"]).exits(0).stdout,
        "no host has this state open\n"
    );
    assert_eq!(
        database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'main'"),
        "0"
    );
}

#[test]
fn two_hosts_are_seen_with_what_they_own_until_one_takes_the_other_over() {
    const SESSIONS: u64 = 40;
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    for number in 0..SESSIONS {
        world.write(&format!("alice/{number}.jsonl"), r#"{"do":"rows","count":1}"#);
    }
    let other = beside(&world, &database.url(), &["probe"]);
    let (service, killed) = (world.serve(&[]), other.serve(&[]));
    wait_until("both own a half", || buckets(&world) == [32, 32]);
    wait_until("each tells what waits on it, and only that", || {
        let cluster = cluster(&world);
        let backlogs = listed(&cluster, "probe")
            .into_iter()
            .map(|listed| listed["backlog"].as_u64());
        let backlogs: Option<Vec<u64>> = backlogs.collect();
        backlogs.is_some_and(|backlogs| backlogs.iter().sum::<u64>() == SESSIONS && !backlogs.contains(&SESSIONS))
    });
    wait_for_metric(&service, "session_host_machines 2");
    wait_for_metric(&service, "session_host_owned_buckets{processor=\"probe\"} 32");
    wait_for_metric(&service, "session_host_unowned_buckets{processor=\"probe\"} 0");
    let seen = service.get("/api/admin/cluster").is(200).json();
    let names: Vec<&str> = seen["machines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|machine| machine["name"].as_str().unwrap())
        .collect();
    let told = world.host(&["cluster"]).exits(0).stdout;
    let visit = Visit::of(&service);
    let page = visit.get(&service, "/cluster").is(200).body;
    for name in &names {
        assert!(
            told.contains(name) && page.contains(name),
            "no {name} in {told}\n{page}"
        );
    }
    assert!(
        page.contains("waited longest") && told.contains("longest waiting"),
        "{told}\n{page}"
    );
    for listed in listed(&seen, "probe") {
        let lags = listed["lags"].as_array().unwrap();
        let waiting: u64 = lags.iter().map(|lag| lag["backlog"].as_u64().unwrap()).sum();
        assert_eq!(waiting, listed["backlog"], "{listed}");
        assert!(lags.iter().any(|lag| lag["oldest"] == listed["oldest"]), "{listed}");
    }
    assert!(visit.get(&service, "/").is(200).body.contains("\"/cluster\""));
    let digests: Vec<_> = listed(&seen, "probe").iter().map(|listed| &listed["digest"]).collect();
    assert!(digests[0].is_string() && digests[0] == digests[1], "{digests:?}");

    killed.signal(libc::SIGKILL);
    wait_until("the other one has taken over", || buckets(&world) == [64]);
    let after = cluster(&world);
    assert_eq!(after["machines"].as_array().unwrap().len(), 1);
    let take_over = &after["take_overs"][0];
    assert_eq!(take_over["by_incarnation"], after["machines"][0]["incarnation"]);
    assert!(names.contains(&take_over["dead"].as_str().unwrap()), "{take_over}");
    assert!(visit.get(&service, "/cluster").is(200).body.contains("take-overs"));
    wait_for_metric(&service, "session_host_take_overs_total 1");
    wait_for_metric(&service, "session_host_backlog_sessions{processor=\"probe\"} 40");
    drop(service.run("probe").is(200));
    wait_for_metric(&service, "session_host_commit_conflicts_total{processor=\"probe\"} 0");
    // Nobody needs a server to look.
    drop(service);
    assert_eq!(cluster(&world)["shared"], true);
}

#[test]
fn the_lease_of_each_host_is_seen() {
    let database = Postgres::shared().database();
    let world = host_at(&database.url(), &["probe"]);
    let service = world.serve(&[("SESSION_HOST_LEASE_SECONDS", "20")]);
    assert_eq!(cluster(&world)["machines"][0]["lease_seconds"], 20.0);
    let visit = Visit::of(&service);
    assert!(visit.get(&service, "/cluster").is(200).body.contains("20 s"));
}
