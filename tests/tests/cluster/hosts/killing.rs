//! Hosts that are killed: the others process what is theirs.

use session_host_tests::{Held, Postgres, World};

use super::{
    scene::{Scene, Schedule, Setup},
    watch::late_take_overs,
};

/// Numbers that look random, and are the same in every run.
struct Seed(u64);

impl Seed {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn the_work_of_a_killed_host_is_done_by_the_other_without_anybody_asking() {
    let database = Postgres::shared().database();
    let scene = Scene::new(database.url(), &["probe", "probe_serial", "counts"]);
    scene.write_many(30, "text");
    let held = hold(&scene.alone);
    let observer = scene.observe();
    let setup = Setup {
        schedule: Schedule::Once,
        ..scene.setup()
    };
    let killed = scene.start(&setup);
    held.starts();
    let other = scene.start(&setup);
    scene.wait_for(
        "both hosts are there",
        "SELECT count(*) = 2 FROM main.session_host_machine",
    );
    killed.dies();
    held.let_go();
    scene.wait_for_all();
    observer.saw_nothing_half();
    assert_eq!(scene.sql("SELECT count(*) FROM main.session_host_takeover"), "1");
    assert_eq!(scene.sql(&late_take_overs()), "");
    other.ends();
    scene.holds();
}

/// Writes a session whose attempts wait.
fn hold(world: &World) -> Held {
    let step = serde_json::json!({"do": "rows", "count": super::scene::ROWS});
    Held::before(world, "user-9/waits.jsonl", &step.to_string())
}

/// Changes all sessions again and again, and kills a host each time when so many of them are committed.
#[track_caller]
fn kill_at_random(seed: u64, hosts: usize, plugins: &'static [&'static str]) {
    const SESSIONS: usize = 90;
    const ROUNDS: usize = 4;
    let mut seed = Seed(seed);
    let database = Postgres::shared().database();
    let scene = Scene::new(database.url(), plugins);
    scene.write_many(SESSIONS, "text");
    let mut members: Vec<_> = (0..hosts).map(|_| scene.start(&scene.setup())).collect();
    scene.wait_for_all();
    let observer = scene.observe();
    for _ in 0..ROUNDS {
        let wanted = scene.versions() + 1 + seed.below(SESSIONS * plugins.len() - 1);
        scene.change();
        scene.wait_for(
            "so much is committed",
            &format!("SELECT count(*) >= {wanted} FROM watch.version"),
        );
        members.swap_remove(seed.below(hosts)).dies();
        members.push(scene.start(&scene.setup()));
    }
    scene.wait_for_all();
    observer.saw_nothing_half();
    for member in members {
        member.ends();
    }
    scene.holds();
}

#[test]
fn two_hosts_that_are_killed_at_random_leave_what_one_would() {
    kill_at_random(1, 2, &["probe", "probe_serial"]);
}

#[test]
fn three_hosts_that_are_killed_at_random_leave_what_one_would() {
    kill_at_random(2, 3, &["probe", "counts"]);
}
